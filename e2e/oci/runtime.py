"""What the tests of tiny-oci share: bundles, and the runtime as a program."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BUSYBOX = shutil.which("busybox")
TIMEOUT = 60
# With the id, a container's cgroup: without a parent, which would outlast it.
CGROUP = "/tiny-oci-test-"
CGROUP2_ALONE = "--cgroup2-alone"


def find_runtime():
    """The binary under test, from the runfiles or $TINY_OCI."""
    if "TINY_OCI" in os.environ:
        return os.environ["TINY_OCI"]
    return os.path.abspath("oci/cli/tiny-oci")


def make_rootfs(path):
    """A root file system of busybox alone."""
    for folder in ("bin", "dev", "etc", "proc", "sys", "tmp", "root"):
        os.makedirs(os.path.join(path, folder), exist_ok=True)
    shutil.copy(BUSYBOX, os.path.join(path, "bin/busybox"))
    for applet in subprocess.check_output([BUSYBOX, "--list"], text=True).split():
        link = os.path.join(path, "bin", applet)
        if applet != "busybox" and not os.path.lexists(link):
            os.symlink("busybox", link)
    with open(os.path.join(path, "etc/passwd"), "w", encoding="utf-8") as file:
        file.write("root:x:0:0::/root:/bin/sh\n")


def cgroup_trees():
    """Where each controller of version 1 is mounted, and as "" the tree of version 2."""
    trees = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            fields, kind = line.split(" - ")
            if kind.startswith("cgroup2 "):
                trees.setdefault("", fields.split()[4])
            elif kind.startswith("cgroup "):
                for controller in kind.split()[2].split(","):
                    trees.setdefault(controller, fields.split()[4])
    return trees


class RuntimeTest(unittest.TestCase):
    """A test with a bundle, a root of states and a runtime of its own."""

    runtime = find_runtime()

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        cls.shared = tempfile.mkdtemp(prefix="tiny-oci-")
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        cls.rootfs = os.path.join(cls.shared, "rootfs")
        make_rootfs(cls.rootfs)

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=self.shared)
        self.root = os.path.join(self.folder, "state")
        self.bundle = os.path.join(self.folder, "bundle")
        os.mkdir(self.bundle)
        self.id = "t%d-%d" % (os.getpid(), time.monotonic_ns())
        self.addCleanup(self.oci, "delete", "--force", self.id)

    def config(self, *args, change=None):
        """Writes a config.json that runs `args`, after `change` has had it."""
        path = os.path.join(self.bundle, "config.json")
        if not os.path.exists(path):
            subprocess.run([self.runtime, "spec", "--bundle", self.bundle], check=True)
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        config.setdefault("process", {"cwd": "/"})
        config["process"]["terminal"] = False
        config["process"]["args"] = list(args)
        config["root"] = {"path": self.rootfs, "readonly": True}
        config["linux"]["cgroupsPath"] = CGROUP + self.id
        if change:
            change(config)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        return config

    def oci(self, *args, check=True, **options):
        """Runs the runtime; its output is text."""
        done = subprocess.run([self.runtime, "--root", self.root, *args], text=True,
                              stdin=options.pop("stdin", subprocess.DEVNULL),
                              stdout=options.pop("stdout", subprocess.PIPE),
                              stderr=options.pop("stderr", subprocess.PIPE),
                              timeout=TIMEOUT, check=False, **options)
        if check and done.returncode != 0:
            self.fail("%s: exit code %d: %s" % (args, done.returncode, done.stderr))
        return done

    def create(self, *flags, output=None):
        """create, with its streams in a file, as nobody reads pipes."""
        output = output or os.path.join(self.folder, "output")
        with open(output, "a", encoding="utf-8") as file:
            done = subprocess.run(
                [self.runtime, "--root", self.root, "create", "--bundle", self.bundle, *flags,
                 self.id], stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=TIMEOUT,
                check=False)
        if done.returncode != 0:
            self.fail(self.output())

    def output(self):
        with open(os.path.join(self.folder, "output"), encoding="utf-8") as file:
            return file.read()

    def run_container(self, *flags, check=True):
        return self.oci("run", "--bundle", self.bundle, *flags, self.id, check=check)

    def state(self):
        return json.loads(self.oci("state", self.id).stdout)

    def wait_for(self, status):
        """Waits until the container has that status."""
        deadline = time.monotonic() + TIMEOUT
        while self.state()["status"] != status:
            self.assertLess(time.monotonic(), deadline, self.state())
            time.sleep(0.02)

    def start_sleeper(self, change=None):
        self.config("sleep", "1000", change=change)
        self.create()
        self.oci("start", self.id)
        return self.state()["pid"]

    def kill_and_delete(self):
        self.oci("kill", self.id, "KILL")
        self.wait_for("stopped")
        self.oci("delete", self.id)


def reap_children():
    """Makes this process the parent of what runtimes leave behind, as an engine is."""
    import ctypes  # pylint: disable=import-outside-toplevel
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, lambda *_: None)


def use_cgroup2_alone():
    """Goes on in a mount namespace that has version 2 of cgroups, and no other."""
    sys.argv.remove(CGROUP2_ALONE)
    script = ('umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1\n'
              'exec "$@"')
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", script,
                          "sh", sys.executable, *sys.argv])


def main():
    """Runs the tests of the program."""
    if CGROUP2_ALONE in sys.argv and os.geteuid() == 0:
        use_cgroup2_alone()
    reap_children()
    unittest.main()
