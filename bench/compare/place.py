"""Where the comparison happens: namespaces of its own, and a folder with root file systems and bundles.

Nothing of the machine is changed: mounts, network and processes are private, and the folder goes.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
# Bazel starts programs in their runfiles; by hand it is what was built last that is used.
BINARIES = os.getcwd() if "BUILD_WORKSPACE_DIRECTORY" in os.environ else SOURCE + "/bazel-bin"
FOLDER = "TINY_COMPARE_FOLDER"  # set in the namespaces
PROGRAM = "/bin/true"

# The shell stays as the first process of the namespace, as somebody has to reap.
ISOLATE = """mount -t proc proc /proc && mount -t tmpfs tmpfs /run && ip link set lo up || exit 1
"$@"; exit $?"""


def program(label):
    """The path of a program of this workspace: program("cli/tiny")."""
    return os.path.realpath(os.path.join(BINARIES, label))


def missing_programs():
    """Those that have not been built, so that it is known before the first is needed."""
    labels = ["cli/tiny", "oci/cli/tiny-oci", "bench/compare/interleave"]
    labels += ["bench/" + name for name in ("count", "exec_floor", "floor", "hello", "logs",
                                            "payload", "phases", "veth_setup")]
    return [label for label in labels if not os.path.exists(program(label))]


def is_isolated():
    return FOLDER in os.environ


def run_isolated(remove_cgroups):
    """Runs this program again in mount, network and process namespaces: its exit code.

    Whatever becomes of it, its processes and mounts go with the namespaces, and then its folder and
    what it had beneath the cgroups of the folder's name.
    """
    # Not in memory, where no engine keeps its containers.
    folder = tempfile.mkdtemp(prefix="tiny-compare-", dir="/var/tmp")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return subprocess.call(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation",
             "private", "sh", "-c", ISOLATE, "sh", sys.executable, os.path.realpath(sys.argv[0]),
             *sys.argv[1:]], env={**os.environ, FOLDER: folder})
    finally:
        remove_cgroups("/" + os.path.basename(folder))
        shutil.rmtree(folder)


def cgroup_layout():
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return "v2"
    return "hybrid" if os.path.isdir("/sys/fs/cgroup/unified") else "v1"


def hide_cgroup2():
    """Where version 1 and 2 are both mounted, shows version 1 alone: crun refuses the two together.

    The tmpfs of /sys/fs/cgroup is every namespace's, so another one is mounted over it.
    """
    folder = tempfile.mkdtemp()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)
    for name in sorted(os.listdir("/sys/fs/cgroup")):
        if name != "unified":
            os.mkdir(folder + "/" + name)
            subprocess.run(["mount", "--bind", "/sys/fs/cgroup/" + name, folder + "/" + name],
                           check=True)
    subprocess.run(["mount", "--move", folder, "/sys/fs/cgroup"], check=True)
    os.rmdir(folder)


def make_rootfs(path, busybox, true):
    """busybox, and `true` as /bin/true."""
    for folder in ("bin", "dev", "etc", "proc", "sys", "tmp", "root"):
        os.makedirs(path + "/" + folder)
    shutil.copy(busybox, path + "/bin/busybox")
    for applet in ("sh", "cat", "readlink", "grep", "tr", "sleep", "yes", "head"):
        os.symlink("busybox", path + "/bin/" + applet)
    shutil.copy(true, path + PROGRAM)
    with open(path + "/etc/passwd", "w", encoding="utf-8") as file:
        file.write("root:x:0:0::/root:/bin/sh\n")


def oci_profile(profile, capabilities):
    """The rules of a profile in Docker's form that apply on x86-64, in the OCI's."""
    rules = []
    for rule in profile["syscalls"]:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        if "amd64" not in includes.get("arches", ["amd64"]) or "amd64" in excludes.get("arches", []):
            continue
        if set(includes.get("caps", [])) - capabilities:
            continue
        if set(excludes.get("caps", [])) & capabilities:
            continue
        rules.append({key: rule[key] for key in ("names", "action", "args", "errnoRet")
                      if rule.get(key)})
    result = {"defaultAction": profile["defaultAction"],
              "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
              "syscalls": rules}
    if "defaultErrnoRet" in profile:
        result["defaultErrnoRet"] = profile["defaultErrnoRet"]
    return result


def make_bundle(path, rootfs, args, seccomp=None):
    """The bundle that `tiny-oci spec` writes, for `args` in that root file system."""
    os.makedirs(path)
    subprocess.run([program("oci/cli/tiny-oci"), "spec", "--bundle", path], check=True)
    with open(path + "/config.json", encoding="utf-8") as file:
        config = json.load(file)
    config["ociVersion"] = "1.0.2"  # newer ones are refused by crun 1.8
    config["process"]["terminal"] = False
    config["process"]["args"] = args
    config["root"] = {"path": rootfs, "readonly": True}
    linux = config["linux"]
    # What the program can see of its cgroup is asked for by the proof.
    linux["namespaces"] = [entry for entry in linux["namespaces"] if entry["type"] != "cgroup"]
    if seccomp:
        capabilities = set(config["process"]["capabilities"]["bounding"])
        linux["seccomp"] = oci_profile(seccomp, capabilities)
    with open(path + "/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    return path


class Place:
    """The folder. `rootfs` is what is timed; `probe` is the same with a script as /bin/true."""

    def __init__(self, busybox, probe_script, seccomp):
        self.folder = os.environ[FOLDER]
        self.marker = os.path.basename(self.folder)
        self.rootfs, self.probe = self.folder + "/rootfs", self.folder + "/probe"
        self.seccomp_path = self.folder + "/seccomp.json" if seccomp else None
        if seccomp:
            with open(self.seccomp_path, "w", encoding="utf-8") as file:
                json.dump(seccomp, file)
        script = self.folder + "/probe.sh"
        with open(script, "w", encoding="utf-8") as file:
            file.write(probe_script)
        os.chmod(script, 0o755)
        make_rootfs(self.rootfs, busybox, program("bench/payload"))
        make_rootfs(self.probe, busybox, script)
        with open(self.probe + "/etc/marker", "w", encoding="utf-8") as file:
            file.write(self.marker)
        for tree in ("", "/unified", "/freezer", "/devices"):
            if os.path.exists("/sys/fs/cgroup%s/cgroup.procs" % tree):
                os.makedirs("/sys/fs/cgroup%s/%s" % (tree, self.marker))
        for name, rootfs in (("", self.rootfs), ("-probe", self.probe)):
            make_bundle(self.bundle("plain" + name), rootfs, [PROGRAM])
            make_bundle(self.bundle("sleeper" + name), rootfs, ["/bin/sleep", "1000"])
            if seccomp:
                make_bundle(self.bundle("seccomp" + name), rootfs, [PROGRAM], seccomp)

    def bundle(self, name):
        return self.folder + "/bundle-" + name

    def floor(self, verb, *args, name="floor%r"):
        """The floor program, in the cgroup of that name beneath ours."""
        return [program("bench/floor"), verb, *args, "/%s/%s" % (self.marker, name)]

    def image(self, rootfs):
        """A tar archive of a root file system."""
        path = rootfs + ".tar"
        if not os.path.exists(path):
            subprocess.run(["tar", "-C", rootfs, "-cf", path, "."], check=True)
        return path
