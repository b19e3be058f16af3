#!/usr/bin/env python3
"""events and its statistics, and update."""

import json
import os
import signal
import subprocess
import threading

import runtime


class StatisticsTest(runtime.RuntimeTest):

    def test_events_and_update(self):
        self.start_sleeper()
        event = json.loads(self.oci("events", "--stats", self.id).stdout)
        self.assertEqual((event["type"], event["id"]), ("stats", self.id))
        self.assertGreater(event["data"]["pids"]["current"], 0)
        if "cpuset" in runtime.cgroup_trees():
            # Of its creator's cpuset, as it has none of its own.
            self.assertLessEqual(os.sched_getaffinity(0), set(event["data"]["cpuset"]["cpus"]))
        self.oci("update", "--pids-limit", "77", self.id)
        event = json.loads(self.oci("events", "--stats", self.id).stdout)
        self.assertEqual(event["data"]["pids"]["limit"], 77)
        resources = os.path.join(self.folder, "resources")
        with open(resources, "w", encoding="utf-8") as file:
            file.write('{"pids": {"limit": 55}}')
        with open(resources, encoding="utf-8") as file:
            self.oci("update", "--resources", "-", self.id, stdin=file)
        event = json.loads(self.oci("events", "--stats", self.id).stdout)
        self.assertEqual(event["data"]["pids"]["limit"], 55)

    def test_update_refuses_what_is_out_of_range(self):
        self.start_sleeper()
        for flag, value in (("--cpu-share", "-4"), ("--cpu-period", "-1"), ("--cpu-burst", "-1"),
                            ("--blkio-weight", "65636"), ("--blkio-weight", "-1")):
            done = self.oci("update", flag, value, self.id, check=False)
            self.assertEqual(done.returncode, 1, flag)
            self.assertIn("out of range", done.stderr)

    def test_a_limit_of_memory_is_taken_back_with_that_of_swap(self):
        def limit():
            event = json.loads(self.oci("events", "--stats", self.id).stdout)
            return event["data"]["memory"]["usage"]["limit"]
        self.start_sleeper()
        self.oci("update", "--memory", "64M", "--memory-swap", "64M", self.id)
        self.assertEqual(limit(), 64 << 20)
        self.oci("update", "--memory", "-1", self.id)
        self.assertGreater(limit(), 1 << 50)

    def test_a_limit_of_kernel_memory_is_ignored_with_a_warning(self):
        def resources(config):
            config["linux"]["resources"]["memory"] = {"kernel": 32 << 20, "limit": 128 << 20}
        self.config("sleep", "1000", change=resources)
        self.create()
        self.assertIn("memory.kernel: ignored", self.output())
        done = self.oci("update", "--resources", "/dev/stdin", self.id,
                        stdin=self.file_with('{"memory": {"kernelTCP": 33554432}}'))
        self.assertIn("memory.kernel: ignored", done.stderr)

    def file_with(self, text):
        path = os.path.join(self.folder, "text")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        file = open(path, encoding="utf-8")
        self.addCleanup(file.close)
        return file

    def test_statistics_are_the_kernels(self):
        def resources(config):
            config["linux"]["resources"]["memory"] = {"limit": 32 << 20}
            config["linux"]["resources"]["cpu"] = {"cpus": "0"}
        pid = self.start_sleeper(change=resources)
        data = json.loads(self.oci("events", "--stats", self.id).stdout)["data"]
        self.assertEqual(list(data), ["cpu", "cpuset", "memory", "pids", "blkio", "hugetlb",
                                      "intel_rdt", "network_interfaces"])
        self.assertEqual(data["cpuset"]["cpus"], [0])
        self.assertEqual(data["memory"]["usage"]["limit"], 32 << 20)
        with open("/proc/%d/cgroup" % pid, encoding="utf-8") as file:
            paths = {name: path for _, names, path in (l.strip().split(":", 2) for l in file)
                     for name in names.split(",")}
        trees = runtime.cgroup_trees()
        version = 1 if "memory" in trees else 2
        tree = "memory" if version == 1 else ""
        with open(trees[tree] + paths[tree] + "/memory.stat", encoding="utf-8") as file:
            self.assertEqual(list(data["memory"]["raw"]), [line.split()[0] for line in file])
        if version == 1:
            usage = data["cpu"]["usage"]
            self.assertEqual({len(usage[key]) for key in ("percpu", "percpu_kernel", "percpu_user")},
                             {os.cpu_count()})
            self.assertGreater(sum(usage["percpu"]), 0)

    def test_out_of_memory_is_told_at_once(self):
        def resources(config):
            config["linux"]["resources"]["memory"] = {"limit": 32 << 20, "swap": 32 << 20}
        self.start_sleeper(change=resources)
        with subprocess.Popen([self.runtime, "--root", self.root, "events", "--interval", "24h",
                               self.id], stdout=subprocess.PIPE, text=True) as events:
            killer = threading.Timer(runtime.TIMEOUT, events.kill)
            killer.start()
            self.assertEqual(json.loads(events.stdout.readline())["type"], "stats")
            # It keeps all that it reads, up to the end of a line that never comes.
            done = self.oci("exec", self.id, "tail", "/dev/zero", check=False)
            self.assertEqual(done.returncode, 128 + signal.SIGKILL)
            self.assertEqual(json.loads(events.stdout.readline()), {"type": "oom", "id": self.id})
            self.oci("kill", self.id, "KILL")
            self.assertEqual(events.stdout.read(), "")
            self.assertEqual(events.wait(), 0)
            killer.cancel()

    def test_counters_of_a_chosen_cgroup(self):
        pid = self.start_sleeper()
        with open("/proc/%d/cgroup" % pid, encoding="utf-8") as file:
            joined = [line.split(":")[1:] for line in file.read().splitlines()]
        paths = {name: path for names, path in joined for name in names.split(",")}
        for controller in ("memory", "pids"):
            self.assertTrue(paths.get(controller, paths.get("")).endswith(self.id), paths)
        self.kill_and_delete()

    def test_a_limit_of_memory_and_swap_can_be_updated_alone(self):
        def limits(config):
            config["linux"]["resources"]["memory"] = {"limit": 100 << 20, "swap": 200 << 20}
        self.start_sleeper(change=limits)
        self.oci("update", "--memory-swap", str(300 << 20), self.id)
        trees = runtime.cgroup_trees()
        memory = trees["memory"] if "memory" in trees else trees[""]
        for name, expected in (("memory.memsw.limit_in_bytes", 300 << 20),
                               ("memory.swap.max", 200 << 20)):
            path = memory + runtime.CGROUP + self.id + "/" + name
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    self.assertEqual(int(file.read()), expected)
        self.kill_and_delete()
        self.start_sleeper(change=lambda config: config["linux"]["resources"].pop("memory"))
        done = self.oci("update", "--memory-swap", str(300 << 20), self.id, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("needs one of memory", done.stderr)


if __name__ == "__main__":
    runtime.main()
