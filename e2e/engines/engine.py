"""Podman, Docker and containerd from Debian's packages, unpacked into a folder of the test's own.

Nothing is installed: the packages that the machine lacks are downloaded once, to $TINY_ENGINES or
a folder in /var/tmp, and run from there, in mount and network namespaces of the test.
"""

import fcntl
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "oci"))
import runtime  # pylint: disable=wrong-import-position

CACHE = os.environ.get("TINY_ENGINES", "/var/tmp/tiny-engines")
PACKAGES = ["podman", "docker.io", "containerd", "runc", "crun"]
TIMEOUT = 120


def fetch():
    """Returns the folder with the packages' files."""
    root = os.path.join(CACHE, "root")
    archives = os.path.join(CACHE, "archives")
    os.makedirs(os.path.join(archives, "partial"), exist_ok=True)
    with open(os.path.join(CACHE, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(CACHE, "complete")):
            get = ["apt-get", "-y", "-qq", "-o", "Dir::Cache::Archives=" + archives]
            if subprocess.run(get + ["--print-uris", "install", "podman"], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
                subprocess.run(["apt-get", "-qq", "update"], check=True)
            subprocess.run(get + ["--download-only", "--reinstall", "--no-install-recommends",
                                  "install", *PACKAGES], check=True, stdout=subprocess.DEVNULL)
            for archive in glob.glob(archives + "/*.deb"):
                subprocess.run(["dpkg", "-x", archive, root], check=True)
            shutil.rmtree(archives)
            with open(os.path.join(CACHE, "complete"), "w", encoding="utf-8"):
                pass
    return root


class EngineTest(unittest.TestCase):
    """One engine for a class of tests. Subclasses set `command` in start_engine."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        root = fetch()
        cls.engine_root = root
        os.environ["PATH"] = ":".join(
            [root + "/usr/bin", root + "/usr/sbin", root + "/sbin", os.environ["PATH"]])
        os.environ["LD_LIBRARY_PATH"] = root + "/usr/lib/x86_64-linux-gnu"
        cls.tiny_oci = runtime.find_runtime()
        cls.folder = tempfile.mkdtemp(prefix="tiny-engine-", dir="/var/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
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


def main():
    """Goes on in a mount and a network namespace, with a /run of its own."""
    if os.geteuid() == 0 and "TINY_ENGINE_ISOLATED" not in os.environ:
        os.environ["TINY_ENGINE_ISOLATED"] = "1"
        os.environ["TINY_OCI"] = runtime.find_runtime()
        fetch()  # while there is a network
        script = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'
        os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c",
                              script, "sh", sys.executable, *sys.argv])
    unittest.main()
