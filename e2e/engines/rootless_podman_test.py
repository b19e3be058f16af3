#!/usr/bin/env python3
"""Podman without root, with tiny-oci as its runtime: on the machine's cgroups, beside runc, and on
version 2 alone, beside crun, which takes no other here.

The user has an account, subordinate ids and the setuid programs that map them in the test's mount
namespace only.
"""

import json
import os
import shutil
import subprocess

import engine

USER = 54321
NAME = "tiny-user"
SUBORDINATE = 300000
IDS = 65536
CACHE = os.environ.get("TINY_ROOTLESS", "/var/tmp/tiny-rootless")
PACKAGES = ["uidmap"]


def bind_text(path, text):
    """Has the machine's file read like that in the test's mount namespace."""
    own = "/run/" + os.path.basename(path)
    with open(own, "w", encoding="utf-8") as file:
        file.write(text)
    subprocess.run(["mount", "--bind", own, path], check=True)


def make_account():
    """An account with subordinate ids, and the programs that map these."""
    with open("/etc/passwd", encoding="utf-8") as file:
        if NAME in file.read():
            return
    bind_text("/etc/passwd", "root:x:0:0::/root:/bin/sh\n%s:x:%d:%d::/run/home:/bin/sh\n"
              % (NAME, USER, USER))
    bind_text("/etc/group", "root:x:0:\n%s:x:%d:\n" % (NAME, USER))
    for path in ("/etc/subuid", "/etc/subgid"):
        bind_text(path, "%s:%d:%d\n" % (NAME, SUBORDINATE, IDS))
    programs = os.path.join(CACHE, "root/usr/bin")
    subprocess.run(["mount", "--bind", programs, "/usr/local/bin"], check=True)
    os.environ["PATH"] = "/usr/local/bin:" + os.environ["PATH"]
    os.chmod("/run", 0o755)  # states of the user's have no place there
    for folder in ("/run/home", "/run/user"):
        os.makedirs(folder, mode=0o700)
        os.chown(folder, USER, USER)


def as_user(*command):
    return ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--",
            "env", "--chdir=/", "HOME=/run/home", "XDG_RUNTIME_DIR=/run/user", "USER=" + NAME, *command]


class RootlessPodmanTest(engine.EngineTest):

    @classmethod
    def setUpClass(cls):
        engine.unpack(PACKAGES, CACHE)  # cached since main
        make_account()
        super().setUpClass()

    @classmethod
    def start_engine(cls):
        folder = cls.folder
        os.chown(folder, USER, USER)
        os.chmod(folder, 0o755)
        # Where the binary was built may be no place for the user.
        shutil.copy(cls.runtime, folder + "/runtime")
        cls.runtime = folder + "/runtime"
        config = os.path.join(folder, "containers.conf")
        with open(config, "w", encoding="utf-8") as file:
            variables = ["PATH=" + os.environ["PATH"], "CONTAINERS_CONF=" + config,
                         "HOME=/run/home", "XDG_RUNTIME_DIR=/run/user"]
            file.write('[engine]\nconmon_path = ["%s/usr/bin/conmon"]\nconmon_env_vars = %s\n'
                       'helper_binaries_dir = ["%s/usr/lib/podman"]\n'
                       % (engine.ROOT, json.dumps(variables), engine.ROOT))
            file.write('[network]\nnetwork_backend = "netavark"\n'
                       '[containers]\ndefault_ulimits = ["nofile=1024:2048", "nproc=1024:1024"]\n')
        policy = os.path.join(folder, "policy.json")
        with open(policy, "w", encoding="utf-8") as file:
            file.write('{"default": [{"type": "insecureAcceptAnything"}]}')
        cls.command = as_user(
            "CONTAINERS_CONF=" + config, "podman", "--root", folder + "/graph", "--runroot",
            folder + "/run", "--tmpdir", folder + "/tmp", "--storage-driver", "vfs",
            "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", cls.runtime)
        archive = cls.image_archive()
        cls("engine").engine("import", "--signature-policy", policy, archive, "busybox")

    def run_busybox(self, *args, code=0):
        return self.engine("run", "--rm", "--network", "none", *args, code=code)

    def test_run(self):
        self.assertEqual(self.run_busybox("busybox", "echo", "hello"), "hello\n")
        self.run_busybox("busybox", "sh", "-c", "exit 42", code=42)
        self.run_busybox("busybox", "/nope", code=127)
        self.run_busybox("busybox", "/etc/passwd", code=126)
        self.assertIn("/dev/pts/", self.run_busybox("-t", "busybox", "tty"))
        self.assertEqual(self.run_busybox("--hostname", "box", "busybox", "hostname"), "box\n")
        self.assertEqual(self.run_busybox(
            "busybox", "sh", "-c", "echo x > /dev/null; head -c 3 /dev/zero | wc -c; "
            "stat -c %t:%T /dev/full"), "3\n1:7\n")

    def test_ids(self):
        text = self.run_busybox("busybox", "sh", "-c", "tr -s ' ' < /proc/self/uid_map; id -u; "
                                "cat /proc/self/setgroups")
        self.assertEqual(text, " 0 %d 1\n 1 %d %d\n0\nallow\n" % (USER, SUBORDINATE, IDS))
        self.assertEqual(self.run_busybox("--user", "5:6", "--group-add", "44", "busybox", "sh",
                                          "-c", "id -u; id -g; id -G"), "5\n6\n6 44\n")
        self.assertEqual(self.run_busybox("--userns", "keep-id", "busybox", "sh", "-c", "id -u"),
                         "%d\n" % USER)
        shared = os.path.join(self.folder, "volume")
        os.mkdir(shared)
        os.chown(shared, USER, USER)
        self.run_busybox("-v", shared + ":/mnt", "busybox", "sh", "-c",
                         "touch /mnt/roots; touch /mnt/fifths; chown 5 /mnt/fifths")
        self.assertEqual(os.stat(shared + "/roots").st_uid, USER)
        self.assertEqual(os.stat(shared + "/fifths").st_uid, SUBORDINATE + 4)
        shutil.rmtree(shared)

    def test_privileges(self):
        text = self.run_busybox("busybox", "grep", "-E", "CapEff|Seccomp:", "/proc/self/status")
        self.assertEqual(int(text.split()[1], 16), 0xa80425fb)
        self.assertEqual(text.split()[3], "2")
        text = self.run_busybox("--privileged", "busybox", "grep", "CapEff", "/proc/self/status")
        self.assertGreater(int(text.split()[1], 16), 0xffffffff)
        self.assertEqual(self.run_busybox("--cap-add", "SYS_ADMIN", "--security-opt",
                                          "seccomp=unconfined", "busybox", "sh", "-c",
                                          "mount -t tmpfs none /tmp && grep -c ' /tmp ' "
                                          "/proc/mounts"), "1\n")
        self.assertEqual(self.run_busybox("--sysctl", "net.ipv4.ip_forward=1", "busybox", "cat",
                                          "/proc/sys/net/ipv4/ip_forward"), "1\n")

    def test_namespaces_of_the_host(self):
        self.assertEqual(
            self.engine("run", "--rm", "--network", "host", "busybox", "sh", "-c",
                        "readlink /proc/self/ns/net; touch /sys/fs/cgroup/x 2>/dev/null "
                        "|| echo kept"), os.readlink("/proc/self/ns/net") + "\nkept\n")
        self.assertEqual(self.run_busybox("--pid", "host", "busybox", "readlink",
                                          "/proc/self/ns/pid"),
                         os.readlink("/proc/self/ns/pid") + "\n")

    def test_at_a_terminal(self):
        text, code = self.at_terminal("test -t 0 && echo $((6*7)); exit 3\n", "run", "-it", "--rm",
                                      "--network", "none", "busybox", "sh")
        self.assertIn("42\r\n", text)
        self.assertEqual(code, 3)

    def test_a_life(self):
        self.engine("run", "-d", "--name", "c1", "--network", "none", "busybox", "sh", "-c",
                    "echo started; trap 'exit 0' TERM; while :; do sleep 0.1; done")
        self.engine("exec", "c1", "sh", "-c", "exit 5", code=5)
        self.assertEqual(self.engine("exec", "--user", "7", "c1", "id", "-u"), "7\n")
        self.assertIn("/dev/pts/", self.engine("exec", "-t", "c1", "tty"))
        self.assertIn("sleep 0.1", self.engine("top", "c1"))
        self.assertEqual(self.engine("logs", "c1"), "started\n")
        self.engine("stop", "-t", "10", "c1")
        self.assertIn("Exited (0)", self.engine("ps", "-a", "--format", "{{.Status}}"))
        self.engine("start", "c1")
        self.engine("kill", "c1")
        self.wait_until(lambda: "Exited (137)" in self.engine("ps", "-a", "--format",
                                                              "{{.Status}}"), "killed")
        self.engine("rm", "-f", "c1")
        self.assertEqual(self.engine("ps", "-aq"), "")


class SubordinateIdsTest(engine.EngineTest):
    """A bundle of a user's with more ids than the own, without an engine."""

    @classmethod
    def start_engine(cls):
        make_account()
        for path in (cls.folder, cls.rootfs):
            os.chown(path, USER, USER)
        os.chmod(cls.folder, 0o755)
        shutil.copy(cls.runtime, cls.folder + "/runtime")
        cls.command = as_user(cls.folder + "/runtime", "--root", cls.folder + "/state")

    def test_they_are_mapped_and_can_be_used(self):
        subprocess.run([*self.command, "spec", "--rootless", "--bundle", self.folder], check=True)
        with open(self.folder + "/config.json", encoding="utf-8") as file:
            config = json.load(file)
        os.remove(self.folder + "/config.json")
        config["process"].update(terminal=False, args=[
            "sh", "-c", "tr -s ' ' < /proc/self/uid_map; id -u; id -G; sleep 1000"])
        config["process"]["user"] = {"uid": 7, "gid": 8, "additionalGids": [9]}
        for kind in ("uidMappings", "gidMappings"):
            config["linux"][kind] = [{"containerID": 0, "hostID": USER, "size": 1},
                                     {"containerID": 1, "hostID": SUBORDINATE, "size": 100}]
        with open(self.folder + "/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        output = self.folder + "/output"
        with open(output, "w", encoding="utf-8") as file:
            subprocess.run([*self.command, "run", "--detach", "--bundle", self.folder, "c"],
                           stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=True,
                           timeout=engine.TIMEOUT)
        text = " 0 %d 1\n 1 %d 100\n7\n8 9\n" % (USER, SUBORDINATE)

        def said():
            with open(output, encoding="utf-8") as file:
                return file.read() == text
        self.wait_until(said, text)
        self.assertEqual(self.engine("exec", "--user", "5:6", "c", "id", "-u"), "5\n")
        self.engine("delete", "--force", "c")
        self.assertEqual(os.listdir(self.folder + "/state"), [])

    def test_more_than_are_the_users_are_refused(self):
        folder = os.path.join(self.folder, "greedy")
        os.mkdir(folder)
        os.chown(folder, USER, USER)
        subprocess.run([*self.command, "spec", "--rootless", "--bundle", folder], check=True)
        with open(folder + "/config.json", encoding="utf-8") as file:
            config = json.load(file)
        config["process"]["terminal"] = False
        config["root"]["path"] = self.rootfs
        config["linux"]["uidMappings"].append({"containerID": 1, "hostID": 1, "size": 100})
        with open(folder + "/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        done = subprocess.run([*self.command, "run", "--bundle", folder, "g"], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=engine.TIMEOUT, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("newuidmap", done.stderr)
        self.assertIn("/etc/subuid", done.stderr)


class RootlessPodmanWithRuncTest(RootlessPodmanTest):
    """The same session, as runc has it."""

    peer = "runc"


class Cgroup2Alone(engine.EngineTest):

    @classmethod
    def setUpClass(cls):
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"], check=True)
        cls.addClassCleanup(subprocess.run, ["umount", "-l", "/sys/fs/cgroup"], check=True)
        super().setUpClass()


class RootlessPodmanOnCgroup2Test(Cgroup2Alone, RootlessPodmanTest):
    pass


class RootlessPodmanOnCgroup2WithCrunTest(Cgroup2Alone, RootlessPodmanTest):

    peer = "crun"


if __name__ == "__main__":
    if os.geteuid() == 0 and "TINY_ENGINE_ISOLATED" not in os.environ:
        engine.unpack(PACKAGES, CACHE)  # while there is a network
    engine.main()
