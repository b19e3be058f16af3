#!/usr/bin/env python3
"""exec: one more process in a container."""

import json
import os
import signal
import subprocess
import threading
import time

import runtime


class ExecTest(runtime.RuntimeTest):

    def exec(self, *args, check=True, **options):
        return self.oci("exec", *args, check=check, **options)

    def test_sees_what_the_container_sees(self):
        pid = self.start_sleeper()
        self.assertEqual(self.exec(self.id, "cat", "/proc/1/comm").stdout, "sleep\n")
        for kind in ("mnt", "pid", "net", "ipc", "uts", "cgroup"):
            self.assertEqual(self.exec(self.id, "readlink", "/proc/self/ns/" + kind).stdout.strip(),
                             os.readlink("/proc/%d/ns/%s" % (pid, kind)))

    def test_during_a_start_too_it_sees_what_the_container_sees(self):
        self.config("sleep", "1000")
        host = os.readlink("/proc/self/ns/net")
        look = "readlink /proc/self/ns/net; ls /; head -c 1 /proc/keys; touch /x"
        ended = threading.Event()
        seen = []

        def look_all_the_time():
            while not ended.is_set():
                done = self.exec(self.id, "sh", "-c", look, check=False)
                if "net:[" in done.stdout and done.returncode != 137:  # killed by the delete
                    seen.append((done.stdout.split(), done.stderr))
        lookers = [threading.Thread(target=look_all_the_time) for _ in range(3)]
        for looker in lookers:
            looker.start()
        for _ in range(100):
            self.oci("run", "--detach", "--bundle", self.bundle, self.id, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)
            self.oci("delete", "--force", self.id)
        ended.set()
        for looker in lookers:
            looker.join()
        self.assertTrue(seen)
        for words, error in seen:
            self.assertNotEqual(words[0], host)
            self.assertEqual(words[1:], sorted(os.listdir(self.rootfs)))
            self.assertIn("Read-only file system", error)

    def test_exit_code_and_streams(self):
        self.start_sleeper()
        done = self.exec(self.id, "sh", "-c", "echo o; echo e >&2; exit 7", check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "o\n", "e\n"))

    def test_flags(self):
        self.start_sleeper()
        done = self.exec("--cwd", "/tmp", "--env", "A=1", "-e", "B=2", "--user", "5:6",
                         "--additional-gids", "7", self.id, "sh", "-c",
                         "pwd; echo $A$B; id -u; id -g; id -G")
        self.assertEqual(done.stdout.split("\n")[:4], ["/tmp", "12", "5", "6"])
        self.assertIn("7", done.stdout.split("\n")[4].split())

    def test_capabilities(self):
        self.start_sleeper()

        def caps(*flags):
            text = self.exec(*flags, self.id, "grep", "Cap", "/proc/self/status").stdout
            return {line.split(":")[0]: int(line.split()[1], 16) for line in text.splitlines()}
        usual = caps()
        self.assertEqual(usual["CapInh"], 0)
        self.assertEqual(usual["CapAmb"], 0)
        added = caps("--cap", "CAP_CHOWN")
        self.assertEqual(added["CapEff"], usual["CapEff"] | 1)
        self.assertEqual(added["CapInh"], 0)

    def test_a_process_is_confined_as_the_container_where_it_does_not_say(self):
        def few(config):
            config["process"]["capabilities"] = {
                kind: ["CAP_KILL"] for kind in ("bounding", "permitted", "effective")}
            config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 77}]
        self.start_sleeper(few)
        process = os.path.join(self.folder, "process.json")
        for missing in ({}, {"capabilities": None}):
            with open(process, "w", encoding="utf-8") as file:
                json.dump({"args": ["sh", "-c", "grep Cap /proc/self/status; ulimit -n"],
                           "cwd": "/", "env": ["PATH=/bin"], **missing}, file)
            self.assertEqual(self.exec("--process", process, self.id).stdout.split()[1::2],
                             ["0" * 16, "0" * 14 + "20", "0" * 14 + "20", "0" * 14 + "20",
                              "0" * 16])
            self.assertEqual(self.exec("--process", process, self.id).stdout.split()[-1], "77")

    def test_process_file_and_pid_file(self):
        self.start_sleeper()
        process = os.path.join(self.folder, "process.json")
        with open(process, "w", encoding="utf-8") as file:
            json.dump({"args": ["sh", "-c", "echo $X > /tmp/out; sleep 1000"], "cwd": "/",
                       "env": ["PATH=/bin", "X=from process"], "user": {"uid": 0, "gid": 0}}, file)
        pid_file = os.path.join(self.folder, "exec.pid")
        subprocess.run([self.runtime, "--root", self.root, "exec", "--detach", "--pid-file",
                        pid_file, "--process", process, self.id], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=runtime.TIMEOUT)
        with open(pid_file, encoding="utf-8") as file:
            pid = int(file.read())
        environment = ""
        deadline = time.monotonic() + runtime.TIMEOUT
        # execve(2) closes descriptors, which is how exec knows of it, before it has placed this.
        while not environment and time.monotonic() < deadline:
            with open("/proc/%d/environ" % pid, encoding="utf-8") as file:
                environment = file.read()
        self.assertIn("X=from process", environment)
        self.assertIn(pid, json.loads(self.oci("ps", "--format", "json", self.id).stdout))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)  # its runtime has gone, and so it is a child of this process

    def make_cgroup(self, tree, name):
        path = os.path.join(tree + runtime.CGROUP + self.id, name)
        os.mkdir(path)
        self.addCleanup(lambda: os.path.isdir(path) and os.rmdir(path))

    def cgroups_of_exec(self, *flags):
        """The path of exec's process for each controller, from the container's on."""
        text = self.exec(*flags, self.id, "cat", "/proc/self/cgroup").stdout
        return {controller: path for _, controllers, path in
                (line.split(":", 2) for line in text.splitlines())
                for controller in controllers.split(",")}

    def test_cgroup_of_all_controllers(self):
        self.start_sleeper()
        trees = {path for path in runtime.cgroup_trees().values()
                 if os.path.isdir(path + runtime.CGROUP + self.id)}
        first, *others = sorted(trees, reverse=True)
        self.make_cgroup(first, "sub")
        if others:
            # In the others it would be in the cgroup of its caller, without the container's limits.
            done = self.exec("--cgroup", "sub", self.id, "true", check=False)
            self.assertEqual(done.returncode, 255)
            self.assertIn("the container has no cgroup sub in ", done.stderr)
        for tree in others:
            self.make_cgroup(tree, "sub")
        inside = {controller for controller, path in runtime.cgroup_trees().items() if path in trees}
        for flag, expected in (("sub", "/sub"), ("/", "/")):
            paths = self.cgroups_of_exec("--cgroup", flag)
            self.assertEqual({paths[c] for c in inside & set(paths)}, {expected})

    def test_cgroup_of_controllers(self):
        trees = runtime.cgroup_trees()
        self.start_sleeper()
        if not {"memory", "cpu"} <= set(trees):
            done = self.exec("--cgroup", "memory:/", self.id, "true", check=False)
            self.assertIn("version 2 has one tree", done.stderr)
            return
        self.make_cgroup(trees["memory"], "submem")
        for tree in {trees["cpu"], trees["cpuacct"]}:
            self.make_cgroup(tree, "subcpu")
        paths = self.cgroups_of_exec("--cgroup", "memory:submem", "--cgroup=cpu,cpuacct:/subcpu")
        self.assertEqual([paths[c] for c in ("memory", "cpu", "cpuacct", "pids")],
                         ["/submem", "/subcpu", "/subcpu", "/"])
        for flags, error in ((("memory:nope",), "has no cgroup nope in " + trees["memory"]),
                             (("whaaat:/",), 'unknown controller "whaaat"'),
                             (("cpu:subcpu", "cpu:/"), "several paths for cpu"),
                             (("cpu:../x",), "is not a sub cgroup path")):
            flags = [word for flag in flags for word in ("--cgroup", flag)]
            done = self.exec(*flags, self.id, "true", check=False)
            self.assertEqual(done.returncode, 255, done.stderr)
            self.assertRegex(done.stderr, "^tiny-oci: .*%s\n" % error)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_errors(self):
        self.start_sleeper()
        done = self.exec(self.id, "/no/such", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/no/such", done.stderr)
        for user in ("root", "-1", "4294967295", "1:x", "0x0"):
            done = self.exec("--user", user, self.id, "true", check=False)
            self.assertEqual(done.returncode, 255, user)
        self.assertIn("not a sub cgroup", self.exec("--cgroup", "../x", self.id, "true", check=False).stderr)
        self.oci("kill", self.id, "KILL")
        self.wait_for("stopped")
        self.assertIn("stopped", self.exec(self.id, "true", check=False).stderr)

    def test_no_new_privileges(self):
        def off(config):
            config["process"]["noNewPrivileges"] = False
        self.start_sleeper(change=off)
        probe = ("grep", "NoNewPrivs", "/proc/self/status")
        self.assertEqual(self.exec(self.id, *probe).stdout.split()[1], "0")
        self.assertEqual(self.exec("--no-new-privs", self.id, *probe).stdout.split()[1], "1")

    def test_no_new_privileges_can_be_taken_back(self):
        def on(config):
            config["process"]["noNewPrivileges"] = True
        self.start_sleeper(change=on)
        probe = ("grep", "NoNewPrivs", "/proc/self/status")
        self.assertEqual(self.exec(self.id, *probe).stdout.split()[1], "1")
        done = self.exec("--no-new-privs=false", self.id, *probe)
        self.assertEqual(done.stdout.split()[1], "0")

    def test_descriptors_that_are_not_there_can_not_be_preserved(self):
        self.start_sleeper()
        for count in ("1", "5", "3000000000", "9223372036854775807"):
            done = self.exec("--preserve-fds", count, self.id, "true", check=False)
            self.assertEqual(done.returncode, 255, count)
            self.assertIn("--preserve-fds: descriptor 3", done.stderr)

    def test_a_console_socket_is_for_a_terminal(self):
        self.start_sleeper()
        done = self.exec("--console-socket", "/no/such", self.id, "true", check=False)
        self.assertEqual(done.returncode, 255)
        self.assertIn("--console-socket needs a terminal", done.stderr)

    def test_leaks_nothing(self):
        self.start_sleeper()
        opened = [os.open("/", os.O_RDONLY) for _ in range(10)]
        done = subprocess.run([self.runtime, "--root", self.root, "exec", self.id, "ls",
                               "/proc/self/fd"], pass_fds=opened, stdout=subprocess.PIPE,
                              text=True, check=True, timeout=runtime.TIMEOUT)
        for fd in opened:
            os.close(fd)
        self.assertEqual(done.stdout.split(), ["0", "1", "2", "3"])

    def test_cwd_outside_the_root_is_refused(self):
        self.start_sleeper()
        opened = os.open("/", os.O_RDONLY)
        for fd in range(3, 40):
            done = subprocess.run([self.runtime, "--root", self.root, "exec", "--cwd",
                                   "/proc/self/fd/%d" % fd, self.id, "ls"], pass_fds=[opened],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=runtime.TIMEOUT, check=False)
            self.assertNotEqual(done.returncode, 0, fd)
            self.assertNotIn("bin", done.stdout)
        os.close(opened)

    def test_cpu_affinity(self):
        cpu = str(max(os.sched_getaffinity(0)))

        def affinity(config):
            config["process"]["execCPUAffinity"] = {"initial": cpu, "final": cpu}
        self.start_sleeper(change=affinity)
        done = self.exec(self.id, "grep", "Cpus_allowed_list", "/proc/self/status")
        self.assertEqual(done.stdout.split()[1], cpu)

    def test_many_at_once(self):
        self.start_sleeper()
        processes = [subprocess.Popen([self.runtime, "--root", self.root, "exec", self.id, "sh",
                                       "-c", "exit %d" % n]) for n in range(10)]
        for n, process in enumerate(processes):
            self.assertEqual(process.wait(timeout=runtime.TIMEOUT), n)


if __name__ == "__main__":
    runtime.main()
