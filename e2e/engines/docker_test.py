#!/usr/bin/env python3
"""Docker with tiny-oci as its default runtime."""

import engine


class DockerTest(engine.EngineTest):

    @classmethod
    def start_engine(cls):
        folder = cls.folder
        socket = "unix://" + folder + "/sock"
        cls.start_daemon("dockerd", "--data-root", folder + "/data", "--exec-root",
                         folder + "/exec", "--pidfile", folder + "/pid", "-H", socket,
                         "--ip6tables=false", "--storage-driver", "vfs", "--cgroup-parent",
                         cls.cgroup_parent, "--add-runtime", "tiny=" + cls.runtime,
                         "--default-runtime", "tiny", "--exec-opt",
                         "native.cgroupdriver=cgroupfs")
        cls.command = ["docker", "-H", socket]
        probe = cls("engine")

        def answers():
            try:
                return probe.engine("version")
            except AssertionError:
                return ""
        try:
            probe.wait_until(answers, "dockerd does not start")
        except AssertionError as error:
            raise AssertionError(cls.log()) from error
        probe.engine("import", cls.image_archive(), "busybox")

    def run_busybox(self, *args, code=0):
        return self.engine("run", "--rm", "--network", "none", *args, code=code)

    def test_run(self):
        self.assertEqual(self.run_busybox("busybox", "echo", "hello"), "hello\n")
        self.run_busybox("busybox", "sh", "-c", "exit 42", code=42)
        self.run_busybox("busybox", "/nope", code=127)
        self.assertIn("/dev/pts/", self.run_busybox("-t", "busybox", "tty"))
        self.assertEqual(self.run_busybox("--read-only", "busybox", "sh", "-c",
                                          "touch /x 2>/dev/null || echo refused"), "refused\n")

    def test_at_a_terminal(self):
        text, code = self.at_terminal("test -t 0 && echo $((6*7)); exit 3\n", "run", "-it", "--rm",
                                      "--network", "none", "busybox", "sh")
        self.assertIn("42\r\n", text)
        self.assertEqual(code, 3)

    def test_bridge_and_published_port(self):
        self.engine("run", "-d", "--name", "web", "-p", "127.0.0.1:8080:80", "busybox", "nc", "-ll",
                    "-p", "80", "-e", "echo", "served")
        self.assert_published(8080, "served\n")
        self.assertIn("eth0", self.engine("exec", "web", "ip", "-o", "-4", "addr"))
        self.engine("rm", "-f", "web")

    def test_a_life(self):
        self.engine("run", "-d", "--name", "d1", "--network", "none", "busybox", "sh", "-c",
                    "echo started; trap 'exit 0' TERM; while :; do sleep 0.1; done")
        self.engine("exec", "d1", "sh", "-c", "exit 5", code=5)
        self.assertEqual(self.engine("exec", "d1", "echo", "in"), "in\n")
        self.engine("pause", "d1")
        self.assertIn("Paused", self.engine("ps", "--format", "{{.Status}}"))
        self.engine("unpause", "d1")
        self.engine("update", "--memory", "64m", "--memory-swap", "64m", "d1")
        usage, limit, pids = self.engine("stats", "--no-stream", "--format",
                                         "{{.MemUsage}} {{.PIDs}}", "d1").replace("/", "").split()
        self.assertNotEqual(usage, "0B")
        self.assertEqual(limit, "64MiB")
        self.assertGreaterEqual(int(pids), 1)
        self.assertIn("sleep", self.engine("top", "d1"))
        self.engine("restart", "-t", "10", "d1")
        self.engine("stop", "-t", "10", "d1")
        self.assertIn("Exited (0)", self.engine("ps", "-a", "--format", "{{.Status}}"))
        self.assertEqual(self.engine("logs", "d1"), "started\nstarted\n")
        self.engine("rm", "-f", "d1")
        self.assertEqual(self.engine("ps", "-aq"), "")


class DockerWithRuncTest(DockerTest):
    """The same session, as runc has it."""

    peer = "runc"


if __name__ == "__main__":
    engine.main()
