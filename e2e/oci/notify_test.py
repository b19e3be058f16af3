#!/usr/bin/env python3
"""$NOTIFY_SOCKET: what a service may tell the manager that has started the runtime."""

import array
import os
import socket
import subprocess
import sys
import threading

import runtime
from process_test import host_root

# Sends its arguments, each as a message; "wait" instead lasts until the file is there.
SERVICE = """
import os, socket, sys, time
own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
own.connect(os.environ['NOTIFY_SOCKET'])
for argument in sys.argv[1:]:
    if argument == 'wait':
        while not os.path.exists('/tmp/go'):
            time.sleep(0.01)
    elif argument == 'stay':
        time.sleep(1000)
    else:
        own.send(argument.encode())
"""


class Manager:
    """A service manager's socket, and what it is told. A barrier is open until it is let pass."""

    def __init__(self, address):
        self.address = address.replace("\0", "@")
        self.messages = []
        self.passes = threading.Event()
        self.passes.set()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        while True:
            fds = array.array("i")
            text, ancillary, _, _ = self._socket.recvmsg(4096, socket.CMSG_LEN(fds.itemsize))
            for _, _, data in ancillary:
                fds.frombytes(data)
            self.messages.append(text.decode())
            if text == b"end":
                return
            for fd in fds:
                self.passes.wait()
                os.close(fd)

    def close(self):
        """All that it was told."""
        self.passes.set()
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.sendto(b"end", self._socket.getsockname())
        sender.close()
        self._thread.join()
        self._socket.close()
        return self.messages[:-1]


class NotifyTest(runtime.RuntimeTest):

    def setUp(self):
        super().setUp()
        self.manager = Manager(os.path.join(self.folder, "manager"))
        self.told = None
        self.addCleanup(self.everything)
        self.environment = dict(os.environ, NOTIFY_SOCKET=self.manager.address)
        self.go = os.path.join(self.folder, "tmp")
        os.mkdir(self.go)

    def everything(self):
        """What the manager was told, to the end."""
        if self.told is None:
            self.told = self.manager.close()
        return self.told

    def service(self, *messages, change=None):
        def root(config):
            host_root(config)
            config["mounts"] += [
                {"destination": "/run", "type": "tmpfs", "source": "tmpfs"},
                {"destination": "/tmp", "type": "bind", "source": self.go, "options": ["bind"]}]
            if change:
                change(config)
        self.config(sys.executable, "-c", SERVICE, *messages, change=root)

    def let_go(self):
        with open(os.path.join(self.go, "go"), "w", encoding="utf-8"):
            pass

    def start(self, *args):
        """A command that waits for the service, in the background."""
        output = open(os.path.join(self.folder, "output"), "ab")
        self.addCleanup(output.close)
        return subprocess.Popen([self.runtime, "--root", self.root, *args], stdout=output,
                                stderr=output, stdin=subprocess.DEVNULL, env=self.environment)

    def test_only_that_it_is_ready_is_passed_on(self):
        self.service("STATUS=not yet", "MAINPID=1", "XREADY=1", "READY=1\nSTATUS=up\nMAINPID=1",
                     "WATCHDOG=trigger", "READY=1", "FDSTORE=1")
        self.oci("run", "--bundle", self.bundle, self.id, env=self.environment)
        self.assertEqual(self.everything(), ["READY=1\n"])
        self.assertEqual(os.listdir(self.root), [])

    def test_a_start_lasts_until_it_is_ready(self):
        self.service("wait", "READY=1", "stay")
        self.manager.passes.clear()
        for command in (["start", self.id], ["run", "--detach", "--bundle", self.bundle, self.id]):
            if command[0] == "start":
                output = os.path.join(self.folder, "output")
                with open(output, "ab") as file:
                    subprocess.run([self.runtime, "--root", self.root, "create", "--bundle",
                                    self.bundle, self.id], stdin=subprocess.DEVNULL, stdout=file,
                                   stderr=file, env=self.environment, check=True)
            waiting = self.start(*command)
            while self.oci("state", self.id, check=False).returncode != 0:
                pass
            self.wait_for("running")
            pid = self.state()["pid"]
            self.assertIsNone(waiting.poll())
            self.let_go()
            while "BARRIER=1" not in self.manager.messages:
                self.assertIsNone(waiting.poll(), self.output())
            self.assertIsNone(waiting.poll())  # the manager has not looked at it yet
            self.manager.passes.set()
            self.assertEqual(waiting.wait(runtime.TIMEOUT), 0, self.output())
            self.assertEqual(self.manager.messages, ["READY=1\nMAINPID=%d\n" % pid, "BARRIER=1"])
            self.assertEqual(self.state()["status"], "running")
            self.kill_and_delete()
            self.manager.messages.clear()
            self.manager.passes.clear()
            os.remove(os.path.join(self.go, "go"))

    def test_a_start_ends_with_a_service_that_is_never_ready(self):
        self.service("STATUS=failing")
        for command in (["create", "--bundle", self.bundle, self.id], ["start", self.id]):
            self.assertEqual(self.start(*command).wait(runtime.TIMEOUT), 0, self.output())
        self.oci("delete", "--force", self.id)
        self.start("run", "--detach", "--bundle", self.bundle, self.id).wait(runtime.TIMEOUT)
        self.assertEqual(self.everything(), [])

    def test_a_start_without_a_manager_waits_for_nobody(self):
        self.service("wait", "READY=1")
        self.assertEqual(self.start("create", "--bundle", self.bundle, self.id).wait(), 0)
        self.oci("start", self.id)
        self.assertEqual(self.everything(), [])

    def test_a_manager_in_the_abstract_namespace(self):
        self.everything()
        self.told = None
        self.manager = Manager("\0" + self.id)
        self.environment["NOTIFY_SOCKET"] = self.manager.address
        self.service("READY=1")
        self.oci("run", "--bundle", self.bundle, self.id, env=self.environment)
        self.assertEqual(self.everything(), ["READY=1\n"])

    def test_other_users_and_their_namespaces(self):
        def mapped(config):
            config["linux"]["namespaces"].append({"type": "user"})
            for ids in ("uidMappings", "gidMappings"):
                config["linux"][ids] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
            unprivileged(config)

        def unprivileged(config):
            config["process"]["user"] = {"uid": 1234, "gid": 1234}
        for change in (unprivileged, mapped):
            self.service("READY=1", change=change)
            os.chmod(self.folder, 0o755)
            self.oci("run", "--bundle", self.bundle, self.id, env=self.environment)
        self.assertEqual(self.everything(), ["READY=1\n", "READY=1\n"])

    def test_a_manager_that_is_gone_ends_no_service(self):
        self.service("wait", "READY=1", "stay")
        waiting = self.start("run", "--detach", "--bundle", self.bundle, self.id)
        while self.oci("state", self.id, check=False).returncode != 0:
            pass
        self.assertEqual(self.everything(), [])
        os.remove(self.manager.address)
        self.let_go()
        self.assertEqual(waiting.wait(runtime.TIMEOUT), 0, self.output())
        self.assertIn("NOTIFY_SOCKET", self.output())
        self.assertEqual(self.state()["status"], "running")

    def test_the_socket_is_all_that_it_gets(self):
        self.config("sh", "-c", "echo $NOTIFY_SOCKET; ls -A /run/notify; touch /run/notify/x")
        done = self.oci("run", "--bundle", self.bundle, self.id, env=self.environment, check=False)
        self.assertEqual(done.stdout, "/run/notify/notify.sock\nnotify.sock\n")
        self.assertIn("Read-only file system", done.stderr)

    def test_nobody_to_notify_is_no_error(self):
        self.config("sh", "-c", "echo ${NOTIFY_SOCKET-none}")
        done = self.oci("run", "--bundle", self.bundle, self.id,
                        env=dict(os.environ, NOTIFY_SOCKET=self.folder + "/gone"))
        self.assertEqual(done.stdout, "none\n")


if __name__ == "__main__":
    runtime.main()
