"""Podman, Docker and containerd from Debian's packages, unpacked into a folder of the test's own.

Nothing is installed: the packages, with what the machine lacks of their dependencies, are
downloaded once, to $TINY_ENGINES or a folder in /var/tmp, and run from there, in mount, network
and process namespaces of the test: whatever becomes of the test, nothing of it goes on running.
"""

import fcntl
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "oci"))
import runtime  # pylint: disable=wrong-import-position

CACHE = os.environ.get("TINY_ENGINES", "/var/tmp/tiny-engines")
ROOT = os.path.join(CACHE, "root")
PACKAGES = ["podman", "netavark", "docker.io", "containerd", "runc", "crun", "iptables", "iproute2",
            "busybox-static"]
LIBRARIES = [ROOT + "/usr/lib/x86_64-linux-gnu", ROOT + "/lib/x86_64-linux-gnu"]
PROGRAMS = [ROOT + folder for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin")]
TIMEOUT = 60


def download():
    """Fills ROOT; the lists of packages are brought up to date where they are missing or old."""
    archives = os.path.join(CACHE, "archives")
    for folder in (archives, ROOT):
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(archives, "partial"))
    get = ["apt-get", "-y", "-qq", "-o", "Dir::Cache::Archives=" + archives, "--download-only",
           "--reinstall", "--no-install-recommends", "install", *PACKAGES]
    if subprocess.run(get, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode:
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        subprocess.run(get, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    for archive in glob.glob(archives + "/*.deb"):
        subprocess.run(["dpkg", "-x", archive, ROOT], check=True)
    shutil.rmtree(archives)
    # The names that the packages' scripts would have made.
    for name in ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save",
                 "ip6tables-restore"):
        os.symlink("xtables-nft-multi", os.path.join(ROOT, "usr/sbin", name))


def fetch():
    """Makes sure that ROOT holds the packages' files, and has programs found there."""
    os.makedirs(CACHE, exist_ok=True)
    complete = os.path.join(CACHE, "complete")
    with open(os.path.join(CACHE, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        packages = "\n".join(PACKAGES)
        if not os.path.exists(complete) or open(complete, encoding="utf-8").read() != packages:
            download()
            with open(complete, "w", encoding="utf-8") as file:
                file.write(packages)
    os.environ["PATH"] = ":".join([*PROGRAMS, os.environ["PATH"], "/usr/sbin", "/sbin"])
    os.environ["LD_LIBRARY_PATH"] = ":".join(LIBRARIES)
    os.environ["XTABLES_LIBDIR"] = LIBRARIES[0] + "/xtables"
    runtime.BUSYBOX = shutil.which("busybox", path=":".join(PROGRAMS))


def remove_cgroups(parent):
    """Removes what engines leave of the parent cgroup that they were given."""
    for top in glob.glob("/sys/fs/cgroup/*" + parent) + ["/sys/fs/cgroup" + parent]:
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass


class EngineTest(unittest.TestCase):
    """One engine for a class of tests. Subclasses set `command` in start_engine."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        cls.tiny_oci = runtime.find_runtime()
        cls.folder = tempfile.mkdtemp(prefix="tiny-engine-", dir="/var/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.cgroup_parent = "/" + os.path.basename(cls.folder)
        cls.addClassCleanup(remove_cgroups, cls.cgroup_parent)
        cls.rootfs = os.path.join(cls.folder, "rootfs")
        runtime.make_rootfs(cls.rootfs)
        cls.command = []
        cls.start_engine()

    @classmethod
    def start_daemon(cls, *command):
        log = open(os.path.join(cls.folder, "log"), "w", encoding="utf-8")
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def stop():
            process.terminate()
            process.wait(timeout=TIMEOUT)
            log.close()
        cls.addClassCleanup(stop)

    @classmethod
    def log(cls):
        """What the daemon has to say for itself."""
        with open(os.path.join(cls.folder, "log"), encoding="utf-8") as file:
            return file.read()[-4000:]

    @classmethod
    def image_archive(cls):
        path = os.path.join(cls.folder, "image.tar")
        subprocess.run(["tar", "-C", cls.rootfs, "-cf", path, "."], check=True)
        return path

    def engine(self, *args, code=0):
        """Runs the engine's command and returns its standard output."""
        done = subprocess.run([*self.command, *args], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT,
                              check=False)
        self.assertEqual(done.returncode, code, "%s: %s" % (args, done.stderr))
        return done.stdout

    def wait_until(self, condition, what):
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.1)

    def assert_published(self, port, answer):
        """Something answers on that port of the test's own network namespace."""
        def asked():
            return subprocess.run([runtime.BUSYBOX, "nc", "-w", "5", "127.0.0.1", str(port)],
                                  stdin=subprocess.DEVNULL, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        self.wait_until(lambda: asked() == answer, "port %d" % port)


# The shell stays as the first process of the namespace, as somebody has to reap.
ISOLATE = ('mount -t proc proc /proc && mount -t tmpfs tmpfs /run && ip link set lo up || exit 1\n'
           '"$@"; exit $?')


def main():
    """Goes on in namespaces, with a /run of its own."""
    if os.geteuid() == 0:
        fetch()  # while there is a network
        if "TINY_ENGINE_ISOLATED" not in os.environ:
            os.environ["TINY_ENGINE_ISOLATED"] = "1"
            os.environ["TINY_OCI"] = runtime.find_runtime()
            os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
                                  "--propagation", "private", "sh", "-c", ISOLATE, "sh",
                                  sys.executable, *sys.argv])
    unittest.main()
