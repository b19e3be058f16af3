#!/usr/bin/env python3
"""linux of config.json: interfaces that are moved in, devices, limits, labels."""

import ctypes
import fcntl
import json
import os
import stat
import subprocess
import time

import runtime

CLONE_NEWNET = 0x40000000
NS_GET_USERNS = 0xb701


class NetDevicesTest(runtime.RuntimeTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if ctypes.CDLL(None).unshare(CLONE_NEWNET):
            raise OSError("unshare")

    @staticmethod
    def ip(*args):
        return subprocess.run([runtime.BUSYBOX, "ip", *args], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False).stdout

    def setUp(self):
        super().setUp()
        self.ip("link", "add", "d0", "type", "veth")
        self.ip("link", "set", "d0", "mtu", "1400", "up")
        self.ip("addr", "add", "192.0.2.5/24", "dev", "d0")
        self.ip("addr", "add", "2001:db8::5/64", "dev", "d0")
        self.assertIn("192.0.2.5/24", self.ip("addr", "show", "d0"))
        self.addCleanup(self.ip, "link", "del", "d0")

    def devices(self, devices):
        def change(config):
            config["linux"]["netDevices"] = devices
        return change

    def test_moved_renamed_up_and_with_its_addresses(self):
        self.config("ip", "addr", "show", "dev", "eth7",
                    change=self.devices({"d0": {"name": "eth7"}}))
        text = self.run_container().stdout
        for expected in ("mtu 1400", "UP", "192.0.2.5/24", "2001:db8::5/64"):
            self.assertIn(expected, text)
        self.assertNotIn("mtu", self.ip("addr", "show", "d0"))

    def test_keeps_its_name_or_gets_a_number(self):
        self.config("ip", "addr", "show", "dev", "d0", change=self.devices({"d0": {}}))
        self.assertIn("192.0.2.5/24", self.run_container().stdout)
        self.doCleanups()
        self.setUp()
        self.config("ip", "addr", "show", "dev", "net0",
                    change=self.devices({"d0": {"name": "net%d"}}))
        self.assertIn("192.0.2.5/24", self.run_container().stdout)

    def test_given_back_where_the_container_does_not_come_to_be(self):
        def failing(config):
            self.devices({"d0": {"name": "eth7"}})(config)
            config["mounts"].append({"destination": "/x", "type": "bind", "source": "/no/such"})
            config["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
        self.config("true", change=failing)
        self.assertEqual(self.run_container(check=False).returncode, 1)
        text = self.ip("addr", "show", "d0")
        for expected in ("mtu 1400", "UP", "192.0.2.5/24", "2001:db8::5/64"):
            self.assertIn(expected, text)

    def test_errors_name_the_interface(self):
        for devices, message in (({"none": {}}, "linux.netDevices.none"),
                                 ({"d0": {"name": "lo"}}, "has an interface lo")):
            self.config("true", change=self.devices(devices))
            done = self.run_container(check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)
            self.assertIn("192.0.2.5/24", self.ip("addr", "show", "d0"))

        def host(config):
            config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"]
                                             if n["type"] != "network"]
            config["linux"]["netDevices"] = {"d0": {}}
        self.config("true", change=host)
        self.assertIn("linux.netDevices", self.run_container(check=False).stderr)


class LinuxTest(runtime.RuntimeTest):

    def test_namespaces_by_path_are_joined(self):
        pid = self.start_sleeper()
        first, self.id = self.id, self.id + "j"
        self.addCleanup(self.oci, "delete", "--force", first)
        joined = {"network": "net", "ipc": "ipc", "uts": "uts", "pid": "pid"}

        def join(config):
            for namespace in config["linux"]["namespaces"]:
                if namespace["type"] in joined:
                    namespace["path"] = "/proc/%d/ns/%s" % (pid, joined[namespace["type"]])
            config.pop("hostname")
        self.config("sh", "-c", "for n in /proc/self/ns/*; do readlink $n; done", change=join)
        done = self.run_container(check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("net", "ipc", "uts", "pid"):
            self.assertIn(os.readlink("/proc/%d/ns/%s" % (pid, name)), done.stdout)

        def wrong(config):
            config["linux"]["namespaces"][0]["path"] = "/proc/%d/ns/uts" % pid
            config["linux"]["namespaces"][0]["type"] = "pid"
        os.remove(self.bundle + "/config.json")
        self.config("true", change=wrong)
        done = self.run_container(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/ns/uts", done.stderr)

    def user_namespace(self):
        """The id of a process in a user namespace that maps ids to themselves."""
        process = subprocess.Popen(["unshare", "--user", "sleep", "1000"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        own = os.readlink("/proc/self/ns/user")
        deadline = time.monotonic() + runtime.TIMEOUT
        while os.readlink("/proc/%d/ns/user" % process.pid) == own:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        for name in ("uid_map", "gid_map"):
            with open("/proc/%d/%s" % (process.pid, name), "w", encoding="utf-8") as file:
                file.write("0 0 65536")
        return process.pid

    def test_new_namespaces_belong_to_the_user_namespace_that_is_joined(self):
        pid = self.user_namespace()
        user = os.readlink("/proc/%d/ns/user" % pid)
        proc_names = {"network": "net", "mount": "mnt"}
        sets = [["mount", kind] for kind in ("uts", "network", "pid", "ipc", "cgroup")]
        for kinds in [*sets, ["mount"], ["mount", "uts", "network", "pid", "ipc", "cgroup"]]:
            def join(config):
                config["linux"]["namespaces"] = [{"type": kind} for kind in kinds] + [
                    {"type": "user", "path": "/proc/%d/ns/user" % pid}]
                if "uts" in kinds:
                    config["hostname"] = "box"
                else:
                    config.pop("hostname", None)
                # Only the owner of a network namespace may mount its sysfs.
                if "network" not in kinds:
                    config["mounts"] = [m for m in config["mounts"] if m["type"] != "sysfs"]
                if "pid" not in kinds:
                    for mount in config["mounts"]:
                        if mount["type"] == "proc":
                            mount.update(type="bind", source="/proc", options=["rbind"])
                config["mounts"] = [m for m in config["mounts"]
                                    if m["type"] not in ("cgroup", "mqueue")]
                config["linux"].pop("maskedPaths", None)
                config["linux"].pop("readonlyPaths", None)
            with self.subTest(kinds=kinds):
                if os.path.exists(self.bundle + "/config.json"):
                    os.remove(self.bundle + "/config.json")
                self.start_sleeper(change=join)
                inside = self.state()["pid"]
                self.assertEqual(os.readlink("/proc/%d/ns/user" % inside), user)
                for kind in kinds:
                    path = "/proc/%d/ns/%s" % (inside, proc_names.get(kind, kind))
                    self.assertNotEqual(os.readlink(path), os.readlink(
                        "/proc/self/ns/" + proc_names.get(kind, kind)))
                    with open(path, encoding="utf-8") as file:
                        owner = fcntl.ioctl(file, NS_GET_USERNS)
                    self.assertEqual(os.readlink("/proc/self/fd/%d" % owner), user, kind)
                    os.close(owner)
                if "uts" in kinds:
                    self.assertEqual(self.oci("exec", self.id, "hostname").stdout, "box\n")
                if "network" in kinds:
                    self.assertIn("UP", self.oci("exec", self.id, "ip", "link").stdout)
                self.kill_and_delete()

    def test_nothing_is_set_in_a_namespace_of_the_host(self):
        def read(name):
            with open("/proc/sys/" + name, encoding="utf-8") as file:
                return file.read().strip()
        for kind, name, sysctl in (("network", "net", "net.ipv4.ip_default_ttl"),
                                   ("ipc", "ipc", "kernel.msgmax"),
                                   ("uts", "uts", "kernel.domainname"), ("uts", "uts", None)):
            def own(config):
                config.pop("hostname", None)
                for namespace in config["linux"]["namespaces"]:
                    if namespace["type"] == kind:
                        namespace["path"] = "/proc/%d/ns/%s" % (os.getpid(), name)
                if sysctl:
                    config["linux"]["sysctl"] = {sysctl: "77"}
                else:
                    config["hostname"] = "77"
            path = sysctl.replace(".", "/") if sysctl else "kernel/hostname"
            before = read(path)
            self.config("true", change=own)
            done = self.run_container(check=False)
            os.remove(self.bundle + "/config.json")
            after = read(path)
            if after != before:
                with open("/proc/sys/" + path, "w", encoding="utf-8") as file:
                    file.write(before)
            self.assertEqual(after, before)
            self.assertEqual(done.returncode, 1, kind)
            self.assertIn("not allowed in the host's " + kind, done.stderr)

    def test_namespaces_that_are_not_listed_are_the_runtimes(self):
        def fewer(config):
            config["linux"]["namespaces"] = [{"type": "mount"}, {"type": "pid"}]
            config.pop("hostname")
        self.config("sh", "-c", "for n in net ipc uts; do readlink /proc/self/ns/$n; done",
                    change=fewer)
        self.assertEqual(self.run_container().stdout.split(),
                         [os.readlink("/proc/self/ns/" + name) for name in ("net", "ipc", "uts")])

    def test_devices(self):
        def devices(config):
            config["linux"]["devices"] = [
                {"path": "/dev/own", "type": "c", "major": 1, "minor": 3, "fileMode": 0o640,
                 "uid": 7, "gid": 8},
                {"path": "/dev/pipe", "type": "p", "fileMode": 0o600},
                {"path": "/dev/deep/er", "type": "b", "major": 7, "minor": 0}]
        self.config("stat", "-c", "%F %a %u %g %t %T", "/dev/own", "/dev/pipe", "/dev/deep/er",
                    change=devices)
        lines = self.run_container().stdout.splitlines()
        self.assertEqual(lines[0], "character special file 640 7 8 1 3")
        self.assertTrue(lines[1].startswith("fifo 600 0 0"), lines[1])
        self.assertTrue(lines[2].startswith("block special file"), lines[2])

    def test_default_devices(self):
        self.config("sh", "-c", "for d in null zero full random urandom tty; do "
                    "stat -c '%n %t:%T %a' /dev/$d; done; readlink /dev/ptmx; readlink /dev/fd; "
                    "echo x > /dev/null && head -c 4 /dev/zero | od -An -tx1; "
                    "head -c 1 /dev/urandom | wc -c; echo x > /dev/full")
        done = self.run_container(check=False)
        self.assertEqual(done.stdout.splitlines(),
                         ["/dev/null 1:3 666", "/dev/zero 1:5 666", "/dev/full 1:7 666",
                          "/dev/random 1:8 666", "/dev/urandom 1:9 666", "/dev/tty 5:0 666",
                          "pts/ptmx", "/proc/self/fd", " 00 00 00 00", "1"])
        self.assertNotEqual(done.returncode, 0)  # no space left on /dev/full

    def test_a_device_over_a_file_that_is_none_is_an_error(self):
        def device(config):
            config["linux"]["devices"] = [{"path": "/etc/passwd", "type": "c", "major": 1,
                                           "minor": 3}]
            config["root"]["readonly"] = False
        self.config("true", change=device)
        done = self.run_container(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/etc/passwd", done.stderr)
        self.assertTrue(stat.S_ISREG(os.stat(self.rootfs + "/etc/passwd").st_mode))

    def test_device_rules_in_their_order(self):
        def rules(config):
            config["linux"]["devices"] = [{"path": "/dev/a", "type": "c", "major": 1, "minor": 11},
                                          {"path": "/dev/k", "type": "c", "major": 1, "minor": 12}]
            config["linux"]["resources"]["devices"] = [
                {"allow": False, "access": "rwm"},
                {"allow": True, "type": "c", "major": 1, "access": "rw"},
                {"allow": False, "type": "c", "major": 1, "minor": 12, "access": "rw"}]
        self.config("sh", "-c", "for d in a k; do (: > /dev/$d) 2>&1; done", change=rules)
        text = self.run_container(check=False).stdout
        self.assertNotIn("/dev/a: Operation not permitted", text)
        self.assertIn("/dev/k: Operation not permitted", text)

    def test_without_device_rules_only_the_default_devices_are_there(self):
        for resources in (None, {}, {"devices": []}, {"memory": {"limit": 1 << 28}}):
            def none(config):
                config["linux"].pop("resources", None)
                if resources is not None:
                    config["linux"]["resources"] = resources
                for names in config["process"]["capabilities"].values():
                    names.append("CAP_MKNOD")
            self.config("sh", "-c", "mknod /dev/b b 7 0; mknod /dev/n c 1 3; : < /dev/n && echo n; "
                        ": < /dev/b", change=none)
            try:
                done = self.run_container(check=False)
            finally:
                os.remove(self.bundle + "/config.json")
            if resources and "controller" in done.stderr:  # this machine has none for memory
                continue
            self.assertEqual(done.stdout, "n\n", done.stderr)
            self.assertIn("/dev/b: Operation not permitted", done.stderr)

    def test_idmap_with_ranges(self):
        def mapped(config):
            source = os.path.join(self.folder, "source")
            os.mkdir(source)
            os.chown(source, 3, 4)
            config["mounts"].append({"destination": "/tmp", "type": "bind", "source": source,
                                     "options": ["bind", "idmap=uids=0-1000-10;gids=0-2000-10"]})
        self.config("stat", "-c", "%u %g", "/tmp", change=mapped)
        self.assertEqual(self.run_container().stdout, "1003 2004\n")

    def test_a_network_class_of_0_is_none(self):
        def zero(config):
            config["linux"]["resources"]["network"] = {"classID": 0}
        self.config("true", change=zero)
        self.run_container()

    def test_paths_masked_and_readonly(self):
        def paths(config):
            config["linux"]["maskedPaths"] = ["/etc/passwd", "/root", "/no/such"]
            config["linux"]["readonlyPaths"] = ["/tmp"]
            config["root"]["readonly"] = False
        self.config("sh", "-c", "cat /etc/passwd | wc -c; ls /root | wc -l; : > /tmp/x",
                    change=paths)
        done = self.run_container(check=False)
        self.assertEqual(done.stdout.split(), ["0", "0"], done.stderr)
        self.assertIn("Read-only file system", done.stderr)

    def test_the_root_as_a_readonly_path(self):
        def paths(config):
            config["linux"]["readonlyPaths"] = ["/"]
            config["root"]["readonly"] = False
        self.config("sh", "-c", "touch /dev/x && echo dev; touch /x", change=paths)
        done = self.run_container(check=False)
        self.assertEqual((done.returncode, done.stdout), (1, "dev\n"), done.stderr)
        self.assertIn("Read-only file system", done.stderr)

    def test_sysctls(self):
        def sysctls(config):
            config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "4096"}
        self.config("cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax",
                    change=sysctls)
        self.assertEqual(self.run_container().stdout.split(), ["1", "4096"])

    def test_the_same_path_is_the_same_cgroup(self):
        places = []
        for _ in range(2):
            pid = self.start_sleeper()
            with open("/proc/%d/cgroup" % pid, encoding="utf-8") as file:
                places.append(file.read())
            self.kill_and_delete()
        self.assertEqual(places[0], places[1])
        self.assertIn(runtime.CGROUP + self.id, places[0])

    def test_a_controller_that_is_not_there_is_an_error(self):
        def unified(config):
            config["linux"]["resources"]["unified"] = {"moon.max": "1"}
        self.config("true", change=unified)
        done = self.run_container(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("moon", done.stderr)

    def test_rdt_without_resctrl_is_an_error(self):
        """And so is a class that is not there, where a machine has resctrl."""
        def rdt(config):
            config["linux"]["intelRdt"] = {"closID": self.id}
        self.config("true", change=rdt)
        done = self.run_container(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("linux.intelRdt", done.stderr)
        self.assertEqual(self.oci("list", "--quiet").stdout, "")

    def test_an_apparmor_profile_is_given_to_the_kernel(self):
        """Which does not know it, and refuses it by its name.

        A kernel that has no AppArmor seems to have it in a mount namespace of the test's.
        """
        def profile(config):
            config["process"]["apparmorProfile"] = "some-profile"
        self.config("true", change=profile)
        script = 'exec "$@"'
        if not os.path.exists("/sys/module/apparmor"):
            self.assertIn("this kernel has no AppArmor", self.run_container(check=False).stderr)
            script = ("mount -t tmpfs none /sys/module && "
                      "mkdir -p /sys/module/apparmor/parameters && "
                      "echo Y > /sys/module/apparmor/parameters/enabled && ") + script
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh",
             self.runtime, "--root", self.root, "run", "--bundle", self.bundle, self.id],
            stderr=subprocess.PIPE, text=True, check=False, timeout=runtime.TIMEOUT)
        self.assertEqual(done.returncode, 1)
        self.assertIn("set the label of the program to exec some-profile", done.stderr)


if __name__ == "__main__":
    runtime.main()
