#!/usr/bin/env python3
"""tiny-oci is killed at any system call of create, start and delete: delete --force leaves nothing.

It is traced by ptrace(2), so that where it dies does not depend on how fast the machine is.
"""

import ctypes
import glob
import json
import os
import signal
import subprocess
import time

import runtime

PTRACE_TRACEME = 0
PTRACE_SYSCALL = 24
STEP = 5  # of the system calls' stops; each call has two
libc = ctypes.CDLL(None, use_errno=True)


def run_until_stop(command, number, output):
    """Runs the command and kills it at its `number`th stop; False if it ended before."""
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDONLY)
        out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(null, 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.closerange(3, 256)
        libc.ptrace(PTRACE_TRACEME, 0, None, None)
        os.execv(command[0], command)
    stops = 0
    signal_to_pass = 0
    os.waitpid(pid, 0)  # the stop of its execve
    while True:
        if stops == number:
            os.kill(pid, signal.SIGKILL)
        else:
            libc.ptrace(PTRACE_SYSCALL, pid, None, signal_to_pass)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            return True
        if os.WIFEXITED(status):
            return False
        signal_to_pass = 0
        if os.WSTOPSIG(status) == signal.SIGTRAP:
            stops += 1
        else:
            signal_to_pass = os.WSTOPSIG(status)


class CrashTest(runtime.RuntimeTest):

    def setUp(self):
        super().setUp()
        # The program's arguments are those of the init stub, too: so its processes are found.
        self.config("sh", "-c", "sleep 1000", self.id)

    def command(self, *args):
        return [self.runtime, "--root", self.root, *args]

    def processes(self):
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if self.id.encode() in words and b"tiny-oci" not in words[0]:
                found.append((path, words))
        return found

    def cgroups(self):
        return [path for tree in set(runtime.cgroup_trees().values())
                for parent in (runtime.CGROUP, "/tiny-oci/")
                if os.path.exists(path := tree + parent + self.id)]

    def use_default_cgroup(self):
        self.config("sh", "-c", "sleep 1000", self.id,
                    change=lambda config: config["linux"].pop("cgroupsPath"))

    def expect_nothing_after_delete(self, where):
        done = self.oci("delete", "--force", self.id, check=False)
        self.assertEqual(done.returncode, 0, (where, done.stderr))
        self.assertEqual(self.cgroups(), [], where)
        self.assertEqual([name for name in os.listdir(self.root) if not name.startswith("@")], [],
                         where)
        deadline = time.monotonic() + runtime.TIMEOUT
        while self.processes():
            self.assertLess(time.monotonic(), deadline, (where, self.processes()))
            time.sleep(0.01)

    def kill_at_each_step(self, prepare, *command):
        """How often the command was killed before its end."""
        killed = 0
        output = os.path.join(self.folder, "output")
        os.makedirs(self.root, exist_ok=True)
        while True:
            prepare()
            where = "%s, stop %d" % (command[0], killed * STEP)
            was_killed = run_until_stop(self.command(*command), killed * STEP, output)
            self.expect_nothing_after_delete(where)
            if not was_killed:
                return killed
            killed += 1

    def test_create(self):
        killed = self.kill_at_each_step(lambda: None, "create", "--bundle", self.bundle, self.id)
        self.assertGreater(killed, 20)

    def test_create_in_the_default_cgroup(self):
        self.use_default_cgroup()
        killed = self.kill_at_each_step(lambda: None, "create", "--bundle", self.bundle, self.id)
        self.assertGreater(killed, 20)

    def test_run_in_the_default_cgroup(self):
        self.use_default_cgroup()
        killed = self.kill_at_each_step(lambda: None, "run", "--detach", "--bundle", self.bundle,
                                        self.id)
        self.assertGreater(killed, 20)

    def test_anothers_cgroup_is_left_alone(self):
        """What the one that was killed had noted was not its own."""
        self.create()
        first, self.id = self.id, self.id + "x"
        self.addCleanup(self.oci, "delete", "--force", first)
        os.makedirs(os.path.join(self.root, self.id))
        os.symlink(runtime.CGROUP + first, os.path.join(self.root, self.id, "cgroup"))
        self.oci("delete", "--force", self.id)
        self.assertEqual(json.loads(self.oci("state", first).stdout)["status"], "created")

    def wait_for_file(self, path):
        deadline = time.monotonic() + runtime.TIMEOUT
        while not os.path.exists(path):
            self.assertLess(time.monotonic(), deadline, path)
            time.sleep(0.01)

    def touch(self, path):
        with open(path, "w", encoding="utf-8"):
            pass

    def begin_create(self):
        """create, in a hook that does not end before the file `go` is there."""
        reached = os.path.join(self.folder, "reached")
        go = os.path.join(self.folder, "go")
        script = "touch %s; while test ! -e %s; do sleep 0.05; done" % (reached, go)
        self.config("sleep", "1000", self.id, change=lambda c: c.update(hooks={
            "createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}))
        with open(os.path.join(self.folder, "output"), "a", encoding="utf-8") as file:
            process = subprocess.Popen(self.command("create", "--bundle", self.bundle, self.id),
                                       stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(self.touch, go)
        self.wait_for_file(reached)
        return process, go

    def test_one_that_is_being_made_is_left_alone(self):
        process, go = self.begin_create()
        for command in (["state", self.id], ["ps", self.id], ["kill", "--all", self.id, "0"],
                        ["exec", self.id, "true"], ["start", self.id], ["pause", self.id]):
            done = self.oci(*command, check=False)
            self.assertNotEqual(done.returncode, 0, command)
            self.assertIn("container does not exist: " + self.id, done.stderr)
        listed = self.oci("list", "--format", "json")
        self.assertEqual((json.loads(listed.stdout), listed.stderr), ([], ""))
        refused = self.oci("delete", self.id, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not stopped: creating", refused.stderr)
        self.touch(go)
        self.assertEqual(process.wait(timeout=runtime.TIMEOUT), 0, self.output())
        state = self.state()
        self.assertEqual((state["status"], state["bundle"]), ("created", self.bundle))

    def test_a_creator_that_is_asked_to_end_ends_with_its_work_done(self):
        trace = os.path.join(self.folder, "trace")

        def hooks(config):
            config["hooks"] = {
                "createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "echo made >>%s; "
                                                              "sleep 0.3" % trace]}],
                "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", "echo gone >>" + trace]}]}
        self.config("sleep", "1000", change=hooks)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            creator = subprocess.Popen([self.runtime, "--root", self.root, "create", "--bundle",
                                        self.bundle, self.id], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not os.path.exists(trace):
                time.sleep(0.01)
            creator.send_signal(number)
            self.assertEqual(creator.wait(runtime.TIMEOUT), 0)
            self.assertEqual(self.state()["status"], "created")
            self.oci("delete", self.id)
            with open(trace, encoding="utf-8") as file:
                self.assertEqual(file.read(), "made\ngone\n")
            os.remove(trace)

    def test_one_that_is_being_made_can_be_deleted_by_force(self):
        process, go = self.begin_create()
        self.expect_nothing_after_delete("create")
        self.touch(go)
        self.assertEqual(process.wait(timeout=runtime.TIMEOUT), 1, self.output())

    def test_what_a_dead_creator_left_is_deleted_without_force(self):
        process, _ = self.begin_create()
        process.kill()
        process.wait()
        self.assertNotEqual(self.cgroups(), [])
        again = self.oci("create", "--bundle", self.bundle, self.id, check=False)
        self.assertIn("already exists", again.stderr)
        listed = self.oci("list")
        self.assertIn(self.id + ": its creator died", listed.stderr)
        self.oci("delete", self.id)
        self.expect_nothing_after_delete("the creator's death")

    def test_what_is_anothers_beneath_the_cgroup_goes_on(self):
        beneath = self.id + "-beneath"
        cgroup = runtime.CGROUP + self.id

        def nested(config):
            config["linux"]["cgroupsPath"] = cgroup + "/kid"
        self.config("sleep", "1000")
        self.create()
        self.oci("start", self.id)
        first, self.id = self.id, beneath
        self.config("sleep", "1000", change=nested)
        self.create()
        self.oci("start", beneath)
        self.addCleanup(self.oci, "delete", "--force", beneath)
        for verb in (("kill", first, "KILL"), ("delete", first), ("delete", "--force", first)):
            self.oci(*verb)
            self.assertEqual(self.state()["status"], "running", verb)
            time.sleep(0.1)
        self.assertNotEqual(self.oci("state", first, check=False).returncode, 0)
        self.oci("delete", "--force", beneath)
        for tree in runtime.cgroup_trees().values():
            if os.path.isdir(tree + cgroup):
                os.rmdir(tree + cgroup)

    def test_a_damaged_one_is_ended_by_force(self):
        self.expect_force_to_end_a_damaged_one()
        self.use_default_cgroup()
        self.expect_force_to_end_a_damaged_one()

    def expect_force_to_end_a_damaged_one(self):
        self.oci("run", "--detach", "--bundle", self.bundle, self.id, stdout=subprocess.DEVNULL,
                 stderr=subprocess.DEVNULL)
        pid = self.state()["pid"]
        with open(os.path.join(self.root, self.id, "record"), "w", encoding="utf-8") as file:
            file.write("{")
        for verb in ("state", "delete"):
            done = self.oci(verb, self.id, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("damaged", done.stderr)
            self.assertIn("delete --force", done.stderr)
        self.expect_nothing_after_delete("damage")
        self.assertFalse(os.path.exists("/proc/%d/root/bin" % pid))

    def test_start(self):
        killed = self.kill_at_each_step(self.create, "start", self.id)
        self.assertGreater(killed, 5)

    def test_delete(self):
        def start():
            self.create()
            self.oci("start", self.id)
        killed = self.kill_at_each_step(start, "delete", "--force", self.id)
        self.assertGreater(killed, 5)


if __name__ == "__main__":
    runtime.main()
