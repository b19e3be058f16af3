#!/usr/bin/env python3
"""What engines and their tests expect beyond the specification, as of runc and crun alike."""

import json
import os
import re
import subprocess
import time

import runtime


class WordsTest(runtime.RuntimeTest):
    """Messages and exit codes that engines look for."""

    def refused(self, *args, code=1):
        done = self.oci(*args, check=False)
        self.assertEqual(done.returncode, code, (args, done.stderr))
        return done.stderr

    def test_one_that_is_not_there(self):
        for verb in ("state", "start", "kill", "delete", "ps", "pause", "resume", "update",
                     "events"):
            self.assertIn("container does not exist", self.refused(verb, "nobody"), verb)
        self.assertIn("container does not exist", self.refused("exec", "nobody", "true", code=255))

    def test_one_that_has_the_wrong_status(self):
        self.start_sleeper()
        self.assertIn("container with given ID already exists",
                      self.refused("create", "--bundle", self.bundle, self.id))
        self.assertIn("cannot start an already running container", self.refused("start", self.id))
        self.assertIn("container not paused", self.refused("resume", self.id))
        self.assertIn("cannot delete container %s that is not stopped: running" % self.id,
                      self.refused("delete", self.id))
        self.oci("pause", self.id)
        self.assertIn("container not running", self.refused("pause", self.id))
        self.assertIn("cannot exec in a paused container",
                      self.refused("exec", self.id, "true", code=255))
        self.oci("resume", self.id)
        self.oci("kill", self.id, "9")
        self.wait_for("stopped")
        for verb in ("kill", "pause", "update", "events"):
            self.assertIn("container not running", self.refused(verb, self.id), verb)
        self.oci("kill", "--all", self.id, "9")
        self.assertIn("cannot start a container that has stopped", self.refused("start", self.id))
        self.assertIn("cannot exec in a stopped container",
                      self.refused("exec", self.id, "true", code=255))

    def test_ids(self):
        self.config("true")
        for name in ("a/b", "..", "a:b", "a b"):
            self.assertIn("invalid container ID format",
                          self.refused("run", "--bundle", self.bundle, name), name)
        for name in ("a+b", "a_b", "..a", "-x"):
            self.oci("run", "--bundle", self.bundle, "--", name)

    def test_exec_fails_with_255(self):
        self.start_sleeper()
        self.assertIn("executable file not found in $PATH",
                      self.refused("exec", self.id, "no-such-program", code=255))
        self.assertIn("permission denied", self.refused("exec", self.id, "/etc/passwd", code=255))
        self.refused("exec", "--pid-file", "/no/such/file", self.id, "true", code=255)
        self.assertIn("is not a sub cgroup path",
                      self.refused("exec", "--cgroup", "../x", self.id, "true", code=255))

    def test_signals(self):
        self.config("sh", "-c", "trap 'echo usr1' USR1; trap 'echo usr2' USR2; echo ready; "
                                "while :; do sleep 0.02; done")
        self.create()
        self.oci("start", self.id)
        while "ready" not in self.output():
            pass
        self.oci("kill", self.id, "0")
        for count, name in enumerate(("USR1", "SIGUSR1", "usr1", "sigusr1", "10"), 1):
            self.oci("kill", self.id, name)
            while self.output().count("usr1") < count:
                pass
        self.assertNotIn("usr2", self.output())
        self.assertIn("FOO", self.refused("kill", self.id, "FOO"))
        self.assertEqual(self.state()["status"], "running")

    def test_unknown_capabilities(self):
        def capabilities(config):
            config["process"]["capabilities"]["bounding"] = ["CAP_UNKNOWN", "UNKNOWN_CAP"]
        self.config("true", change=capabilities)
        done = self.run_container()
        self.assertIn("level=warning", done.stderr)
        self.assertIn("ignoring unknown or unavailable capabilities: [CAP_UNKNOWN UNKNOWN_CAP]",
                      done.stderr)


class TablesTest(runtime.RuntimeTest):

    def test_every_verb_has_help(self):
        usage = self.oci("--help").stdout
        verbs = re.findall(r"^  ([a-z]+)  ", usage.split("flags:")[0], re.MULTILINE)
        self.assertIn("create", verbs)
        for verb in verbs:
            for flag in ("-h", "--help"):
                if verb not in ("checkpoint", "restore"):
                    self.assertIn("usage: tiny-oci " + verb, self.oci(verb, flag).stdout)
        self.assertIn("--preserve-fds", self.oci("exec", "--help").stdout)

    def test_list(self):
        self.assertEqual(self.oci("list", "-f", "json").stdout, "[]\n")
        pid = self.start_sleeper()
        lines = self.oci("list").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"])
        self.assertEqual(lines[1].split()[:4], [self.id, str(pid), "running", self.bundle])
        text = self.oci("list", "-f", "json").stdout
        listed, = json.loads(text)
        self.assertEqual(list(listed), ["ociVersion", "id", "pid", "status", "bundle", "rootfs",
                                        "created", "owner"])
        self.assertEqual(listed["owner"], "root")
        self.assertTrue(text.endswith("]\n"))
        self.assertEqual(self.oci("list", "-q").stdout, self.id + "\n")

    def test_ps(self):
        pid = self.start_sleeper()
        lines = self.oci("ps", self.id).stdout.splitlines()
        self.assertEqual(lines[0].split(),
                         ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])
        self.assertEqual(lines[1].split()[:2], ["root", str(pid)])
        self.assertEqual(lines[1].split()[-2:], ["sleep", "1000"])
        lines = self.oci("ps", self.id, "-e", "-x").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["PID", "TTY", "STAT", "TIME", "COMMAND"])
        self.assertEqual(self.oci("ps", self.id, "-o", "pid").stdout.split(), ["PID", str(pid)])
        self.assertEqual(self.oci("ps", "-f", "json", self.id).stdout, "[%d]\n" % pid)
        self.oci("kill", self.id, "KILL")
        self.wait_for("stopped")
        self.assertEqual(len(self.oci("ps", self.id).stdout.splitlines()), 1)
        self.assertEqual(self.oci("ps", "-f", "json", self.id).stdout, "[]\n")


class LifeTest(runtime.RuntimeTest):

    def test_a_created_container_can_be_paused(self):
        self.config("sleep", "1000")
        self.create()
        self.oci("pause", self.id)
        self.assertEqual(self.state()["status"], "paused")
        self.assertIn("cannot start a paused container",
                      self.oci("start", self.id, check=False).stderr)
        self.oci("resume", self.id)
        self.assertEqual(self.state()["status"], "created")
        self.oci("start", self.id)
        self.assertEqual(self.state()["status"], "running")

    def test_a_created_container_holds_nothing_of_its_maker(self):
        self.config("sleep", "1000")
        opened = [os.open("/", os.O_RDONLY) for _ in range(10)]
        with open(os.devnull, "w", encoding="utf-8") as null:
            self.oci("create", "--bundle", self.bundle, self.id, pass_fds=opened, stdout=null,
                     stderr=null)
        folder = "/proc/%d/fd/" % self.state()["pid"]
        held = {int(fd): os.readlink(folder + fd) for fd in os.listdir(folder)}
        for fd in opened:
            os.close(fd)
        # Beside the streams there are those on which it waits.
        self.assertEqual([fd for fd, what in held.items() if fd > 2
                          and not what.startswith("socket:")], [], held)

    def test_process_is_required_at_start_only(self):
        self.config(change=lambda config: config.pop("process"))
        self.create()
        self.assertEqual(self.state()["status"], "created")
        done = self.oci("start", self.id, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("process is required", done.stderr)
        self.assertEqual(self.state()["status"], "created")
        self.oci("delete", self.id)
        self.assertIn("process is required", self.run_container(check=False).stderr)

    def test_without_a_cgroup(self):
        self.config("sleep", "1000")
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            own = [line.split(":")[-1] for line in file.read().splitlines()]
        with open(os.devnull, "w", encoding="utf-8") as null:
            self.oci("--cgroup-manager", "disabled", "run", "--detach", "--bundle", self.bundle,
                     self.id, stdout=null, stderr=null)
        pid = self.state()["pid"]
        with open("/proc/%d/cgroup" % pid, encoding="utf-8") as file:
            self.assertEqual([line.split(":")[-1] for line in file.read().splitlines()], own)
        for verb in ("pause", "update", "events"):
            done = self.oci(verb, self.id, check=False)
            self.assertEqual(done.returncode, 1, verb)
            self.assertIn("has no cgroup", done.stderr, verb)
        # By its pid namespace: where an empty path was the machine's own cgroup, the kill would be
        # the last of it.
        self.assertEqual(json.loads(self.oci("ps", "--format", "json", self.id).stdout), [pid])
        self.oci("kill", "--all", self.id, "KILL")
        self.wait_for("stopped")
        self.oci("delete", self.id)
        self.assertFalse(os.path.exists("/proc/%d/root/bin" % pid))
        done = self.oci("--cgroup-manager", "moon", "list", check=False)
        self.assertIn("--cgroup-manager moon", done.stderr)

    def test_a_tmpfs_has_the_mode_of_what_it_covers(self):
        modes = {"covered": 0o444, "private": 0o700, "told": 0o700}
        for name, mode in modes.items():
            path = os.path.join(self.rootfs, name)
            os.mkdir(path)
            self.addCleanup(os.rmdir, path)
            os.chmod(path, mode)

        def mounts(config):
            for name in modes:
                options = ["nosuid", "size=1m"] + (["mode=1755"] if name == "told" else [])
                config["mounts"].append({"destination": "/" + name, "type": "tmpfs",
                                         "source": "tmpfs", "options": options})
            # Beneath another one that is new.
            config["mounts"].append({"destination": "/dev/nothing", "type": "tmpfs",
                                     "source": "tmpfs", "options": []})
        self.config("stat", "-c", "%a", "/covered", "/private", "/told", "/dev/nothing",
                    change=mounts)
        self.assertEqual(self.run_container().stdout.split(), ["444", "700", "1755", "1777"])


class NamespacesTest(runtime.RuntimeTest):

    @staticmethod
    def map_ids(config):
        config["linux"]["namespaces"].append({"type": "user"})
        for kind in ("uidMappings", "gidMappings"):
            config["linux"][kind] = [{"containerID": 0, "hostID": 100000, "size": 1000}]

    def test_without_a_mount_namespace_there_is_no_container(self):
        def change(config):
            config["linux"].update(namespaces=[{"type": "pid"}], maskedPaths=[], readonlyPaths=[])
            config.pop("hostname")
            config["mounts"] = []
        self.config("true", change=change)
        # In one of the test's own, whose root may be lost where this does not hold.
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             '"$@"; echo $?; ls -d /var/tmp', "sh", self.runtime, "--root", self.root, "run",
             "--bundle", self.bundle, self.id],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
            timeout=runtime.TIMEOUT)
        self.assertEqual(done.stdout, "1\n/var/tmp\n", done.stderr)
        self.assertIn("without a mount namespace", done.stderr)

    def test_the_streams_are_those_of_a_user_namespace(self):
        for uid in (0, 5):
            def change(config, uid=uid):
                self.map_ids(config)
                config["process"]["user"] = {"uid": uid, "gid": 0}
            if os.path.exists(self.bundle + "/config.json"):
                os.remove(self.bundle + "/config.json")
            self.config("sh", "-c", "echo out > /dev/stdout; echo err > /dev/stderr",
                        change=change)
            done = self.run_container()
            self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))
        self.start_sleeper()
        done = self.oci("exec", self.id, "sh", "-c", "echo again > /dev/stdout")
        self.assertEqual(done.stdout, "again\n")

    def test_a_user_namespace_is_joined_by_its_path(self):
        pid = self.start_sleeper(change=self.map_ids)
        other = self.id + "-other"
        kinds = {"user": "user", "pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts"}

        def join(config):
            config["linux"]["namespaces"] = [{"type": "mount"}] + [
                {"type": kind, "path": "/proc/%d/ns/%s" % (pid, name)}
                for kind, name in kinds.items()]
            for key in ("uidMappings", "gidMappings"):
                config["linux"].pop(key)
            config.pop("hostname")
            config["linux"]["cgroupsPath"] = runtime.CGROUP + other
        self.config("sh", "-c", "for n in %s; do readlink /proc/self/ns/$n; done; id -u; "
                    "stat -c %%u /dev/pts" % " ".join(kinds.values()), change=join)
        done = self.oci("run", "--bundle", self.bundle, other)
        self.assertEqual(done.stdout.split(),
                         [os.readlink("/proc/%d/ns/%s" % (pid, name)) for name in kinds.values()] +
                         ["0", "0"])


class ProcessTest(runtime.RuntimeTest):

    def env_of(self, *env, uid=0):
        def change(config):
            config["process"]["env"] = ["PATH=/bin", *env]
            config["process"]["user"] = {"uid": uid, "gid": 0}
        self.config("cat", "/proc/self/environ", change=change)
        return self.run_container().stdout.split("\0")[:-1]

    def test_home_is_that_of_the_user(self):
        self.assertEqual(self.env_of(), ["PATH=/bin", "HOME=/root"])
        self.assertEqual(self.env_of("HOME=", "A=1"), ["PATH=/bin", "HOME=/root", "A=1"])
        self.assertEqual(self.env_of("HOME=/tmp"), ["PATH=/bin", "HOME=/tmp"])
        self.assertEqual(self.env_of(uid=77), ["PATH=/bin", "HOME=/"])

    def test_the_last_value_of_a_variable_wins(self):
        self.assertEqual(self.env_of("A=1", "B=2", "A=3", "HOME=/"),
                         ["PATH=/bin", "A=3", "B=2", "HOME=/"])
        self.start_sleeper(change=lambda c: c["process"].update(env=["TERM=xterm", "PATH=/bin"]))
        done = self.oci("exec", "-e", "TERM=dumb", "-e", "A=1", "-e", "A=2", "-u", "77", self.id,
                        "cat", "/proc/self/environ")
        variables = done.stdout.split("\0")[:-1]
        self.assertEqual([v for v in variables if v.startswith(("TERM", "A=", "HOME"))],
                         ["TERM=dumb", "A=2", "HOME=/"])

    def test_many_variables_take_no_time_to_speak_of(self):
        count = 60000
        variables = ["V%d=" % i for i in range(count)] + ["V0=last"]
        self.config("env",
                    change=lambda c: c["process"].update(env=["PATH=/bin"] + variables))
        began = time.monotonic()
        done = self.run_container()
        self.assertLess(time.monotonic() - began, 15)
        lines = done.stdout.split()
        self.assertEqual(len(lines), count + 2)  # PATH, HOME
        self.assertEqual(lines[1], "V0=last")

    def test_memory_policy(self):
        for policy, shown in [
                ({"mode": "MPOL_DEFAULT"}, "default"),
                ({"mode": "MPOL_LOCAL"}, "local"),
                ({"mode": "MPOL_BIND", "nodes": "0"}, "bind:0"),
                ({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}, "prefer (many):0"),
                ({"mode": "MPOL_INTERLEAVE", "nodes": "0-0", "flags": ["MPOL_F_STATIC_NODES"]},
                 "interleave=static:0")]:
            def change(config, policy=policy):
                config["linux"]["memoryPolicy"] = policy
            self.config("head", "-n1", "/proc/self/numa_maps", change=change)
            self.assertIn(" %s file=" % shown, self.run_container().stdout)
        for policy, message in [
                ({"mode": "MPOL_MOON"}, 'linux.memoryPolicy.mode: unknown value "MPOL_MOON"'),
                ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_MOON"]},
                 "linux.memoryPolicy.flags"),
                ({"mode": "MPOL_BIND", "nodes": "all"}, "linux.memoryPolicy.nodes"),
                ({"mode": "MPOL_BIND", "nodes": "1023"}, "set_mempolicy")]:
            self.config("true", change=lambda c, p=policy: c["linux"].update(memoryPolicy=p))
            done = self.run_container(check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)

    def test_memory_policy_of_exec(self):
        self.start_sleeper(change=lambda c: c["linux"].update(
            memoryPolicy={"mode": "MPOL_BIND", "nodes": "0"}))
        done = self.oci("exec", self.id, "head", "-n1", "/proc/self/numa_maps")
        self.assertIn(" bind:0 file=", done.stdout)

    def test_a_pids_limit_of_zero_is_one_since_version_1_3(self):
        for version, output in (("1.2.0", "forked\n"), ("1.3.0", "")):
            def change(config, version=version):
                config["ociVersion"] = version
                config["linux"]["resources"]["pids"] = {"limit": 0}
            self.config("sh", "-c", "(echo forked) & wait", change=change)
            self.assertEqual(self.run_container(check=False).stdout, output)


if __name__ == "__main__":
    runtime.main()
