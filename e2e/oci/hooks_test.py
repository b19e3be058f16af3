#!/usr/bin/env python3
"""The hooks of config.md: their order, their state, and what comes of their failures."""

import json
import os
import subprocess
import time

import runtime


class HooksTest(runtime.RuntimeTest):

    def test_hooks_run_in_their_order_with_the_state(self):
        log = os.path.join(self.folder, "hooks")
        kinds = ["prestart", "createRuntime", "poststart", "poststop"]

        def hooks(config):
            config["hooks"] = {
                kind: [{"path": "/bin/sh", "args": ["sh", "-c",
                        "(echo %s; cat; echo) >> %s" % (kind, log)]}] for kind in kinds}
        self.config("true", change=hooks)
        self.create()
        self.oci("start", self.id)
        self.wait_for("stopped")
        self.oci("delete", self.id)
        with open(log, encoding="utf-8") as file:
            lines = file.read().split("\n")[:-1]
        self.assertEqual(lines[0::2], kinds)
        for text in lines[1::2]:
            state = json.loads(text)
            self.assertEqual((state["id"], state["bundle"]), (self.id, self.bundle))
        self.assertEqual(json.loads(lines[7])["status"], "stopped")

    def test_a_states_version_is_the_runtimes(self):
        newest = json.loads(self.oci("features").stdout)["ociVersionMax"]
        told = os.path.join(self.folder, "told")

        def older(config):
            config["ociVersion"] = "1.0.2"
            config["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", "(cat; echo) >> " + told]}]
                               for kind in ("createRuntime", "poststart", "poststop")}
        self.start_sleeper(change=older)
        versions = [self.state()["ociVersion"]]
        versions += [c["ociVersion"] for c in json.loads(self.oci("list", "-f", "json").stdout)]
        self.kill_and_delete()
        with open(told, encoding="utf-8") as file:
            versions += [json.loads(line)["ociVersion"] for line in file]
        self.assertEqual(versions, [newest] * 5)

    def test_hooks_have_no_descriptors_of_the_callers(self):
        logs = os.path.join(self.folder, "logs")
        os.mkdir(logs)
        kinds = {"createRuntime": logs, "createContainer": logs, "startContainer": "/tmp",
                 "poststart": logs, "poststop": logs}

        def hooks(config):
            config["mounts"].append({"destination": "/tmp", "type": "bind", "source": logs,
                                     "options": ["rbind"]})
            config["hooks"] = {
                kind: [{"path": "/bin/busybox", "args": [
                    "busybox", "sh", "-c", "busybox ls /proc/self/fd > %s/%s" % (folder, kind)]}]
                for kind, folder in kinds.items()}
        self.config("true", change=hooks)
        opened = os.open("/", os.O_RDONLY)
        self.addCleanup(os.close, opened)
        os.dup2(opened, 9)
        self.addCleanup(os.close, 9)
        for verb in (("create", "--bundle", self.bundle), ("start",), ("delete",)):
            if verb[0] == "delete":
                self.wait_for("stopped")
            self.oci(*verb, self.id, pass_fds=[9], stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)
        for kind in kinds:
            with open(os.path.join(logs, kind), encoding="utf-8") as file:
                self.assertEqual(file.read().split(), ["0", "1", "2", "3"], kind)

    def test_a_failed_create_hook_undoes_the_container(self):
        for kind in ("prestart", "createRuntime", "createContainer"):
            stopped = os.path.join(self.folder, "stopped-" + kind)

            def hooks(config, kind=kind, stopped=stopped):
                config["hooks"] = {kind: [{"path": "/bin/false"}],
                                   "poststop": [{"path": "/bin/false"},
                                                {"path": "/bin/touch", "args": ["touch", stopped]}]}
            self.config("true", change=hooks)
            done = self.oci("create", "--bundle", self.bundle, self.id, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(kind + " hook /bin/false", done.stderr)
            self.assertEqual(self.oci("list", "--quiet").stdout, "")
            self.assertTrue(os.path.exists(stopped), kind)

    def test_a_failed_start_hook_stops_the_container(self):
        for kind in ("startContainer", "poststart"):
            def hooks(config, kind=kind):
                config["hooks"] = {kind: [{"path": "/bin/false"}]}
            self.config("sleep", "1000", change=hooks)
            self.create()
            done = self.oci("start", self.id, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(kind + " hook /bin/false", done.stderr)
            self.wait_for("stopped")
            self.oci("delete", self.id)
            done = self.run_container(check=False)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(self.oci("list", "--quiet").stdout, "")

    def test_container_hooks_run_in_the_containers_namespaces(self):
        logs = os.path.join(self.folder, "logs")
        os.mkdir(logs)

        def hooks(config):
            config["hostname"] = "hooked"
            config["mounts"].append({"destination": "/tmp", "type": "bind", "source": logs,
                                     "options": ["rbind"]})
            config["hooks"] = {
                "createContainer": [{"path": "/bin/sh", "args": [
                    "sh", "-c", "cat /proc/sys/kernel/hostname > %s/create" % logs]}],
                # Its path is one of the container.
                "startContainer": [{"path": "/bin/busybox", "args": [
                    "busybox", "sh", "-c", "cat /proc/sys/kernel/hostname > /tmp/start"]}]}
        self.config("true", change=hooks)
        self.create()
        self.assertEqual(os.listdir(logs), ["create"])
        self.oci("start", self.id)
        for name in ("create", "start"):
            with open(os.path.join(logs, name), encoding="utf-8") as file:
                self.assertEqual(file.read(), "hooked\n")

    def test_start_hooks_are_run_as_the_program_is(self):
        logs = os.path.join(self.folder, "logs")
        os.mkdir(logs)
        os.chmod(logs, 0o777)

        def hooks(config):
            config["mounts"].append({"destination": "/tmp", "type": "bind", "source": logs,
                                     "options": ["rbind"]})
            process = config["process"]
            process["user"] = {"uid": 1000, "gid": 1000, "umask": 0o27}
            process["cwd"] = "/tmp"
            process["noNewPrivileges"] = True
            process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 78}]
            config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]}
            # Its name is another than its path.
            config["hooks"] = {"startContainer": [{"path": "/bin/busybox", "args": [
                "sh", "-c", "busybox grep -E '^(Uid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status"
                " > hook; ulimit -n >> hook; busybox mkdir x || echo refused >> hook"],
                "env": ["PATH=/bin"]}]}
        script = ("grep -E '^(Uid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status > program;"
                  "ulimit -n >> program; mkdir x || echo refused >> program")
        for in_steps in (True, False):
            self.config("sh", "-c", script, change=hooks)
            if in_steps:
                self.create()
                self.oci("start", self.id)
                self.wait_for("stopped")
                self.oci("delete", self.id)
            else:
                self.run_container()
            told = {}
            for name in ("hook", "program"):
                path = os.path.join(logs, name)
                with open(path, encoding="utf-8") as file:
                    told[name] = file.read()
                status = os.stat(path)
                self.assertEqual((status.st_uid, status.st_mode & 0o777), (1000, 0o640))
                os.unlink(path)
            self.assertEqual(told["hook"], told["program"])
            self.assertIn("refused", told["hook"])
            self.assertIn("CapEff:\t0000000000000000\n", told["hook"])

    def test_hooks_in_a_user_namespace_are_in_it(self):
        told = os.path.join(self.folder, "told")
        ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        os.chmod(self.folder, 0o777)
        os.chmod(self.shared, 0o755)

        def hooks(config):
            config["linux"]["namespaces"].append({"type": "user"})
            config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = ids
            config["mounts"].append({"destination": "/tmp", "type": "bind", "source": self.folder,
                                     "options": ["rbind"]})
            words = "cat /proc/self/uid_map /proc/self/cgroup >> %s"
            config["hooks"] = {
                "createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", words % told],
                                     "env": ["PATH=/bin:/usr/bin"]}],
                "startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", words % "/tmp/told"],
                                    "env": ["PATH=/bin"]}]}
        self.config("true", change=hooks)
        self.run_container()
        with open(told, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(os.stat(told).st_uid, 100000)
        self.assertEqual([line.split() for line in lines if ":" not in line],
                         [["0", "100000", "65536"]] * 2)
        self.assertEqual([line for line in lines if line.startswith("0::")], ["0::/"] * 2)

    def test_create_hooks_find_the_containers_mounts_and_make_more(self):
        place = os.path.join(self.rootfs, "more")
        os.mkdir(place)
        self.addCleanup(os.rmdir, place)
        told = os.path.join(self.folder, "told")
        mount = "mount -t tmpfs none %s && echo found > %s/file" % (place, place)
        enter = "pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); nsenter -t $pid -m sh -c '%s'" % mount
        for kind, script in (("prestart", enter), ("createRuntime", enter),
                             ("createContainer", mount)):
            def hooks(config, kind=kind, script=script):
                if kind == "createContainer":
                    script += "; (pwd; ls %s/dev/null) > %s" % (self.rootfs, told)
                config["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", script],
                                           "env": ["PATH=/usr/bin:/bin"]}]}
            for flags in ((), ("--no-pivot",)):
                self.config("cat", "/more/file", change=hooks)
                self.assertEqual(self.run_container(*flags).stdout, "found\n", kind)
                self.assertEqual(os.listdir(place), [])
        with open(told, encoding="utf-8") as file:
            self.assertEqual(file.read().split(), [self.rootfs, self.rootfs + "/dev/null"])

    def test_hooks_in_the_container_are_told_the_pid_there(self):
        logs = os.path.join(self.folder, "logs")
        os.mkdir(logs)

        def hooks(config):
            config["mounts"].append({"destination": "/tmp", "type": "bind", "source": logs,
                                     "options": ["rbind"]})
            config["hooks"] = {
                "createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "cat > %s/0" % logs]}],
                "createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "cat > %s/1" % logs]}],
                "startContainer": [{"path": "/bin/busybox", "args": [
                    "busybox", "sh", "-c", "cat > /tmp/2"]}]}

        def told():
            pids = []
            for name in ("0", "1", "2"):
                with open(os.path.join(logs, name), encoding="utf-8") as file:
                    pids.append(json.load(file)["pid"])
            return pids
        host = self.start_sleeper(change=hooks)
        self.assertEqual(told(), [host, 1, 1])
        self.kill_and_delete()
        self.config("true", change=hooks)
        self.run_container()
        self.assertEqual(told()[1:], [1, 1])

        def shared(config):
            hooks(config)
            config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"]
                                             if n["type"] != "pid"]
        host = self.start_sleeper(change=shared)
        self.assertEqual(told(), [host, host, host])

    def test_hooks_of_the_runtime_run_in_the_bundle(self):
        log = os.path.join(self.folder, "folders")
        kinds = ["prestart", "createRuntime", "poststart", "poststop"]
        self.config("true", change=lambda config: config.update(hooks={
            kind: [{"path": "/bin/sh", "args": ["sh", "-c", "pwd >> " + log]}] for kind in kinds}))
        self.create()
        self.oci("start", self.id)
        self.wait_for("stopped")
        self.oci("delete", self.id)
        self.run_container()
        with open(log, encoding="utf-8") as file:
            self.assertEqual(file.read().split(), [self.bundle] * 2 * len(kinds))

    def test_a_hook_that_hangs_blocks_nobody_else(self):
        for kind in ("poststart", "startContainer"):
            folder = os.path.join(self.folder, kind)
            os.mkdir(folder)

            def hooks(config, kind=kind, folder=folder):
                config["mounts"].append({"destination": "/tmp", "type": "bind", "source": folder,
                                         "options": ["rbind"]})
                place = "/tmp" if kind == "startContainer" else folder
                script = "cd %s; : > reached; until test -e go; do sleep 0.05; done" % place
                config["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", script],
                                           "env": ["PATH=/bin:/usr/bin"]}]}
            self.config("sleep", "1000", change=hooks)
            self.create()
            process = subprocess.Popen([self.runtime, "--root", self.root, "start", self.id],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            deadline = time.monotonic() + runtime.TIMEOUT
            while not os.path.exists(os.path.join(folder, "reached")):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            try:
                if kind == "poststart":
                    self.oci("update", "--pids-limit", "50", self.id)
                self.oci("delete", "--force", self.id)
                self.assertEqual(self.oci("list", "--quiet").stdout, "")
            finally:
                with open(os.path.join(folder, "go"), "w", encoding="utf-8"):
                    pass
            self.assertEqual(process.wait(timeout=runtime.TIMEOUT), kind == "startContainer")


if __name__ == "__main__":
    runtime.main()
