#!/usr/bin/env python3
"""The lifecycle of runtime.md, through the binary."""

import array
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess

import runtime


class LifecycleTest(runtime.RuntimeTest):

    def test_create_stops_before_the_program(self):
        marker = os.path.join(self.folder, "marker")
        os.mkdir(marker)

        def mount(config):
            config["mounts"].append({"destination": "/tmp", "type": "bind", "source": marker,
                                     "options": ["rbind"]})
        self.config("touch", "/tmp/ran", change=mount)
        self.create()
        state = self.state()
        self.assertEqual(state["status"], "created")
        self.assertEqual(state["id"], self.id)
        self.assertEqual(state["bundle"], self.bundle)
        self.assertTrue(os.path.exists("/proc/%d" % state["pid"]))
        self.assertEqual(os.listdir(marker), [])
        self.oci("start", self.id)
        self.wait_for("stopped")
        self.assertEqual(os.listdir(marker), ["ran"])
        self.assertEqual(self.state()["pid"], 0)
        self.oci("delete", self.id)
        self.assertNotEqual(self.oci("state", self.id, check=False).returncode, 0)

    def test_ids_are_unique_and_operations_need_their_status(self):
        self.start_sleeper()
        again = self.oci("create", "--bundle", self.bundle, self.id, check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("exists", again.stderr)
        self.assertIn("cannot start", self.oci("start", self.id, check=False).stderr)
        self.assertIn("not stopped", self.oci("delete", self.id, check=False).stderr)
        self.kill_and_delete()

    def test_kill_on_a_stopped_container_fails(self):
        self.config("true")
        self.create()
        self.oci("start", self.id)
        self.wait_for("stopped")
        done = self.oci("kill", self.id, "KILL", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not running", done.stderr)

    def test_kill_sends_the_signal(self):
        self.config("sh", "-c", "trap 'echo got usr1; exit 3' USR1; echo ready; "
                                "while :; do sleep 0.05; done")
        self.create()
        self.oci("start", self.id)
        while "ready" not in self.output():
            pass
        self.oci("kill", self.id, "SIGUSR1")
        self.wait_for("stopped")
        self.assertIn("got usr1", self.output())

    def test_delete_force(self):
        self.assertEqual(self.oci("delete", "--force", "nobody").returncode, 0)
        self.assertEqual(self.oci("delete", "nobody", check=False).returncode, 1)
        pid = self.start_sleeper()
        self.oci("delete", "--force", self.id)
        self.assertFalse(os.path.exists("/proc/%d/root/bin" % pid))
        self.assertEqual(self.oci("delete", "--force", self.id).returncode, 0)

    def test_a_created_container_can_be_deleted(self):
        self.config("true")
        self.create()
        self.oci("delete", self.id)
        self.assertEqual(json.loads(self.oci("list", "--format", "json").stdout), [])

    def test_the_bundle_may_go_away(self):
        self.start_sleeper()
        shutil.rmtree(self.bundle)
        self.assertEqual(self.oci("exec", self.id, "echo", "hi").stdout, "hi\n")
        self.kill_and_delete()

    def test_changes_after_create_have_no_effect(self):
        self.config("echo", "as created")
        self.create()
        self.config("echo", "as changed")
        self.oci("start", self.id)
        self.wait_for("stopped")
        self.assertEqual(self.output(), "as created\n")

    def test_nothing_is_left_of_a_failed_create(self):
        def missing(config):
            config["mounts"].append({"destination": "/x", "type": "bind", "source": "/no/such"})
        self.config("true", change=missing)
        log = os.path.join(self.folder, "log.json")
        done = self.oci("--log", log, "--log-format", "json", "create", "--bundle", self.bundle,
                        self.id, check=False)
        self.assertEqual(done.returncode, 1)
        with open(log, encoding="utf-8") as file:
            line = json.loads(file.readlines()[-1])
        self.assertEqual(line["level"], "error")
        self.assertIn("/no/such", line["msg"])
        self.assertEqual(self.oci("list", "--quiet").stdout, "")

    def test_nothing_is_left_where_a_file_may_not_be_as_large(self):
        self.config("true")
        done = self.oci("create", "--bundle", self.bundle, self.id, check=False,
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
        self.assertEqual(done.returncode, 1)
        self.assertIn("file too large", done.stderr)
        self.assertEqual(os.listdir(self.root), [])
        self.assertEqual([tree for tree in runtime.cgroup_trees().values()
                          if os.path.exists(tree + runtime.CGROUP + self.id)], [])

    def test_run_gives_the_exit_code(self):
        self.config("sh", "-c", "echo out; echo err >&2; exit 42")
        done = self.run_container(check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (42, "out\n", "err\n"))
        self.assertEqual(self.oci("list", "--quiet").stdout, "")
        self.config("sh", "-c", "kill -9 $$")
        self.config("sh", "-c", "sleep 0; exit 137")
        self.assertEqual(self.run_container(check=False).returncode, 137)

    def test_run_keep_and_detach(self):
        self.config("true")
        self.run_container("--keep")
        self.assertEqual(self.state()["status"], "stopped")
        self.oci("delete", self.id)
        self.config("sleep", "1000")
        pid_file = os.path.join(self.folder, "pid")
        with open(os.devnull, "w", encoding="utf-8") as null:
            subprocess.run([self.runtime, "--root", self.root, "run", "-d", "--pid-file", pid_file,
                            "--bundle", self.bundle, self.id], check=True, stdin=null, stdout=null,
                           stderr=null, timeout=runtime.TIMEOUT)
        with open(pid_file, encoding="utf-8") as file:
            self.assertEqual(int(file.read()), self.state()["pid"])
        self.assertEqual(self.state()["status"], "running")

    def test_run_passes_signals_on(self):
        self.config("sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done")
        process = subprocess.Popen([self.runtime, "--root", self.root, "run", "--bundle",
                                    self.bundle, self.id], stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=runtime.TIMEOUT), 9)
        process.stdout.close()

    def test_a_missing_program_is_named(self):
        self.config("/no/such/program")
        done = self.run_container(check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/no/such/program", done.stderr)
        self.assertEqual(self.oci("list", "--quiet").stdout, "")

    def test_pid_file_is_there_when_create_returns(self):
        self.config("true")
        pid_file = os.path.join(self.folder, "pid")
        self.create("--pid-file", pid_file)
        with open(pid_file, encoding="utf-8") as file:
            self.assertEqual(int(file.read()), self.state()["pid"])

    def test_a_failed_create_leaves_no_pid_file(self):
        path = os.path.join(self.folder, "console.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(1)

        # The runtime has connected before the container is made; its peer goes meanwhile.
        def gone(config):
            config["process"]["terminal"] = True
            config["hooks"] = {"createRuntime": [
                {"path": "/bin/sh", "args": ["sh", "-c", "while [ ! -e %s/gone ]; do sleep 0.02; "
                                             "done" % self.folder]}]}
        self.config("true", change=gone)
        pid_file = os.path.join(self.folder, "pid")
        process = subprocess.Popen([self.runtime, "--root", self.root, "create", "--bundle",
                                    self.bundle, "--console-socket", path, "--pid-file", pid_file,
                                    self.id], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        listener.accept()[0].close()
        with open(self.folder + "/gone", "w", encoding="utf-8"):
            pass
        self.assertEqual(process.wait(timeout=runtime.TIMEOUT), 1)
        self.assertFalse(os.path.exists(pid_file))

    def test_pause_and_resume(self):
        self.start_sleeper()
        self.assertIn("cannot resume", self.oci("resume", self.id, check=False).stderr)
        self.oci("pause", self.id)
        self.assertEqual(self.state()["status"], "paused")
        self.assertIn("paused", self.oci("exec", self.id, "true", check=False).stderr)
        self.oci("resume", self.id)
        self.assertEqual(self.state()["status"], "running")
        self.oci("pause", self.id)
        self.oci("delete", "--force", self.id)

    def test_list_and_ps(self):
        pid = self.start_sleeper()
        listed = json.loads(self.oci("list", "--format", "json").stdout)
        self.assertEqual([(c["id"], c["status"], c["pid"]) for c in listed],
                         [(self.id, "running", pid)])
        self.assertIn(self.id, self.oci("list").stdout)
        self.assertEqual(json.loads(self.oci("ps", "--format", "json", self.id).stdout), [pid])
        self.assertIn("sleep 1000", self.oci("ps", self.id).stdout)

    def test_attributes_of_the_process(self):
        def attributes(config):
            config["process"].update(oomScoreAdj=500, scheduler={"policy": "SCHED_BATCH"},
                                     ioPriority={"class": "IOPRIO_CLASS_IDLE", "priority": 0})
            config["process"]["user"]["umask"] = 0o27
            config["linux"]["seccomp"] = None
        self.config("sh", "-c", "cat /proc/self/oom_score_adj; umask; "
                                "cut -d' ' -f41 /proc/self/stat; ionice -p $$", change=attributes)
        lines = self.run_container().stdout.splitlines()
        self.assertEqual(lines[:3], ["500", "0027", str(os.SCHED_BATCH)])
        self.assertIn("idle", lines[3])

    def test_console_socket(self):
        path = os.path.join(self.folder, "console.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(1)

        def terminal(config):
            config["process"]["terminal"] = True
        self.config("sh", "-c", "test -t 0 && stty size && echo is a terminal", change=terminal)
        refused = self.oci("create", "--bundle", self.bundle, self.id, check=False)
        self.assertIn("--console-socket", refused.stderr)
        self.create("--console-socket", path)
        connection, _ = listener.accept()
        fds = array.array("i")
        _, ancillary, _, _ = connection.recvmsg(64, socket.CMSG_LEN(fds.itemsize))
        fds.frombytes(ancillary[0][2])
        connection.close()
        self.oci("start", self.id)
        text = b""
        try:
            while chunk := os.read(fds[0], 4096):
                text += chunk
        except OSError:
            pass  # EIO: the other side has been closed
        os.close(fds[0])
        self.assertIn(b"is a terminal", text)

    def test_no_pivot(self):
        self.config("ls", "/", "/proc/self/exe")
        done = self.run_container("--no-pivot")
        self.assertIn("/proc/self/exe\n", done.stdout)
        self.assertEqual(sorted(done.stdout.split("/:\n")[1].split()),
                         sorted(os.listdir(self.rootfs)))

    def test_preserve_fds(self):
        self.config("sh", "-c", "cat <&3; ls /proc/self/fd | wc -l")
        read, write = os.pipe()
        os.write(write, b"passed on\n")
        os.close(write)
        command = ["sh", "-c", 'exec 3<&%d; exec "$@"' % read, "sh", self.runtime, "--root",
                   self.root, "run", "--bundle", self.bundle, "--preserve-fds", "1", self.id]
        text = subprocess.check_output(command, pass_fds=[read], text=True)
        os.close(read)
        self.assertTrue(text.startswith("passed on\n"), text)

    def test_other_descriptors_do_not_leak(self):
        self.config("ls", "/proc/self/fd")
        opened = [os.open("/", os.O_RDONLY) for _ in range(10)]
        done = subprocess.run([self.runtime, "--root", self.root, "run", "--bundle", self.bundle,
                               self.id], pass_fds=opened, stdout=subprocess.PIPE, text=True,
                              check=True)
        for fd in opened:
            os.close(fd)
        # 3 is the folder that ls itself reads.
        self.assertEqual(done.stdout.split(), ["0", "1", "2", "3"])

    def test_a_pid_file_that_cant_be_written_leaves_nothing(self):
        trace = os.path.join(self.folder, "trace")

        def hooks(config):
            config["hooks"] = {"poststop": [{"path": "/bin/sh",
                                             "args": ["sh", "-c", "echo gone >>" + trace]}]}
        self.config("sleep", "1000", change=hooks)
        for command in (["create"], ["run"], ["run", "--detach"]):
            done = self.oci(*command, "--pid-file", "/no/such/file", "--bundle", self.bundle,
                            self.id, check=False)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn("/no/such", done.stderr)
            self.assertEqual(os.listdir(self.root), [])
            for tree in runtime.cgroup_trees().values():
                self.assertFalse(os.path.exists(tree + runtime.CGROUP + self.id), tree)
        with open(trace, encoding="utf-8") as file:
            self.assertEqual(file.read(), "gone\n" * 3)

    def test_malformed_configurations_are_refused_by_their_path(self):
        for change, message in [
                (lambda c: c["process"].update(cwd="relative"), "process.cwd"),
                (lambda c: c["linux"]["namespaces"].append({"type": "moon"}), "linux.namespaces"),
                (lambda c: c.update(ociVersion="2.0.0"), "ociVersion"),
                (lambda c: c["linux"].update(sysctl={"kernel.core_pattern": "x"}), "linux.sysctl"),
                (lambda c: c["process"].update(args="sh"), "process.args: expected a list"),
                (lambda c: c["process"].update(env=["PATH=/bin", "A"]), "process.env[1]"),
                (lambda c: c["linux"]["resources"].update(memory={"limit": "x"}),
                 "linux.resources.memory.limit: expected an integer, found a string")]:
            os.path.exists(self.bundle + "/config.json") and os.remove(self.bundle + "/config.json")
            self.config("true", change=change)
            done = self.run_container(check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)

    def test_operations_need_an_id(self):
        for verb in ("state", "create", "start", "kill", "delete", "exec", "pause", "ps"):
            self.assertEqual(self.oci(verb, check=False).returncode, 255 if verb == "exec" else 1)
        for verb in ("state", "start", "kill", "delete", "pause", "resume", "ps", "update"):
            done = self.oci(verb, "nobody", check=False)
            self.assertEqual(done.returncode, 1, verb)
            self.assertIn("does not exist: nobody", done.stderr, verb)
        done = self.oci("create", "--bundle", self.folder, self.id, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.folder + "/config.json", done.stderr)
        self.config("true")
        done = self.oci("create", "--bundle", self.bundle, "../x", check=False)
        self.assertIn("invalid container ID", done.stderr)

    def test_a_configuration_of_another_name(self):
        self.config("echo", "from elsewhere")
        other = os.path.join(self.folder, "other.json")
        os.rename(self.bundle + "/config.json", other)
        self.assertEqual(self.run_container("--config", other).stdout, "from elsewhere\n")

    def test_ids_by_regular_expression(self):
        self.start_sleeper()
        self.assertEqual(self.oci("kill", "--regex", "^nobody", "KILL").returncode, 0)
        self.assertEqual(self.state()["status"], "running")
        self.oci("kill", "--regex", "^t[0-9]+-", "KILL")
        self.wait_for("stopped")
        self.oci("delete", "--regex", "^t[0-9]+-")
        self.assertEqual(self.oci("list", "--quiet").stdout, "")
        self.assertEqual(self.oci("delete", "--regex", "(", check=False).returncode, 1)

    def test_features_are_what_is_accepted(self):
        features = json.loads(self.oci("features").stdout)
        linux = features["linux"]
        self.assertEqual(set(features) - {"ociVersionMin", "ociVersionMax", "hooks", "mountOptions",
                                          "linux", "annotations"}, set())
        for enabled in (linux["seccomp"], linux["apparmor"], linux["selinux"], linux["intelRdt"],
                        linux["netDevices"], linux["mountExtensions"]["idmap"]):
            self.assertTrue(enabled["enabled"])
        for mode in linux["memoryPolicy"]["modes"]:
            nodes = "" if mode in ("MPOL_DEFAULT", "MPOL_LOCAL") else "0"
            self.config("true", change=lambda c, m=mode, n=nodes: c["linux"].update(
                memoryPolicy={"mode": m, "nodes": n}))
            self.run_container()
        for flag in linux["memoryPolicy"]["flags"]:
            self.config("true", change=lambda c, f=flag: c["linux"].update(
                memoryPolicy={"mode": "MPOL_BIND", "nodes": "0", "flags": [f]}))
            self.run_container()
        self.assertTrue(all(linux["cgroup"].values()))
        for version in (features["ociVersionMin"], features["ociVersionMax"]):
            self.config("true", change=lambda c, v=version: c.update(ociVersion=v))
            self.run_container()

        def everything(config):
            seccomp = linux["seccomp"]
            config["linux"]["seccomp"] = {
                "defaultAction": "SCMP_ACT_ALLOW", "architectures": seccomp["archs"],
                "flags": [f for f in seccomp["supportedFlags"] if "KILLABLE" not in f],
                "syscalls": [{"names": ["acct"], "action": action} for action in seccomp["actions"]
                             if action != "SCMP_ACT_NOTIFY"] +
                            [{"names": ["acct"], "action": "SCMP_ACT_LOG",
                              "args": [{"index": 0, "value": 1, "op": op}]}
                             for op in seccomp["operators"]]}
            config["process"]["capabilities"]["bounding"] = linux["capabilities"]
            config["hooks"] = {kind: [] for kind in features["hooks"]}
        self.config("true", change=everything)
        done = self.run_container()
        # All are known, though this machine may have some for nobody.
        with open("/proc/self/status", encoding="utf-8") as file:
            bounding = int(re.search(r"CapBnd:\s*(\w+)", file.read()).group(1), 16)
        missing = [name for bit, name in enumerate(linux["capabilities"]) if not bounding >> bit & 1]
        ignored = re.findall(r"capabilities: \[(.*)\]", done.stderr)
        self.assertEqual(ignored, [" ".join(missing)] if missing else [])
        with_source = {"bind", "rbind", "remount", "defaults", "idmap", "ridmap"}
        for option in features["mountOptions"]:
            def mount(config, option=option):
                kind = {"type": "tmpfs", "source": "tmpfs"} if option not in with_source and (
                    "bind" not in option) else {"type": "bind", "source": self.rootfs}
                config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/tmp"]
                if "idmap" in option:
                    ids = [{"containerID": 0, "hostID": 1000, "size": 1000}]
                    kind.update(type="none", uidMappings=ids, gidMappings=ids)
                options = [option, "rbind"] if "idmap" in option else [option]
                config["mounts"].append({"destination": "/tmp", "options": options, **kind})
            self.config("true", change=mount)
            done = self.run_container(check=False)
            self.assertEqual(done.returncode, 0, (option, done.stderr))

    def test_version_and_help(self):
        self.assertIn("spec: 1.", self.oci("--version").stdout)
        self.assertIn("create", self.oci("--help").stdout)
        done = self.oci("checkpoint", "x", check=False)
        self.assertIn("not supported", done.stderr)


if __name__ == "__main__":
    runtime.main()
