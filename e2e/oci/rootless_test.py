#!/usr/bin/env python3
"""tiny-oci for who is not root: a user with a user namespace in the configuration, as of
`spec --rootless`, and root of a user namespace, as rootless podman calls it.

The user is a number without an account.
"""

import json
import os
import re
import select
import shutil
import socket
import subprocess
import time

import runtime

USER = 700000 + os.getpid() % 100000  # not that of a test that runs beside this one


def become_user():
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


class RootlessTest(runtime.RuntimeTest):
    """What both situations have in common."""

    own = set()  # processes of the test itself

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.chmod(cls.shared, 0o755)
        # The user need not be able to read where the binary is built.
        binary = os.path.join(cls.shared, "tiny-oci")
        shutil.copy(runtime.find_runtime(), binary)
        cls.runtime = binary

    def setUp(self):
        super().setUp()
        self.run_folder = os.path.join(self.folder, "run")
        os.mkdir(self.run_folder, 0o700)
        self.root = os.path.join(self.run_folder, "tiny-oci")
        for path in (self.folder, self.bundle, self.run_folder):
            os.chown(path, USER, USER)
        self.flags = []  # before the verb

    def prefix(self):
        """What puts a command into the situation."""
        return []

    @classmethod
    def enter(cls):
        """What a new process does before it runs a command."""
        become_user()

    def call(self, *args, check=True, **options):
        """tiny-oci as the user calls it: its root is the default one."""
        environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": self.run_folder}
        done = subprocess.run(
            [*self.prefix(), self.runtime, *self.flags, *args], text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.PIPE), timeout=runtime.TIMEOUT,
            env=environment, preexec_fn=self.enter, **options)
        if check and done.returncode != 0:
            self.fail("%s: exit code %d: %s" % (args, done.returncode, done.stderr))
        return done

    def oci(self, *args, check=True, **options):
        return self.call(*args, check=check, **options)

    def config(self, *args, change=None):
        path = os.path.join(self.bundle, "config.json")
        if not os.path.exists(path):
            self.call("spec", "--rootless", "--bundle", self.bundle)

        def own(config):
            config["linux"].pop("cgroupsPath")
            self.adapt(config)
            if change:
                change(config)
        config = super().config(*args, change=own)
        os.chmod(path, 0o644)
        return config

    def adapt(self, config):
        """Fits the configuration of `spec --rootless` to the situation."""

    def create(self, *flags, output=None):
        output = output or os.path.join(self.folder, "output")
        with open(output, "a", encoding="utf-8") as file:
            done = self.call("create", "--bundle", self.bundle, *flags, self.id, check=False, stdout=file, stderr=file)
        if done.returncode != 0:
            self.fail(self.output())

    def run_container(self, *flags, check=True):
        return self.call("run", "--bundle", self.bundle, *flags, self.id, check=check)

    def refused(self, change, *words):
        """run fails with these words, and leaves nothing."""
        self.config("true", change=change)
        done = self.run_container(check=False)
        self.assertNotEqual(done.returncode, 0)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(os.listdir(self.root), [])

    def processes_of_user(self):
        """Those that live."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/status" % name, encoding="utf-8") as file:
                    status = file.read()
            except OSError:
                continue
            uid = int(re.search(r"^Uid:\s+(\d+)", status, re.M)[1])
            if "State:\tZ" not in status and uid == USER and name not in self.own:
                found.append(name)
        return found


class Common:
    """The tests of both situations."""

    def test_identity_and_devices(self):
        def names(config):
            config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "10000"}
            config["hostname"] = "box"
        self.config("sh", "-c", "id -u; id -g; tr -s ' ' < /proc/self/uid_map; "
                    "cat /proc/self/setgroups; echo gone > /dev/null; head -c 3 /dev/zero | wc -c; "
                    "head -c 5 /dev/urandom | wc -c; stat -c %t:%T /dev/full; hostname; "
                    "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax; "
                    "ip -o link show lo | grep -c ,UP", change=names)
        done = self.run_container()
        self.assertEqual(done.stdout.split("\n"), [
            "0", "0", " 0 %d 1" % USER, "deny", "3", "5", "1:7", "box", "1", "10000", "1", ""])
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.processes_of_user(), [])

    def test_a_life(self):
        pid = self.start_sleeper()
        self.assertEqual(self.state()["status"], "running")
        self.assertEqual(os.stat("/proc/%d" % pid).st_uid, USER)
        done = self.oci("exec", self.id, "sh", "-c", "id -u; [ $(readlink /proc/1/ns/user) "
                        "= $(readlink /proc/self/ns/user) ] && echo same; exit 7", check=False)
        self.assertEqual((done.stdout, done.returncode), ("0\nsame\n", 7), done.stderr)
        self.assertIn(self.id, self.oci("list", "--quiet").stdout.split())
        self.assertEqual(json.loads(self.oci("ps", "--format", "json", self.id).stdout), [pid])
        for verb in (["pause"], ["update", "--pids-limit", "5"], ["events", "--stats"]):
            done = self.oci(*verb, self.id, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("has no cgroup", done.stderr)
            self.assertIn("hint:", done.stderr)
        self.assertIn("not stopped", self.oci("delete", self.id, check=False).stderr)
        self.kill_and_delete()
        self.assertEqual(os.listdir(self.root), [])
        self.assertEqual(self.processes_of_user(), [])

    def test_kill_of_all_reaches_each_process(self):
        self.config("sh", "-c", "trap 'echo first' USR1; (trap 'echo second; exit' USR1; "
                    "echo ready; while :; do sleep 0.05; done) & wait; wait; sleep 1000")
        self.create()
        self.oci("start", self.id)
        self.wait_for_output("ready\n")
        self.assertGreaterEqual(
            len(json.loads(self.oci("ps", "--format", "json", self.id).stdout)), 2)
        self.oci("kill", "--all", self.id, "USR1")
        self.wait_for_output("first\n", "second\n")
        self.oci("kill", "--all", self.id, "KILL")
        self.wait_for("stopped")
        self.oci("delete", self.id)
        self.assertEqual(self.processes_of_user(), [])

    def wait_for_output(self, *lines):
        deadline = time.monotonic() + runtime.TIMEOUT
        while not all(line in self.output() for line in lines):
            self.assertLess(time.monotonic(), deadline, self.output())
            time.sleep(0.02)

    def test_delete_force_leaves_nothing(self):
        self.config("sh", "-c", "sleep 1000 & sleep 1000")
        self.create()
        self.oci("start", self.id)
        self.oci("delete", "--force", self.id)
        self.assertEqual(os.listdir(self.root), [])
        self.assertEqual(self.processes_of_user(), [])

    def test_a_limit_names_itself_the_cgroup_and_the_remedy(self):
        def memory(config):
            config["linux"]["resources"] = {"memory": {"limit": 64 << 20}}
            config["linux"]["cgroupsPath"] = runtime.CGROUP + self.id
        self.refused(memory, "linux.resources.memory.limit", "/sys/fs/cgroup", "hint:")

        def pids(config):
            config["linux"]["resources"] = {"pids": {"limit": 5}}
        self.refused(pids, "linux.resources.pids.limit", "/sys/fs/cgroup", "hint:")

    def test_no_limit_in_many_words(self):
        def none(config):
            config["linux"]["cgroupsPath"] = runtime.CGROUP + self.id
            config["linux"]["resources"] = {
                "pids": {"limit": -1}, "memory": {"limit": -1, "swap": 0}, "cpu": {"shares": 0},
                "devices": [{"allow": False, "access": "rwm"}]}
        self.config("true", change=none)
        self.assertEqual(self.run_container().stderr, "")
        self.flags = ["--debug"]
        self.assertIn("without a cgroup", self.run_container().stderr)
        self.flags = ["--rootless=false"]
        done = self.run_container(check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/sys/fs/cgroup", done.stderr)

    def test_capabilities_are_the_namespaces(self):
        def some(config):
            config["process"]["capabilities"] = {
                kind: ["CAP_CHOWN", "CAP_SYS_ADMIN"] for kind in
                ("bounding", "effective", "permitted", "inheritable", "ambient")}
        self.config("sh", "-c", "grep Cap /proc/self/status; hostname other && hostname",
                    change=some)
        done = self.run_container()
        self.assertEqual(done.stderr, "")
        words = done.stdout.split()
        self.assertEqual([int(word, 16) for word in words[1:10:2]], [1 << 0 | 1 << 21] * 5)
        self.assertEqual(words[10], "other")

    def test_groups_are_refused_where_the_namespace_denies_them(self):
        def groups(config):
            config["process"]["user"] = {"uid": 0, "gid": 0, "additionalGids": [0]}
        self.refused(groups, "additionalGids", "setgroups", "hint:")

    def test_an_oom_score_below_ones_own_is_left(self):
        with open("/proc/self/oom_score_adj", encoding="utf-8") as file:
            own = int(file.read())
        for wanted in (-1000, own + 1):
            def score(config, wanted=wanted):
                config["process"]["oomScoreAdj"] = wanted
            self.config("cat", "/proc/self/oom_score_adj", change=score)
            # A process with privileges may have made the least allowed one lower than the own.
            self.assertEqual(int(self.run_container().stdout), max(own, wanted))

    def test_without_a_network_namespace_sysfs_is_the_hosts_and_read_only(self):
        def shared(config):
            config["linux"]["namespaces"] = [
                n for n in config["linux"]["namespaces"] if n["type"] not in ("network", "cgroup")]
        self.config("sh", "-c", "readlink /proc/self/ns/net; ls /sys/class/net | wc -l; "
                    "grep ' /sys' /proc/self/mountinfo | cut -d' ' -f5,6", change=shared)
        lines = self.run_container().stdout.splitlines()
        self.assertEqual(lines[0], os.readlink("/proc/self/ns/net"))
        self.assertEqual(int(lines[1]), len(os.listdir("/sys/class/net")))
        self.assertGreater(len(lines), 3)
        for line in lines[2:]:
            self.assertIn("ro", line.split()[1].split(","), line)

    def test_a_container_in_the_callers_namespaces_takes_exec(self):
        def few(config):
            config["linux"]["namespaces"] = [
                n for n in config["linux"]["namespaces"] if n["type"] in ("user", "mount", "pid")]
            del config["hostname"]
            config["mounts"] = [m for m in config["mounts"] if m["type"] != "mqueue"]
        self.start_sleeper(change=few)
        done = self.oci("exec", self.id, "sh", "-c", "readlink /proc/self/ns/net; ls /proc/1/exe")
        self.assertEqual(done.stdout.splitlines()[0], os.readlink("/proc/self/ns/net"))
        self.kill_and_delete()

    def test_processes_of_the_hosts_pid_namespace_are_not_guessed(self):
        def shared(config):
            config["linux"]["namespaces"] = [
                n for n in config["linux"]["namespaces"] if n["type"] != "pid"]
            # A new procfs is only for who has privileges over the pid namespace.
            config["mounts"] = [m for m in config["mounts"] if m["type"] != "proc"]
            config["mounts"].insert(0, {"destination": "/proc", "type": "bind", "source": "/proc",
                                        "options": ["rbind"]})
            config["linux"]["maskedPaths"] = config["linux"]["readonlyPaths"] = []
        self.start_sleeper(change=shared)
        for verb in (["ps", self.id], ["kill", "--all", self.id, "TERM"]):
            done = self.oci(*verb, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("neither a cgroup nor a pid namespace", done.stderr)
        self.kill_and_delete()
        self.assertEqual(self.processes_of_user(), [])

    def test_a_terminal_of_its_own(self):
        path = os.path.join(self.folder, "console")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(1)
        os.chown(path, USER, USER)

        def terminal(config):
            config["process"]["terminal"] = True
        self.config("sh", "-c", "tty; stat -c %u /dev/console; echo said > /dev/tty",
                    change=terminal)
        self.create("--console-socket", path)
        connection, _ = listener.accept()
        _, fds, _, _ = socket.recv_fds(connection, 4096, 1)
        connection.close()
        self.oci("start", self.id)
        text = b""
        while select.select([fds[0]], [], [], runtime.TIMEOUT)[0]:
            try:
                text += os.read(fds[0], 4096)
            except OSError:
                break  # EIO: all who had it have ended
        os.close(fds[0])
        self.assertEqual(text.split(), [b"/dev/pts/0", b"0", b"said"])
        self.wait_for("stopped")
        self.oci("delete", self.id)

    def test_each_kind_of_hook(self):
        places = {kind: os.path.join(self.folder, kind) for kind in
                  ("createRuntime", "createContainer", "startContainer", "poststart", "poststop")}
        os.makedirs(os.path.join(self.folder, "shared"))
        os.chown(os.path.join(self.folder, "shared"), USER, USER)

        def hooks(config):
            config["mounts"].append({"destination": "/tmp", "type": "bind", "options": ["rbind"],
                                     "source": os.path.join(self.folder, "shared")})
            places["startContainer"] = "/tmp/startContainer"
            config["hooks"] = {kind: [{"path": "/bin/sh", "args": [
                "sh", "-c", "id -u > %s; cat /proc/self/uid_map >> %s" % (place, place)],
                "env": ["PATH=/bin:/usr/bin"]}] for kind, place in places.items()}
        self.config("true", change=hooks)
        self.create()
        self.oci("start", self.id)
        self.wait_for("stopped")
        self.oci("delete", self.id)
        places["startContainer"] = os.path.join(self.folder, "shared/startContainer")
        for kind, place in places.items():
            with open(place, encoding="utf-8") as file:
                uid, first, outside, size = file.read().split()[:4]
            inside = kind in ("createContainer", "startContainer")
            self.assertEqual(int(uid), 0 if inside else self.hook_uid, kind)
            if inside:
                self.assertEqual((first, outside, size), ("0", str(USER), "1"), kind)
        self.assertEqual(self.run_container().returncode, 0)

    def test_hooks_and_a_failure_leave_nothing(self):
        marker = os.path.join(self.folder, "hook")

        def hooks(config):
            config["hooks"] = {
                "createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "id -u > " + marker]}],
                "createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "exit 5"]}]}
        self.refused(hooks, "createContainer", "code 5")
        with open(marker, encoding="utf-8") as file:
            self.assertEqual(file.read().strip(), str(self.hook_uid))
        self.assertEqual(self.processes_of_user(), [])


class UserTest(Common, RootlessTest):
    """A user calls, and the container is in a user namespace of its own."""

    hook_uid = USER

    def test_states_are_kept_in_the_runtime_folder(self):
        self.start_sleeper()
        self.assertEqual(os.listdir(self.root), [self.id])
        for line in self.oci("list").stdout.splitlines()[1:]:
            self.assertEqual(line.split()[-1], str(USER))
        self.kill_and_delete()

    def test_the_machines_root_may_use_it_too(self):
        def limits(config):
            del config["process"]["rlimits"]  # of a user's process: with CAP_SYS_RESOURCE only
        pid = self.start_sleeper(change=limits)
        roots = runtime.RuntimeTest.oci
        self.assertEqual(roots(self, "exec", self.id, "id", "-u").stdout, "0\n")
        self.assertEqual(json.loads(roots(self, "ps", "-f", "json", self.id).stdout), [pid])
        roots(self, "kill", "--all", self.id, "KILL")
        self.wait_for("stopped")
        roots(self, "delete", self.id)
        self.assertEqual(os.listdir(self.root), [])

    def test_the_usual_configuration_says_what_is_missing(self):
        def machines(config):
            config["linux"]["namespaces"] = [
                n for n in config["linux"]["namespaces"] if n["type"] != "user"]
            del config["linux"]["uidMappings"], config["linux"]["gidMappings"]
        self.refused(machines, "user namespace", "hint:", "spec --rootless")

    def test_more_ids_than_ones_own_take_a_helper(self):
        def many(config):
            for kind in ("uidMappings", "gidMappings"):
                config["linux"][kind].append({"containerID": 1, "hostID": 300000, "size": 10})
        self.refused(many, "newgidmap", "hint:")

    def test_an_id_of_another_is_refused(self):
        def anothers(config):
            config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 0, "size": 1}]
        self.refused(anothers, "newuidmap", "hint:")


class NamespaceRoot(RootlessTest):
    """Root of a user namespace calls, and the container stays in that."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # All calls are made in one user namespace, which lives as long as this process in it.
        cls.holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "echo; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=cls.enter)
        cls.holder.stdout.read(1)

        def end():
            cls.holder.communicate()
        cls.addClassCleanup(end)
        cls.own = cls.own | {str(cls.holder.pid)}

    def prefix(self):
        return ["nsenter", "--target", str(self.holder.pid), "--user", "--mount",
                "--preserve-credentials"]

    def adapt(self, config):
        config["linux"]["namespaces"] = [
            n for n in config["linux"]["namespaces"] if n["type"] != "user"]
        config["linux"].pop("uidMappings", None)
        config["linux"].pop("gidMappings", None)


class NamespaceRootTest(Common, NamespaceRoot):

    hook_uid = 0

    def test_a_user_namespace_in_that_one(self):
        def nested(config):
            config["linux"]["namespaces"].append({"type": "user"})
            for kind in ("uidMappings", "gidMappings"):
                config["linux"][kind] = [{"containerID": 0, "hostID": 0, "size": 1}]
        pid = self.start_sleeper(change=nested)
        self.assertNotEqual(os.readlink("/proc/%d/ns/user" % pid),
                            os.readlink("/proc/%d/ns/user" % self.holder.pid))
        done = self.oci("exec", self.id, "sh", "-c", "tr -s ' ' < /proc/self/uid_map; id -u")
        self.assertEqual(done.stdout, " 0 0 1\n0\n")
        self.kill_and_delete()

    def test_a_terminals_group_that_is_not_mapped_is_left_out(self):
        def group(config):
            for mount in config["mounts"]:
                if mount["type"] == "devpts":
                    mount["options"].append("gid=5")
        self.config("stat", "-c", "%g", "/dev/pts/ptmx", change=group)
        self.assertEqual(self.run_container().stdout, "0\n")


if __name__ == "__main__":
    runtime.main()
