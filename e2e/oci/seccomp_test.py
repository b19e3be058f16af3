#!/usr/bin/env python3
"""linux.seccomp of config.json: its agent, its rules, and what a filter makes of a start."""

import errno
import fcntl
import json
import os
import socket
import struct
import subprocess
import threading

import runtime
from process_test import receive_descriptors

SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100
SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101
SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1
MKDIR = 83  # as x86-64 numbers it


def answer_with(listener, error):
    """Answers one call that the filter asks about with an errno; returns whose it was."""
    notification = bytearray(80)
    fcntl.ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notification)
    identity, pid = struct.unpack_from("=QI", notification)
    fcntl.ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, struct.pack("=QqiI", identity, 0, -error, 0))
    return pid


class SeccompAgentTest(runtime.RuntimeTest):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "agent")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(self.listener.close)
        self.listener.bind(self.path)
        self.listener.listen(4)

    def ask_of_mkdir(self, config):
        config["linux"]["seccomp"] = {
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "listenerPath": self.path, "listenerMetadata": "whose",
            "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}

    def expect_agent_is_told(self, pid):
        text, (listener,) = receive_descriptors(self.listener)
        told = json.loads(text)
        self.assertEqual((told["fds"], told["metadata"], told["pid"]),
                         (["seccompFd"], "whose", pid))
        self.assertEqual({told["ociVersion"], told["state"]["ociVersion"]},
                         {json.loads(self.oci("features").stdout)["ociVersionMax"]})
        self.assertEqual((told["state"]["id"], told["state"]["bundle"]), (self.id, self.bundle))
        answer_with(listener, errno.EDOM)
        os.close(listener)

    PROGRAM = ("sh", "-c", "mkdir /tmp/x; echo done; sleep 1000")

    def test_create_and_start(self):
        self.config(*self.PROGRAM, change=self.ask_of_mkdir)
        self.create()
        self.oci("start", self.id)
        self.expect_agent_is_told(self.state()["pid"])
        while "done" not in self.output():
            pass
        self.assertIn("argument out of domain", self.output().lower())

    def test_exec(self):
        self.config("sleep", "1000", change=self.ask_of_mkdir)
        self.create()
        self.oci("start", self.id)
        receive_descriptors(self.listener)  # the container's own
        pid_file = os.path.join(self.folder, "pid")
        process = subprocess.Popen([self.runtime, "--root", self.root, "exec", "--pid-file",
                                    pid_file, self.id, "mkdir", "/tmp/x"],
                                   stderr=subprocess.PIPE, text=True)
        text, (listener,) = receive_descriptors(self.listener)
        with open(pid_file, encoding="utf-8") as file:
            self.assertEqual(json.loads(text)["pid"], int(file.read()))
        answer_with(listener, errno.EDOM)
        os.close(listener)
        _, stderr = process.communicate(timeout=runtime.TIMEOUT)
        self.assertIn("argument out of domain", stderr.lower())

    def test_an_agent_that_is_not_there_is_an_error(self):
        self.listener.close()
        self.config(*self.PROGRAM, change=self.ask_of_mkdir)
        self.create()
        done = self.oci("start", self.id, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("linux.seccomp.listenerPath", done.stderr)
        self.wait_for("stopped")
        self.oci("delete", self.id)
        done = self.run_container(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("linux.seccomp.listenerPath", done.stderr)
        for tree in runtime.cgroup_trees().values():
            self.assertFalse(os.path.exists(tree + runtime.CGROUP + self.id))

    def test_without_such_an_action_nobody_is_asked(self):
        self.listener.close()

        def allow(config):
            self.ask_of_mkdir(config)
            config["linux"]["seccomp"]["syscalls"][0]["action"] = "SCMP_ACT_ALLOW"
        self.config("true", change=allow)
        self.run_container()

    def test_nobody_to_ask_is_an_error(self):
        def nobody(config):
            self.ask_of_mkdir(config)
            del config["linux"]["seccomp"]["listenerPath"]
            del config["linux"]["seccomp"]["listenerMetadata"]
        self.config("true", change=nobody)
        done = self.run_container(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("linux.seccomp.listenerPath", done.stderr)

    def test_the_first_unconditional_rule_wins(self):
        def twice(config):
            config["linux"]["seccomp"] = {
                "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO",
                              "errnoRet": number} for number in (errno.EDOM, errno.ENOSYS)]}
            config["linux"]["seccomp"]["syscalls"].append(
                {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_LOG"})
        self.config("mkdir", "/dev/x", change=twice)
        self.assertIn("argument out of domain", self.run_container(check=False).stderr.lower())

    def test_an_agent_may_be_asked_about_what_the_start_does_itself(self):
        """As those that stand between a container and its network are: sendmsg and close."""
        def answer(listener):
            while True:
                notification = bytearray(80)
                try:
                    fcntl.ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notification)
                except OSError:
                    return  # nobody has the filter any more
                identity, _, _, number = struct.unpack_from("=QIIi", notification)
                error, flags = (-errno.EDOM, 0) if number == MKDIR else (
                    0, SECCOMP_USER_NOTIF_FLAG_CONTINUE)
                fcntl.ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND,
                            struct.pack("=QqiI", identity, 0, error, flags))

        def serve():
            _, (listener,) = receive_descriptors(self.listener)
            answer(listener)
            os.close(listener)

        def change(config):
            self.ask_of_mkdir(config)
            config["linux"]["seccomp"]["syscalls"][0]["names"] += [
                "sendmsg", "sendto", "read", "close", "capset", "execve"]
            config["process"]["noNewPrivileges"] = False
        for in_steps in (False, True):
            agent = threading.Thread(target=serve)
            agent.start()
            self.config("sh", "-c", "mkdir /tmp/x || echo refused", change=change)
            if in_steps:
                self.create()
                self.oci("start", self.id)
                self.wait_for("stopped")
                self.oci("delete", self.id)
                self.assertIn("refused", self.output())
            else:
                self.assertEqual(self.run_container().stdout, "refused\n")
            agent.join()

    def test_what_nobody_could_answer_is_an_error(self):
        for wrong, path in (({"defaultAction": "SCMP_ACT_NOTIFY"}, "linux.seccomp.defaultAction"),
                            ({"syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_NOTIFY"}]},
                             "linux.seccomp.syscalls[0].action"),
                            ({"architectures": ["SCMP_ARCH_MOON"]}, "linux.seccomp.architectures"),
                            ({"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO",
                                            "errnoRet": 4096}]}, "linux.seccomp.syscalls[0]")):
            def change(config, wrong=wrong):
                self.ask_of_mkdir(config)
                config["linux"]["seccomp"].update(wrong)
            self.config("true", change=change)
            done = self.run_container(check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(path, done.stderr)

    def test_a_start_that_the_filter_denies_says_so(self):
        for denied in (["execve"], ["execve", "sendto", "sendmsg"]):
            def change(config, denied=denied):
                config["linux"]["seccomp"] = {
                    "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                    "syscalls": [{"names": denied, "action": "SCMP_ACT_ERRNO"}]}
            self.config("true", change=change)
            done = self.run_container(check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("operation not permitted", done.stderr.lower())


if __name__ == "__main__":
    runtime.main()
