#!/usr/bin/env python3
"""--systemd-cgroup against a real systemd: alone, and as podman calls it."""

import json
import os
import socket
import subprocess
import sys
import unittest

import engine
import podman_test
import systemd

sys.path.insert(0, os.path.dirname(engine.runtime.__file__))
import rootless_test  # pylint: disable=wrong-import-position
import runtime  # pylint: disable=wrong-import-position


def busctl(*args):
    """Asks systemd itself, by its own program."""
    return subprocess.check_output(
        [systemd.ROOT + "/usr/bin/busctl", "--json=short", "--timeout=5", *args], text=True,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ, LD_LIBRARY_PATH=":".join(systemd.LIBRARIES)))


def unit_property(unit, name, interface="Scope"):
    path = "/org/freedesktop/systemd1/unit/" + "".join(
        c if c.isalnum() else "_%02x" % ord(c) for c in unit)
    return json.loads(busctl("get-property", "org.freedesktop.systemd1", path,
                             "org.freedesktop.systemd1." + interface, name))["data"]


def units():
    return [unit[0] for unit in json.loads(busctl(
        "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager", "ListUnits"))["data"][0]]


class SystemdTest(runtime.RuntimeTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wait_for_bus()

    @classmethod
    def wait_for_bus(cls):
        probe = engine.EngineTest("engine")

        def answers():
            try:
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect("/run/dbus/system_bus_socket")
                return "default.target" in units()
            except (OSError, subprocess.CalledProcessError):
                return False
        probe.wait_until(answers, "systemd does not start")

    def setUp(self):
        super().setUp()
        self.unit = "tt-%s.scope" % self.id

    def config(self, *args, change=None):
        def scope(config):
            config["linux"]["cgroupsPath"] = "machine-tt.slice:tt:" + self.id
            if change:
                change(config)
        return super().config(*args, change=scope)

    def oci(self, *args, **options):
        return super().oci("--systemd-cgroup", *args, **options)

    def start(self, change=None):
        self.config("sleep", "1000", change=change)
        self.create("--systemd-cgroup")
        self.oci("start", self.id)
        return self.state()["pid"]

    def create(self, *flags, output=None):
        with open(os.path.join(self.folder, "output"), "a", encoding="utf-8") as file:
            done = subprocess.run([self.runtime, "--root", self.root, *flags, "create", "--bundle",
                                   self.bundle, self.id], stdin=subprocess.DEVNULL, stdout=file,
                                  stderr=file, timeout=runtime.TIMEOUT, check=False)
        self.assertEqual(done.returncode, 0, self.output())

    def test_a_scope_with_the_container_alone_in_it(self):
        pid = self.start()
        self.assertEqual(unit_property(self.unit, "ActiveState", "Unit"), "active")
        self.assertEqual(unit_property(self.unit, "Slice"), "machine-tt.slice")
        self.assertTrue(unit_property(self.unit, "Delegate"))
        path = unit_property(self.unit, "ControlGroup")
        self.assertEqual(path, "/machine.slice/machine-tt.slice/" + self.unit)
        with open("/proc/%d/cgroup" % pid, encoding="utf-8") as file:
            self.assertIn("0::%s\n" % path, file.read())
        self.assertEqual(json.loads(self.oci("ps", "--format", "json", self.id).stdout), [pid])
        # exec is in it, too, and the freezer works on it.
        self.assertIn(self.unit, self.oci("exec", self.id, "true").stdout + self.unit)
        self.oci("pause", self.id)
        self.assertEqual(self.state()["status"], "paused")
        self.oci("resume", self.id)
        self.oci("kill", self.id, "KILL")
        self.wait_for("stopped")
        self.oci("delete", self.id)
        self.assertNotIn(self.unit, units())
        self.assertFalse(os.path.exists("/sys/fs/cgroup" + path))

    def test_limits_and_annotations_become_properties(self):
        def limits(config):
            config["linux"]["resources"]["pids"] = {"limit": 55}
            config["annotations"] = {"org.systemd.property.TimeoutStopSec": "7",
                                     "org.systemd.property.CollectMode": "'inactive-or-failed'"}
        # Of the controllers that a limit needs this tree may have none: those that it has.
        with open("/sys/fs/cgroup/cgroup.controllers", encoding="utf-8") as file:
            controllers = file.read().split()
        if "pids" not in controllers:
            def limits(config):  # pylint: disable=function-redefined
                config["annotations"] = {"org.systemd.property.TasksMax": "uint64 55",
                                         "org.systemd.property.TimeoutStopSec": "7",
                                         "org.systemd.property.CollectMode":
                                             "'inactive-or-failed'"}
        self.start(change=limits)
        self.assertEqual(unit_property(self.unit, "TasksMax"), 55)
        self.assertEqual(unit_property(self.unit, "TimeoutStopUSec"), 7000000)
        self.assertEqual(unit_property(self.unit, "CollectMode", "Unit"), "inactive-or-failed")
        self.oci("delete", "--force", self.id)

    def test_run_deletes_its_scope(self):
        self.config("sh", "-c", "exit 5")
        done = self.oci("run", "--bundle", self.bundle, self.id, check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertNotIn(self.unit, units())

    def test_a_failed_create_leaves_no_scope(self):
        def missing(config):
            config["mounts"].append({"destination": "/x", "type": "bind", "source": "/no/such"})
        self.config("true", change=missing)
        done = self.oci("create", "--bundle", self.bundle, self.id, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such", done.stderr)
        self.assertNotIn(self.unit, units())

    def test_a_unit_of_another_is_left_alone(self):
        self.start()
        first, self.id = self.id, self.id + "x"
        self.addCleanup(self.oci, "delete", "--force", first, check=False)
        path = "machine-tt.slice:tt:" + first

        def same(config):
            config["linux"]["cgroupsPath"] = path
        self.config("true", change=same)
        done = self.oci("run", "--bundle", self.bundle, self.id, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("tt-%s.scope" % first, done.stderr)
        self.assertEqual(json.loads(self.oci("state", first).stdout)["status"], "running")

    def test_systemds_private_socket_will_do(self):
        """Where no message bus can be reached."""
        self.config("true")
        os.rename("/run/dbus/system_bus_socket", "/run/dbus/moved")
        try:
            self.oci("run", "--bundle", self.bundle, self.id)
        finally:
            os.rename("/run/dbus/moved", "/run/dbus/system_bus_socket")

    def test_errors_name_the_bus_and_the_path(self):
        self.config("true")
        done = self.oci("run", "--bundle", self.bundle, self.id, check=False,
                        env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/no/bus"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/bus", done.stderr)
        self.assertIn("hint:", done.stderr)

        def absolute(config):
            config["linux"]["cgroupsPath"] = "/a/b"
        self.config("true", change=absolute)
        done = self.oci("run", "--bundle", self.bundle, self.id, check=False)
        self.assertIn("linux.cgroupsPath", done.stderr)

        def annotation(config):
            config["linux"]["cgroupsPath"] = "machine-tt.slice:tt:" + self.id
            config["annotations"] = {"org.systemd.property.TimeoutStopUSec": "soon"}
        self.config("true", change=annotation)
        done = self.oci("run", "--bundle", self.bundle, self.id, check=False)
        self.assertIn("annotations.org.systemd.property.TimeoutStopUSec", done.stderr)


class UserSystemdTest(rootless_test.RootlessTest):
    """A user's own systemd, which has a cgroup delegated to it, makes the scope."""

    delegated = "/sys/fs/cgroup/user-tt"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_of_user = os.path.join(cls.shared, "run")
        units_of_user = os.path.join(cls.shared, "units")
        for folder in (cls.run_of_user, units_of_user, cls.delegated, cls.delegated + "/manager",
                       cls.delegated + "/client"):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            os.chown(folder, rootless_test.USER, rootless_test.USER)
            for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
                if folder.startswith(cls.delegated):
                    os.chown(os.path.join(folder, name), rootless_test.USER, rootless_test.USER)
        with open(units_of_user + "/default.target", "w", encoding="utf-8") as file:
            file.write("[Unit]\n")
        manager = subprocess.Popen(
            [systemd.SYSTEMD, "--user", "--log-target=console", "--log-level=warning"],
            stdin=subprocess.DEVNULL, preexec_fn=lambda: cls.enter("manager"),
            env={"XDG_RUNTIME_DIR": cls.run_of_user, "SYSTEMD_UNIT_PATH": units_of_user,
                 "LD_LIBRARY_PATH": ":".join(systemd.LIBRARIES), "HOME": cls.shared,
                 "SYSTEMD_GENERATOR_PATH": "/none", "PATH": os.environ["PATH"]})

        def end():
            manager.kill()
            manager.wait()
        cls.addClassCleanup(end)
        cls.own = cls.own | {str(manager.pid)}
        private = cls.run_of_user + "/systemd/private"
        engine.EngineTest("engine").wait_until(lambda: os.path.exists(private), private)

    @classmethod
    def enter(cls, cgroup="client"):
        with open(os.path.join(cls.delegated, cgroup, "cgroup.procs"), "w",
                  encoding="utf-8") as procs:
            procs.write("0")
        super().enter()

    def setUp(self):
        super().setUp()
        self.run_folder = self.run_of_user
        self.root = os.path.join(self.run_folder, "tiny-oci")
        self.flags = ["--systemd-cgroup"]

    def scope(self):
        return "%s/manager/user.slice/tt-%s.scope" % (self.delegated, self.id)

    def test_a_life_in_a_scope(self):
        def scope(config):
            config["linux"]["cgroupsPath"] = "user.slice:tt:" + self.id
        pid = self.start_sleeper(change=scope)
        with open("/proc/%d/cgroup" % pid, encoding="utf-8") as file:
            self.assertIn("0::%s\n" % self.scope().removeprefix("/sys/fs/cgroup"), file.read())
        done = self.oci("exec", self.id, "grep", "-c", "0::/$", "/proc/self/cgroup")
        self.assertEqual(done.stdout, "1\n")
        self.oci("pause", self.id)
        self.assertEqual(self.state()["status"], "paused")
        self.oci("resume", self.id)
        self.assertEqual(json.loads(self.oci("ps", "--format", "json", self.id).stdout), [pid])
        self.oci("kill", "--all", self.id, "KILL")
        self.wait_for("stopped")
        self.assertEqual(self.oci("delete", self.id).stderr, "")
        self.assertFalse(os.path.exists(self.scope()))
        self.assertEqual(os.listdir(self.root), [])

    def test_run_leaves_no_scope(self):
        def slice_(config):
            config["linux"]["cgroupsPath"] = ""  # the user's slice, too
        self.config("sh", "-c", "exit 5", change=slice_)
        done = self.run_container(check=False)
        self.assertEqual((done.returncode, done.stderr), (5, ""))
        left = os.path.join(self.delegated, "manager/user.slice")
        self.assertEqual([name for name in os.listdir(left) if name.endswith(".scope")]
                         if os.path.exists(left) else [], [])


class NamespaceRootSystemdTest(rootless_test.NamespaceRoot, UserSystemdTest):
    """The same by root of a user namespace of that user, as podman calls it."""


class PodmanTest(podman_test.PodmanTest):
    """podman --cgroup-manager=systemd, which makes the calls with --systemd-cgroup."""

    cgroup_manager = "systemd"
    pids_limit = 0
    test_limits_and_capabilities = None  # this tree has no controllers
    test_bridge_and_published_port = None

    @classmethod
    def setUpClass(cls):
        SystemdTest.wait_for_bus()
        super().setUpClass()
        cls.cgroup_parent = "machine.slice"

    def test_a_life(self):
        container = self.engine("run", "-d", "--name", "c1", "--network", "none", "--cgroup-parent",
                                self.cgroup_parent, "busybox", "sh", "-c",
                                "trap 'exit 0' TERM; while :; do sleep 0.1; done").strip()
        unit = "libpod-%s.scope" % container
        self.assertIn(unit, units())
        self.assertEqual(unit_property(unit, "Slice"), "machine.slice")
        self.engine("exec", "c1", "sh", "-c", "exit 5", code=5)
        self.engine("pause", "c1")
        self.engine("unpause", "c1")
        self.engine("stop", "-t", "10", "c1")
        self.assertIn("Exited (0)", self.engine("ps", "-a", "--format", "{{.Status}}"))
        self.engine("rm", "-f", "c1")
        self.assertNotIn(unit, units())


if __name__ == "__main__":
    systemd.main(unittest.main)
