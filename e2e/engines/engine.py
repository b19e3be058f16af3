"""Podman, Docker and containerd from Debian's packages, unpacked into a folder of the test's own.

Nothing is installed: the packages, with what the machine lacks of their dependencies, are
downloaded once, to $TINY_ENGINES or a folder in /var/tmp, and run from there, in mount, network
and process namespaces of the test: whatever becomes of the test, nothing of it goes on running.
"""

import fcntl
import glob
import os
import pty
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


def download(packages, cache):
    """Fills the cache's root; lists of packages are brought up to date where missing or old."""
    archives = os.path.join(cache, "archives")
    root = os.path.join(cache, "root")
    for folder in (archives, root):
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(archives, "partial"))
    get = ["apt-get", "-y", "-qq", "-o", "Dir::Cache::Archives=" + archives, "--download-only",
           "--reinstall", "--no-install-recommends", "install", *packages]
    if subprocess.run(get, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode:
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        subprocess.run(get, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    for archive in glob.glob(archives + "/*.deb"):
        subprocess.run(["dpkg", "-x", archive, root], check=True)
    shutil.rmtree(archives)


def unpack(packages, cache):
    """Makes sure that the cache's root, which is returned, holds the packages' files."""
    os.makedirs(cache, exist_ok=True)
    complete = os.path.join(cache, "complete")
    with open(os.path.join(cache, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        names = "\n".join(packages)
        if not os.path.exists(complete) or open(complete, encoding="utf-8").read() != names:
            download(packages, cache)
            with open(complete, "w", encoding="utf-8") as file:
                file.write(names)
    return os.path.join(cache, "root")


def fetch():
    """Has the engines' files in ROOT, and their programs found there."""
    unpack(PACKAGES, CACHE)
    # The names that the packages' scripts would have made.
    for name in ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save",
                 "ip6tables-restore"):
        link = os.path.join(ROOT, "usr/sbin", name)
        if not os.path.lexists(link):
            os.symlink("xtables-nft-multi", link)
    os.environ["PATH"] = ":".join([*PROGRAMS, os.environ["PATH"], "/usr/sbin", "/sbin"])
    os.environ["XTABLES_LIBDIR"] = LIBRARIES[0] + "/xtables"
    runtime.BUSYBOX = shutil.which("busybox", path=":".join(PROGRAMS))


def use_libraries():
    """Has the unpacked libraries found as if they were installed, in a mount namespace with a /run
    of its own. Engines clear the environment of some that they start: LD_LIBRARY_PATH won't do.
    """
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/conf", "w", encoding="utf-8") as file:
            file.write("include /etc/ld.so.conf\n" + "\n".join(LIBRARIES) + "\n")
        subprocess.run(["/sbin/ldconfig", "-X", "-f", folder + "/conf", "-C", folder + "/cache"],
                       check=True, stderr=subprocess.DEVNULL)
        shutil.copy(folder + "/cache", "/run/ld.so.cache")
    subprocess.run(["mount", "--bind", "/run/ld.so.cache", "/etc/ld.so.cache"], check=True)


def remove_cgroups(parent):
    """Removes what engines leave of the parent cgroup that they were given."""
    for top in glob.glob("/sys/fs/cgroup/*" + parent) + ["/sys/fs/cgroup" + parent]:
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass


class EngineTest(unittest.TestCase):
    """One engine for a class of tests. Subclasses set `command` in start_engine.

    A subclass of these that sets `peer` runs the same session with another runtime: what tiny-oci
    has to do is what that does.
    """

    peer = None

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        cls.runtime = shutil.which(cls.peer) if cls.peer else runtime.find_runtime()
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

    def at_terminal(self, typed, *args):
        """Runs the engine's command at a terminal, types the text; its output and exit code."""
        pid, master = pty.fork()
        if pid == 0:
            os.execvp(self.command[0], [*self.command, *args])
        output = b""
        try:
            while chunk := os.read(master, 4096):
                if not output:
                    os.write(master, typed.encode())  # the shell's prompt is there
                output += chunk
        except OSError:
            pass  # EIO: all who had the terminal have ended
        os.close(master)
        _, status = os.waitpid(pid, 0)
        return output.decode(), os.waitstatus_to_exitcode(status)

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
        use_libraries()
    unittest.main()
