#!/usr/bin/env python3
"""What the container's process is, has and sees: process of config.md, and what engines hand on."""

import array
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import runtime


def host_root(config):
    """The machine's own files as the root, for programs that busybox has not."""
    config["root"] = {"path": "/", "readonly": True}


def receive_descriptors(listener):
    """The text and the descriptors of the one message that a client sends."""
    connection, _ = listener.accept()
    fds = array.array("i")
    text, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_LEN(16 * fds.itemsize))
    for _, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
    while chunk := connection.recv(65536):
        text += chunk
    connection.close()
    return text, list(fds)


class ProcessTest(runtime.RuntimeTest):

    def listen(self, name):
        path = os.path.join(self.folder, name)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(1)
        return path, listener

    def test_personality(self):
        def linux32(config):
            config["linux"]["personality"] = {"domain": "LINUX32"}
        self.config("uname", "-m", change=linux32)
        self.assertIn(self.run_container().stdout.strip(), ("i686", "armv8l"))

    def test_time_offsets(self):
        def offsets(config):
            config["linux"]["namespaces"].append({"type": "time"})
            config["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000},
                                              "monotonic": {"secs": 500000, "nanosecs": 5}}
        self.config("cat", "/proc/uptime", "/proc/self/timens_offsets", change=offsets)
        text = self.run_container().stdout.split()
        with open("/proc/uptime", encoding="utf-8") as file:
            own = float(file.read().split()[0])
        self.assertAlmostEqual(float(text[0]) - own, 1000000, delta=100)
        self.assertEqual(text[text.index("monotonic") + 1:][:2], ["500000", "5"])

    def test_hostname_and_domainname(self):
        def names(config):
            config.update(hostname="box", domainname="example.org")
        self.config("cat", "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname",
                    change=names)
        self.assertEqual(self.run_container().stdout, "box\nexample.org\n")

    def test_working_folder_is_made(self):
        def cwd(config):
            config["process"]["cwd"] = "/tmp/made/deeper"
            config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
        self.config("pwd", change=cwd)
        self.assertEqual(self.run_container().stdout, "/tmp/made/deeper\n")

    def test_working_folder_is_made_in_a_readonly_root(self):
        outside = os.path.join(self.folder, "outside")
        os.mkdir(outside)
        os.symlink(outside, os.path.join(self.rootfs, "leads-out"))
        self.addCleanup(os.remove, os.path.join(self.rootfs, "leads-out"))
        self.addCleanup(shutil.rmtree, os.path.join(self.rootfs, "srv"))

        def cwd(config):
            config["process"]["cwd"] = "/srv/app"
        self.config("sh", "-c", "pwd; stat -c '%a %u %g' .; touch x", change=cwd)
        done = self.run_container(check=False)
        self.assertEqual(done.stdout, "/srv/app\n755 0 0\n", done.stderr)
        self.assertIn("Read-only file system", done.stderr)

        def link(config):
            config["process"]["cwd"] = "/leads-out/app"
        self.config("true", change=link)
        self.run_container(check=False)
        self.assertEqual(os.listdir(outside), [])
        shutil.rmtree(self.rootfs + self.shared, ignore_errors=True)

    def test_environment_is_the_configurations(self):
        def env(config):
            config["process"]["env"] = ["PATH=/bin", "A=1=2", "EMPTY="]
        self.config("env", change=env)
        lines = self.run_container().stdout.split("\n")
        self.assertEqual([line for line in lines if not line.startswith(("HOME=", "SHLVL="))],
                         ["PATH=/bin", "A=1=2", "EMPTY=", ""])

    def test_rlimits(self):
        def limits(config):
            config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                                            {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
        self.config("cat", "/proc/self/limits", change=limits)
        rows = {line[:25].strip(): line[25:].split() for line in
                self.run_container().stdout.splitlines()}
        self.assertEqual(rows["Max open files"][:2], ["100", "200"])
        self.assertEqual(rows["Max core file size"][:2], ["0", "0"])

    def test_user_groups_and_umask(self):
        def user(config):
            config["process"]["user"] = {"uid": 5, "gid": 6, "additionalGids": [7, 8],
                                         "umask": 0o77}
        self.config("sh", "-c", "id -u; id -g; id -G; umask", change=user)
        self.assertEqual(self.run_container().stdout, "5\n6\n6 7 8\n0077\n")

    def test_capability_sets(self):
        def capabilities(config):
            config["process"]["user"] = {"uid": 5, "gid": 5}
            config["process"]["capabilities"] = {
                "bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL", "CAP_CHOWN"],
                "effective": ["CAP_KILL"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}
        self.config("grep", "Cap", "/proc/self/status", change=capabilities)
        sets = {line.split(":")[0]: int(line.split()[1], 16) for line in
                self.run_container().stdout.splitlines()}
        # Of execve(2) by a user: only what is ambient stays permitted and effective.
        self.assertEqual(sets, {"CapInh": 0x20, "CapPrm": 0x20, "CapEff": 0x20, "CapBnd": 0x21,
                                "CapAmb": 0x20})

    def test_without_capabilities_all_sets_are_empty(self):
        for missing in ("null", None):
            def none(config):
                del config["process"]["capabilities"]
                if missing:
                    config["process"]["capabilities"] = None
            self.config("grep", "Cap", "/proc/self/status", change=none)
            self.assertEqual(self.run_container().stdout.split()[1::2], ["0" * 16] * 5)
            os.remove(self.bundle + "/config.json")

    def test_oom_score_is_kept_where_not_asked_for(self):
        with open("/proc/self/oom_score_adj", encoding="utf-8") as file:
            own = file.read()
        self.config("cat", "/proc/self/oom_score_adj")
        self.assertEqual(self.run_container().stdout, own)

    def test_console_size(self):
        path, listener = self.listen("console")

        def terminal(config):
            config["process"].update(terminal=True, consoleSize={"height": 33, "width": 77})
        self.config("sh", "-c", "stty size; tty; ls -l /dev/console", change=terminal)
        self.create("--console-socket", path)
        _, (console,) = receive_descriptors(listener)
        self.oci("start", self.id)
        text = b""
        try:
            while chunk := os.read(console, 4096):
                text += chunk
        except OSError:
            pass  # EIO: the container has ended
        os.close(console)
        self.assertIn(b"33 77", text)
        self.assertIn(b"/dev/pts/0", text)

    def test_pidfd_socket(self):
        for verb in ("create", "exec"):
            path, listener = self.listen(verb)
            if verb == "create":
                self.config("sleep", "1000")
                self.create("--pidfd-socket", path)
                pid = self.state()["pid"]
                self.oci("start", self.id)
            else:
                pid_file = os.path.join(self.folder, "pid")
                with open(os.devnull, "w", encoding="utf-8") as null:
                    subprocess.run([self.runtime, "--root", self.root, "exec", "--detach",
                                    "--pidfd-socket", path, "--pid-file", pid_file, self.id,
                                    "sleep", "1000"], check=True, stdin=null, stdout=null,
                                   stderr=null, timeout=runtime.TIMEOUT)
                with open(pid_file, encoding="utf-8") as file:
                    pid = int(file.read())
            _, (pidfd,) = receive_descriptors(listener)
            with open("/proc/self/fdinfo/%d" % pidfd, encoding="utf-8") as file:
                self.assertIn("Pid:\t%d\n" % pid, file.read())
            os.close(pidfd)
        self.assertIn("/no/such", self.oci("exec", "--pidfd-socket", "/no/such", self.id, "true",
                                           check=False).stderr)
        # Its runtime has gone, and so it is a child of this process, which the container's first
        # one waits for as it dies.
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def test_streams_that_are_closed(self):
        look = ("for fd in 0 1 2; do file=$(readlink /proc/$$/fd/$fd); "
                "echo $file >>/tmp/seen; done")
        folder = os.path.join(self.folder, "seen")
        os.mkdir(folder)

        def mounted(config):
            config["mounts"].append({"destination": "/tmp", "type": "bind", "source": folder,
                                     "options": ["bind"]})
        self.config("sh", "-c", look, change=mounted)
        for closed, seen in (("<&- >&- 2>&-", ["null"] * 3), ("<&- 2>&-", ["null", "", "null"]),
                             (">&-", ["", "null", ""])):
            command = 'exec "$@" ' + closed
            subprocess.run(["sh", "-c", command, "sh", self.runtime, "--root", self.root, "run",
                            "--bundle", self.bundle, self.id], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
                           timeout=runtime.TIMEOUT)
            with open(folder + "/seen", encoding="utf-8") as file:
                found = file.read().split("\n")
            os.remove(folder + "/seen")
            for name, path in zip(seen, found):
                self.assertEqual("/dev/null" if name else "pipe", path.split(":")[0])

    def test_listen_fds(self):
        self.config("sh", "-c", "echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES $$; cat <&3")
        read, write = os.pipe()
        os.write(write, b"from a socket unit")
        os.close(write)
        text = subprocess.check_output(
            ["sh", "-c", 'exec 3<&%d; exec "$@"' % read, "sh", self.runtime, "--root", self.root,
             "run", "--bundle", self.bundle, self.id], pass_fds=[read], text=True,
            env=dict(os.environ, LISTEN_FDS="1", LISTEN_FDNAMES="web"), timeout=runtime.TIMEOUT)
        os.close(read)
        self.assertEqual(text, "1 1 web 1\nfrom a socket unit")

    def test_exec_takes_a_whole_process(self):
        self.start_sleeper()
        process = os.path.join(self.folder, "process.json")
        with open(process, "w", encoding="utf-8") as file:
            json.dump({"args": ["sh", "-c", "pwd; id -u; id -G; umask; ulimit -n; "
                                "grep -E 'CapEff|NoNewPrivs' /proc/self/status; "
                                "cat /proc/self/oom_score_adj"],
                       "cwd": "/tmp", "env": ["PATH=/bin"], "noNewPrivileges": True,
                       "oomScoreAdj": 321, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 64,
                                                        "hard": 64}],
                       "user": {"uid": 9, "gid": 10, "additionalGids": [11], "umask": 23},
                       "capabilities": {}}, file)
        self.assertEqual(
            self.oci("exec", "--process", process, self.id).stdout.split(),
            ["/tmp", "9", "10", "11", "0027", "64", "CapEff:", "0000000000000000", "NoNewPrivs:",
             "1", "321"])

    def test_exec_preserves_descriptors(self):
        self.start_sleeper()
        read, write = os.pipe()
        os.write(write, b"passed on")
        os.close(write)
        text = subprocess.check_output(
            ["sh", "-c", 'exec 3<&%d; exec "$@"' % read, "sh", self.runtime, "--root", self.root,
             "exec", "--preserve-fds", "1", self.id, "sh", "-c", "cat <&3"], pass_fds=[read],
            text=True, timeout=runtime.TIMEOUT)
        os.close(read)
        self.assertEqual(text, "passed on")

    def test_exec_cgroup(self):
        self.start_sleeper()
        done = self.oci("exec", "--cgroup", "/no/such", self.id, "true", check=False)
        self.assertEqual(done.returncode, 255)
        self.assertIn("no cgroup no/such", done.stderr)


if __name__ == "__main__":
    runtime.main()
