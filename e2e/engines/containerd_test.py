#!/usr/bin/env python3
"""containerd's shim for runc with tiny-oci in runc's place."""

import itertools
import json
import os

import engine


class ContainerdTest(engine.EngineTest):

    numbers = itertools.count()

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
        cls("engine").wait_until(lambda: os.path.exists(folder + "/sock"),
                                 "containerd does not start")

    def run_container(self, *args, code=0):
        return self.engine("run", "--runtime", "io.containerd.runc.v2", "--runc-binary",
                           self.runtime, "--cgroup",
                           "%s/%d" % (self.cgroup_parent, next(self.numbers)), "--rootfs", *args,
                           code=code)

    def test_run(self):
        self.assertEqual(self.run_container("--rm", self.rootfs, "k1", "/bin/echo", "hello"),
                         "hello\n")
        self.run_container("--rm", self.rootfs, "k2", "/bin/sh", "-c", "exit 6", code=6)

    def test_a_life(self):
        self.run_container("-d", self.rootfs, "k3", "/bin/sleep", "1000")
        self.engine("tasks", "exec", "--exec-id", "e1", "k3", "/bin/sh", "-c", "exit 4", code=4)
        self.assertIn("RUNNING", self.engine("tasks", "ls"))
        metrics = json.loads(self.engine("tasks", "metrics", "--format", "json", "k3"))
        self.assertGreater(metrics["pids"]["current"], 0)
        self.engine("tasks", "pause", "k3")
        self.assertIn("PAUSED", self.engine("tasks", "ls"))
        self.engine("tasks", "resume", "k3")
        self.assertEqual(len(self.engine("tasks", "ps", "k3").splitlines()), 2)
        self.engine("tasks", "kill", "-s", "KILL", "k3")
        self.wait_until(lambda: "STOPPED" in self.engine("tasks", "ls"), "k3 does not stop")
        self.engine("tasks", "rm", "k3")
        self.engine("containers", "rm", "k3")


class ContainerdWithRuncTest(ContainerdTest):
    """The same session, as runc has it."""

    peer = "runc"


if __name__ == "__main__":
    engine.main()
