#!/usr/bin/env python3
"""containerd's shim for runc with tiny-oci in runc's place."""

import os
import time

import engine


class ContainerdTest(engine.EngineTest):

    @classmethod
    def start_engine(cls):
        folder = cls.folder
        config = os.path.join(folder, "config.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write('version = 2\nroot = "%s/root"\nstate = "%s/state"\n'
                       'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                       '[grpc]\n  address = "%s/sock"\n' % (folder, folder, folder))
        cls.start_daemon("containerd", "-c", config)
        cls.command = ["ctr", "-a", folder + "/sock"]
        deadline = time.monotonic() + engine.TIMEOUT
        while not os.path.exists(folder + "/sock"):
            if time.monotonic() > deadline:
                raise AssertionError("containerd does not start")
            time.sleep(0.1)

    def run_container(self, *args, code=0):
        return self.engine("run", "--runtime", "io.containerd.runc.v2", "--runc-binary",
                           self.tiny_oci, "--rootfs", *args, code=code)

    def test_run(self):
        self.assertEqual(self.run_container("--rm", self.rootfs, "k1", "echo", "hello"), "hello\n")
        self.run_container("--rm", self.rootfs, "k2", "sh", "-c", "exit 6", code=6)

    def test_a_life(self):
        self.run_container("-d", self.rootfs, "k3", "sleep", "1000")
        self.engine("tasks", "exec", "--exec-id", "e1", "k3", "sh", "-c", "exit 4", code=4)
        self.assertIn("RUNNING", self.engine("tasks", "ls"))
        self.engine("tasks", "pause", "k3")
        self.assertIn("PAUSED", self.engine("tasks", "ls"))
        self.engine("tasks", "resume", "k3")
        self.assertEqual(len(self.engine("tasks", "ps", "k3").splitlines()), 2)
        self.engine("tasks", "kill", "-s", "KILL", "k3")
        deadline = time.monotonic() + engine.TIMEOUT
        while "STOPPED" not in self.engine("tasks", "ls"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.engine("tasks", "rm", "k3")
        self.engine("containers", "rm", "k3")


if __name__ == "__main__":
    engine.main()
