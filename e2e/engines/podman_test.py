#!/usr/bin/env python3
"""Podman with tiny-oci as its runtime."""

import os

import engine


class PodmanTest(engine.EngineTest):

    cgroup_manager = "cgroupfs"
    pids_limit = 2048  # podman's default

    @classmethod
    def start_engine(cls):
        folder = cls.folder
        config = os.path.join(folder, "containers.conf")
        with open(config, "w", encoding="utf-8") as file:
            # conmon runs podman again to clean up: with this file, but without --conmon and with
            # these variables alone. Where that fails, podman waits 20 s for an exit code.
            variables = ", ".join('"%s=%s"' % (name, os.environ[name]) for name in
                                  ("PATH", "XTABLES_LIBDIR"))
            file.write('[engine]\nconmon_path = ["%s/usr/bin/conmon"]\n'
                       'conmon_env_vars = [%s, "CONTAINERS_CONF=%s"]\n'
                       'helper_binaries_dir = ["%s/usr/lib/podman"]\n'
                       % (engine.ROOT, variables, config, engine.ROOT))
            file.write('[network]\nnetwork_backend = "netavark"\n'
                       'network_config_dir = "%s/networks"\n' % folder)
            # Podman's defaults of 1048576 need CAP_SYS_RESOURCE.
            file.write('[containers]\ndefault_ulimits = ["nofile=1024:2048", "nproc=1024:1024"]\n'
                       'pids_limit = %d\n' % cls.pids_limit)
        policy = os.path.join(folder, "policy.json")
        with open(policy, "w", encoding="utf-8") as file:
            file.write('{"default": [{"type": "insecureAcceptAnything"}]}')
        os.environ["CONTAINERS_CONF"] = config
        cls.command = ["podman", "--root", folder + "/graph", "--runroot", folder + "/run",
                       "--tmpdir", folder + "/tmp", "--storage-driver", "vfs",
                       "--cgroup-manager", cls.cgroup_manager, "--events-backend", "none",
                       "--runtime", cls.runtime]
        cls("engine").engine("import", "--signature-policy", policy, cls.image_archive(), "busybox")

    def run_busybox(self, *args, code=0):
        return self.engine("run", "--rm", "--network", "none", "--cgroup-parent",
                           self.cgroup_parent, *args, code=code)

    def test_run(self):
        self.assertEqual(self.run_busybox("busybox", "echo", "hello"), "hello\n")
        self.run_busybox("busybox", "sh", "-c", "exit 42", code=42)
        self.run_busybox("busybox", "/nope", code=127)
        self.run_busybox("busybox", "/etc/passwd", code=126)
        self.assertIn("uid=5", self.run_busybox("--user", "5:6", "busybox", "id"))
        self.assertIn("/dev/pts/", self.run_busybox("-t", "busybox", "tty"))
        self.assertEqual(self.run_busybox("--hostname", "box", "busybox", "hostname"), "box\n")

    def test_bridge_and_published_port(self):
        self.engine("run", "-d", "--name", "web", "--cgroup-parent", self.cgroup_parent, "-p",
                    "127.0.0.1:8081:80", "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "served")
        self.assert_published(8081, "served\n")
        self.assertIn("eth0", self.engine("exec", "web", "ip", "-o", "-4", "addr"))
        self.engine("rm", "-f", "-t", "0", "web")

    def test_at_a_terminal(self):
        text, code = self.at_terminal(
            "test -t 0 && echo $((6*7)); exit 3\n", "run", "-it", "--rm", "--network", "none",
            "--cgroup-parent", self.cgroup_parent, "busybox", "sh")
        self.assertIn("42\r\n", text)
        self.assertEqual(code, 3)

    def test_limits_and_capabilities(self):
        text = self.run_busybox("--memory", "64m", "busybox", "sh", "-c",
                                "cat /sys/fs/cgroup/memory/memory.limit_in_bytes "
                                "/sys/fs/cgroup/memory.max 2>/dev/null; true")
        self.assertEqual(text.strip(), str(64 << 20))
        text = self.run_busybox("--cap-drop", "all", "busybox", "grep", "CapEff",
                                "/proc/self/status")
        self.assertEqual(int(text.split()[1], 16), 0)
        self.assertEqual(self.run_busybox("busybox", "grep", "Seccomp:",
                                          "/proc/self/status").split()[1], "2")

    def test_a_life(self):
        self.engine("run", "-d", "--name", "c1", "--network", "none", "--cgroup-parent",
                    self.cgroup_parent, "busybox", "sh", "-c",
                    "echo started; trap 'exit 0' TERM; while :; do sleep 0.1; done")
        self.engine("exec", "c1", "sh", "-c", "exit 5", code=5)
        self.assertEqual(self.engine("exec", "c1", "echo", "in"), "in\n")
        self.assertIn("/dev/pts/", self.engine("exec", "-t", "c1", "tty"))
        self.engine("pause", "c1")
        self.assertIn("Paused", self.engine("ps", "-a", "--format", "{{.Status}}"))
        self.engine("unpause", "c1")
        name, pids, usage = self.engine("stats", "--no-stream", "--format",
                                        "{{.Name}} {{.PIDs}} {{.MemUsage}}", "c1").split()[:3]
        self.assertEqual(name, "c1")
        self.assertGreaterEqual(int(pids), 1)
        self.assertNotEqual(usage, "0B")
        self.assertEqual(self.engine("logs", "c1"), "started\n")
        self.engine("stop", "-t", "10", "c1")
        self.assertIn("Exited (0)", self.engine("ps", "-a", "--format", "{{.Status}}"))
        self.engine("start", "c1")
        self.engine("kill", "c1")
        self.engine("rm", "-f", "c1")
        self.assertEqual(self.engine("ps", "-aq"), "")


class PodmanWithRuncTest(PodmanTest):
    """The same session, as runc has it."""

    peer = "runc"


if __name__ == "__main__":
    engine.main()
