"""The programs that tiny is compared with: what is installed, or unpacked in the tests' folder."""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

import place
import proof

sys.path.insert(0, place.SOURCE + "/e2e/engines")
import engine  # pylint: disable=wrong-import-position

# Bubblewrap is no engine; like those it is unpacked, not installed.
BUBBLEWRAP = "/var/tmp/tiny-peers"
PROGRAMS = ("crun", "runc", "bwrap", "unshare", "podman", "docker", "dockerd", "containerd")


def install():
    """Downloads Debian's packages of all peers into folders of their own."""
    before = dict(os.environ)
    engine.fetch()
    os.environ.clear()
    os.environ.update(before)
    if not os.path.exists(BUBBLEWRAP + "/usr/bin/bwrap"):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            subprocess.run(["apt-get", "download", "-qq", "bubblewrap"], cwd=folder, check=True)
            subprocess.run(["dpkg", "-x", *glob.glob(folder + "/*.deb"), BUBBLEWRAP], check=True)


def use_unpacked():
    """Has the unpacked programs and their libraries found as if they were installed."""
    os.environ["PATH"] = ":".join([*engine.PROGRAMS, BUBBLEWRAP + "/usr/bin", os.environ["PATH"],
                                   "/usr/sbin", "/sbin"])
    if not os.path.isdir(engine.ROOT):
        return
    os.environ["XTABLES_LIBDIR"] = engine.LIBRARIES[0] + "/xtables"
    engine.use_libraries()


def find():
    """The paths and versions of tiny and of the peers that are there, proven to be who they are."""
    paths = {"tiny": place.program("cli/tiny"), "tiny-oci": place.program("oci/cli/tiny-oci")}
    for name in PROGRAMS:
        path = shutil.which(name)
        if path:
            paths[name] = os.path.realpath(path)
    if "dockerd" not in paths or "containerd" not in paths:
        paths.pop("docker", None)  # a client alone
    proof.check_distinct(paths)
    return paths, {name: proof.identify(name, path) for name, path in paths.items()}


def seccomp_profile():
    """Docker's profile as podman's package has it; None where it is not there."""
    for folder in (engine.ROOT, ""):
        path = folder + "/usr/share/containers/seccomp.json"
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return json.load(file)
    return None
