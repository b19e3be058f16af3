#!/usr/bin/env python3
"""The same bundles through tiny-oci, runc and crun: what a container sees, its states and codes.

All three run on a version 2 cgroup tree of the test's mount namespace, as Debian's crun refuses the
hybrid one. Every difference is a failure but for those that INTENDED names and explains.
"""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import engine

runtime = engine.runtime

PROBE = r"""
echo "[status]"; grep -E '^(Uid|Gid|Groups|Cap.*|NoNewPrivs|Seccomp|Cpus_allowed_list):' \
  /proc/self/status
echo "[namespaces]"; for n in cgroup ipc mnt net pid time user uts; do
  echo "$n $(readlink /proc/self/ns/$n)"; done
echo "[mounts]"; while read -r _ _ _ root point options rest; do
  echo "$point ${rest#*- } $options"; done < /proc/self/mountinfo
echo "[descriptors]"; ls /proc/self/fd
echo "[limits]"; cat /proc/self/limits
echo "[environment]"; env
echo "[cwd]"; pwd
echo "[umask]"; umask
echo "[oom]"; cat /proc/self/oom_score_adj
echo "[names]"; cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname
echo "[devices]"; stat -c '%N %F %a %u:%g %t:%T' /dev/*
echo "[masked]"; for p in /proc/kcore /proc/keys /proc/timer_list /proc/scsi /sys/firmware; do
  [ -e $p ] && echo "$p $(cat $p 2>/dev/null | wc -c) $(ls -A $p 2>/dev/null | wc -l)"; done
echo "[readonly]"; for p in /proc/sys/kernel/domainname /proc/sysrq-trigger /x /sys/x; do
  (: > $p) 2>/dev/null && echo "$p can be written"; done
echo "[process]"; echo $$; cut -d' ' -f4-7 /proc/self/stat
echo "[cgroup]"; cat /proc/self/cgroup
"""

# (section, word of the line): why tiny-oci differs there.
INTENDED = {
    ("mounts", "/proc/"): "masks and read-only binds are compared by what they do",
    ("mounts", "/sys/firmware"): "likewise",
    ("mounts", "/sys/devices/virtual/powercap"): "likewise",
    ("devices", "/dev/core"): "crun alone makes this link to /proc/kcore, which is masked",
    ("devices", "/dev/null"): "crun gives the null device that is standard input to the user",
    ("descriptors", ""): "ls's own descriptor: the count is compared by the runtime's own tests",
}


def sections(text):
    result, name = {}, ""
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
            result[name] = []
        elif name:
            result[name].append(line)
    return result


def normal_mount(line):
    """What a mount is, without its device and what depends on how it was made."""
    point, kind, _, _, options = line.split(" ")[:5]
    keep = {"ro", "rw", "nosuid", "nodev", "noexec"}
    return "%s %s %s" % (point, kind, ",".join(sorted(keep & set(options.split(",")))))


class DifferentialTest(unittest.TestCase):

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="tiny-differential-", dir="/var/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.rootfs = os.path.join(cls.folder, "rootfs")
        runtime.make_rootfs(cls.rootfs)
        with open(cls.rootfs + "/etc/passwd", "a", encoding="utf-8") as file:
            file.write("five:x:5:6::/tmp:/bin/sh\n")  # whose HOME all look up there
        cls.runtimes = {"tiny-oci": os.environ["TINY_OCI"], "runc": shutil.which("runc"),
                        "crun": shutil.which("crun")}
        cls.namespaces = {n: os.readlink("/proc/self/ns/" + n) for n in
                          ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")}
        subprocess.run(["umount", "-l", "/sys/fs/cgroup"], check=True)
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"], check=True)
        cls.cgroups = os.path.basename(cls.folder)
        cls.addClassCleanup(engine.remove_cgroups, "/" + cls.cgroups)

    def bundle(self, name, change):
        path = os.path.join(self.folder, name, "bundle")
        os.makedirs(path, exist_ok=True)
        if os.path.exists(path + "/config.json"):
            os.remove(path + "/config.json")
        # One configuration for all three: runc's own.
        subprocess.run([self.runtimes["runc"], "spec", "--bundle", path], check=True)
        with open(path + "/config.json", encoding="utf-8") as file:
            config = json.load(file)
        config["process"]["terminal"] = False
        config["process"]["args"] = ["sh", "-c", PROBE]
        config["root"] = {"path": self.rootfs, "readonly": True}
        config["linux"]["cgroupsPath"] = "/%s/%s" % (self.cgroups, name)
        # For its device program crun wants more RLIMIT_MEMLOCK than root can have here.
        config["linux"]["resources"] = {}
        change(config)
        with open(path + "/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        return path

    def command(self, name, *args):
        return [self.runtimes[name], "--root", os.path.join(self.folder, name, "state"), *args]

    def run_in(self, name, change):
        path = self.bundle(name, change)
        return subprocess.run(self.command(name, "run", "--bundle", path, "c"), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=engine.TIMEOUT, check=False)

    def seen_in(self, name, change):
        """The probe's sections as comparable lists, and the exit code."""
        done = self.run_in(name, change)
        seen = sections(done.stdout)
        self.assertIn("cgroup", seen, "%s: %s" % (name, done.stderr))
        seen["namespaces"] = ["%s is %s" % (line.split()[0], "the host's" if self.namespaces[
            line.split()[0]] == line.split()[1] else "new") for line in seen["namespaces"]]
        seen["mounts"] = sorted(normal_mount(line) for line in seen["mounts"])
        seen["environment"] = sorted(seen["environment"])
        seen["cgroup"] = [line.replace(name, "NAME") for line in seen["cgroup"]]
        for (section, word), _ in INTENDED.items():
            seen[section] = [line for line in seen[section] if word and word not in line]
        return seen, done.returncode

    def compare(self, change=lambda config: None, others=("runc", "crun")):
        ours, code = self.seen_in("tiny-oci", change)
        for other in others:
            theirs, their_code = self.seen_in(other, change)
            for section, lines in theirs.items():
                self.assertEqual(ours[section], lines, "%s, unlike %s" % (section, other))
            self.assertEqual(code, their_code, other)

    def test_the_usual_bundle(self):
        self.compare()

    def test_user_groups_and_capabilities(self):
        def change(config):
            config["process"]["user"] = {"uid": 5, "gid": 6, "additionalGids": [7], "umask": 63}
            config["process"]["capabilities"] = {
                kind: ["CAP_CHOWN", "CAP_KILL"] for kind in
                ("bounding", "effective", "permitted", "inheritable", "ambient")}
        self.compare(change)

    def test_limits_and_process(self):
        def change(config):
            config["process"].update(cwd="/tmp", oomScoreAdj=200, noNewPrivileges=False,
                                     env=["PATH=/bin:/usr/bin", "A=b c", "E="],
                                     rlimits=[{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100},
                                              {"type": "RLIMIT_FSIZE", "soft": 4096,
                                               "hard": 8192}])
        self.compare(change)

    def test_seccomp(self):
        def change(config):
            config["linux"]["seccomp"] = {
                "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [{"names": ["sethostname"], "action": "SCMP_ACT_ERRNO"}]}
        self.compare(change)

    def test_fewer_namespaces(self):
        def change(config):
            config["linux"]["namespaces"] = [{"type": t} for t in ("pid", "mount", "uts")]
            config["mounts"] = [m for m in config["mounts"] if m["type"] not in ("sysfs", "mqueue")]
        self.compare(change)

    def test_mounts_of_each_kind(self):
        def change(config):
            config["mounts"] += [
                {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "noexec", "size=1m", "mode=1777"]},
                {"destination": "/mnt/ro", "type": "bind", "source": self.rootfs + "/etc",
                 "options": ["rbind", "ro", "nodev"]},
                {"destination": "/mnt/file", "type": "bind", "source": "/etc/hostname",
                 "options": ["bind", "ro"]}]
            os.makedirs(self.rootfs + "/mnt/ro", exist_ok=True)
            with open(self.rootfs + "/mnt/file", "w", encoding="utf-8"):
                pass
        self.compare(change)

    def test_exit_codes(self):
        for args in (["sh", "-c", "exit 3"], ["sh", "-c", "kill -9 $$; sleep 1"], ["true"]):
            def change(config, args=args):
                config["process"]["args"] = args
            codes = {name: self.run_in(name, change).returncode for name in self.runtimes}
            self.assertEqual(len(set(codes.values())), 1, (args, codes))
        for args in (["/no/such"], ["/etc/passwd"]):
            def change(config, args=args):  # pylint: disable=function-redefined
                config["process"]["args"] = args
            for name in self.runtimes:
                self.assertNotEqual(self.run_in(name, change).returncode, 0, (name, args))

    def test_state_over_a_life(self):
        lives = {}
        for name in self.runtimes:
            def change(config):
                config["process"]["args"] = ["sleep", "1000"]
                config["annotations"] = {"org.example.a": "b"}
            path = self.bundle(name, change)

            def call(*args, name=name):
                return subprocess.run(self.command(name, *args), text=True, check=False,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, timeout=engine.TIMEOUT)

            def state(call=call):
                text = json.loads(call("state", "c").stdout)
                return {key: text.get(key) for key in ("id", "status", "annotations")} | {
                    "pid": text["pid"] > 0, "version": text["ociVersion"][:2],
                    "bundle": os.path.basename(text["bundle"])}
            with open(os.devnull, "w", encoding="utf-8") as null:
                code = subprocess.run(self.command(name, "create", "--bundle", path, "c"),
                                      stdin=null, stdout=null, stderr=null, check=False,
                                      timeout=engine.TIMEOUT).returncode
            life = [code, state(), call("create", "--bundle", path, "c").returncode,
                    call("start", "c").returncode, state(), call("start", "c").returncode,
                    call("exec", "c", "sh", "-c", "exit 4").returncode,
                    call("delete", "c").returncode, call("kill", "c", "KILL").returncode]
            engine.EngineTest("engine").wait_until(
                lambda state=state: state()["status"] == "stopped", name)
            life += [{key: value for key, value in state().items() if key != "pid"},
                     call("kill", "c", "KILL").returncode != 0, call("delete", "c").returncode,
                     call("state", "c").returncode != 0, call("delete", "c").returncode != 0,
                     call("delete", "--force", "c").returncode]
            lives[name] = life
        for other in ("runc", "crun"):
            self.assertEqual(lives["tiny-oci"], lives[other], other)


if __name__ == "__main__":
    engine.main()
