#!/usr/bin/env python3
"""The comparison's own checks: its proofs must bite, its tables say what was measured."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import chart
import measure
import place
import proof
import report
import wanted

HOST = {name: name + ":[1]" for name in proof.NAMESPACES} | {"cgroup": "0::/"}


def facts(**changes):
    """What SCRIPT prints in a container that is as it should be, but for `changes`."""
    values = {"marker": "m", **{name: name + ":[2]" for name in proof.NAMESPACES}, "seccomp": "2",
              "cgroup": "0::/box"} | changes
    return "".join("%s=%s\n" % pair for pair in values.items())


class ProofTest(unittest.TestCase):

    def check(self, text, **claims):
        proof.check_facts("x", text, "m", HOST, **claims)

    def test_a_container_is_proven(self):
        self.check(facts(), seccomp=True, cgroup=True)

    def test_what_shares_a_namespace_is_not(self):
        for name in proof.NAMESPACES:
            with self.assertRaisesRegex(proof.NotProven, name + " namespace"):
                self.check(facts(**{name: HOST[name]}))

    def test_silence_proves_nothing(self):
        with self.assertRaises(proof.NotProven):
            self.check("")
        with self.assertRaisesRegex(proof.NotProven, "no uts namespace"):
            self.check(facts(uts=""))

    def test_another_root_file_system_is_not(self):
        with self.assertRaisesRegex(proof.NotProven, "root file system"):
            self.check(facts(marker="other"))

    def test_seccomp_is_as_claimed(self):
        with self.assertRaisesRegex(proof.NotProven, "seccomp"):
            self.check(facts(seccomp="0"), seccomp=True)
        with self.assertRaisesRegex(proof.NotProven, "seccomp"):
            self.check(facts(), seccomp=False)

    def test_our_own_cgroup_is_none(self):
        for cgroup in (HOST["cgroup"], ""):
            with self.assertRaisesRegex(proof.NotProven, "cgroup"):
                self.check(facts(cgroup=cgroup), cgroup=True)

    def test_the_script_of_this_very_process_is_refused(self):
        """It runs here, outside any container: everything is the host's."""
        with tempfile.TemporaryDirectory() as folder:
            script = folder + "/script"
            with open(script, "w", encoding="utf-8") as file:
                file.write(proof.SCRIPT.replace("cat /etc/marker", "echo m"))
            os.chmod(script, 0o755)
            text = subprocess.check_output([script], text=True)
        self.assertEqual(proof.parse_facts(text)["marker"], "m")
        with self.assertRaisesRegex(proof.NotProven, "shares the host's pid namespace"):
            proof.check_facts("x", text, "m", proof.host_facts())


class IdentityTest(unittest.TestCase):

    def test_versions(self):
        self.assertEqual(proof.version_in("crun", "crun version 1.8.1\ncommit: x\n"), "1.8.1")
        self.assertEqual(proof.version_in("docker", "Docker version 20.10.24, build 1"), "20.10.24")

    def test_an_impostor_is_refused(self):
        with self.assertRaisesRegex(proof.NotProven, "not crun"):
            proof.version_in("crun", "runc version 1.1.5\n")
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/crun"
            with open(path, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\necho tiny-oci version 0.1.0\n")
            os.chmod(path, 0o755)
            with self.assertRaisesRegex(proof.NotProven, "not crun"):
                proof.identify("crun", path)

    def test_one_program_by_two_names_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = {name: os.path.join(folder, name) for name in ("a", "b")}
            for path in paths.values():
                with open(path, "w", encoding="utf-8") as file:
                    file.write("the same")
            with self.assertRaisesRegex(proof.NotProven, "a and b"):
                proof.check_distinct(paths)


class ProfileTest(unittest.TestCase):

    def test_conditions_are_decided(self):
        rules = [{"names": ["read"], "action": "A", "args": []},
                 {"names": ["mount"], "action": "A", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
                 {"names": ["clone"], "action": "A", "excludes": {"caps": ["CAP_KILL"]}},
                 {"names": ["s390"], "action": "A", "includes": {"arches": ["s390x"]}},
                 {"names": ["kill"], "action": "A", "includes": {"caps": ["CAP_KILL"]}}]
        profile = place.oci_profile({"defaultAction": "E", "defaultErrnoRet": 38,
                                     "syscalls": rules}, {"CAP_KILL"})
        self.assertEqual([rule["names"][0] for rule in profile["syscalls"]], ["read", "kill"])
        self.assertEqual(profile["defaultErrnoRet"], 38)


class InterleaveTest(unittest.TestCase):

    def setUp(self):
        if "TEST_SRCDIR" in os.environ:
            place.BINARIES = os.getcwd()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = folder.name + "/file"

    def say(self, text, **options):
        return measure.step(["/bin/sh", "-c", "echo %s" % text], file=self.file, **options)

    def said(self):
        with open(self.file, encoding="utf-8") as file:
            return file.read().split()

    def test_subjects_take_turns(self):
        timings = measure.interleave({"a": [self.say("a%r")], "b": [self.say("b%r")]}, rounds=3,
                                     warm_up=1)
        self.assertEqual(self.said(), ["a-1", "b-1", "b0", "a0", "a1", "b1", "b2", "a2"])
        self.assertEqual(len(timings["a"].ns), 3)
        self.assertGreater(min(timings["b"].ns), 0)

    def test_what_is_not_timed_is_not(self):
        sleep = ["/bin/sleep", "0.3"]
        timings = measure.interleave({"timed": [measure.step(sleep)],
                                      "not": [measure.step(sleep, timed=False)]}, rounds=1)
        self.assertGreaterEqual(timings["timed"].ns[0], 300e6)
        self.assertEqual(timings["not"].ns, [0])

    def test_several_at_once(self):
        timings = measure.interleave({"a": [self.say("%i", parallel=5)]}, rounds=2, warm_up=0)
        self.assertEqual(sorted(self.said()), sorted("01234" * 2))
        self.assertEqual((len(timings["a"].ns), len(timings["a"].each_ns)), (2, 10))

    def test_a_failure_ends_it(self):
        for steps in ([measure.step(["/bin/false"])], [measure.step(["/nonexistent"])],
                      [measure.step(["/bin/false"], timed=False), self.say("x")]):
            with self.assertRaisesRegex(RuntimeError, "a command failed"):
                measure.interleave({"a": steps}, rounds=1)


def result(costs=None, **medians):
    return {"title": "run", "costs": costs or {},
            "timings": {name.replace("_", "-"): measure.Timing([ms * 1e6] * 3)
                        for name, ms in medians.items()}}


def all_results():
    """What a whole comparison hands to the report."""
    costs = {"tiny-oci": measure.Costs(455, 97, 1, 2, 2048)}
    timing = measure.Timing([2e6, 3e6], [1e6, 2e6])
    oci = {key: result(costs, tiny_oci=2, crun=8, runc=80, floor=1)
           for key in ("oci_run", "oci_seccomp", "oci_life", "oci_exec")}
    oci["oci_filter"] = {"title": "filter", "costs": {}, "timings": {
        name + filtered: timing for name in ("floor", "tiny-oci") for filtered in ("", ", filtered")}}
    verbs = {key: result(tiny=2, podman=80, docker=90)
             for key in ("run_none", "run_bridge", "run_detached", "exec", "stop", "rm")}
    return {**oci, **verbs, "versions": {"crun": "1"}, "layout": "v1", "rounds": 2,
            "hybrid": result(costs, floor=1, tiny_oci=2), "own_stop": timing,
            "memory": {"tiny": {"pss": 300.0, "private": 160.0, "resident": 1080.0}},
            "concurrency": {100: {"tiny": timing, "podman": timing}},
            "scale": {0: {"none": timing, "crowd": timing}},
            "ps": {"ps": timing, "ps -a": timing},
            "ingest": {"redirect": timing, "tiny": timing, "docker": timing},
            "start_up": {"tiny version": timing, "static hello": timing},
            "timeline": [("client", "start", 0, 0)],
            "phases": {"BM_Clone/none": {"ns": 70e3, "bytes_per_second": None}},
            "veth": {name: {"ns": 500e3} for name in ("Floor", "Iproute2", "Attach/live:1/ports:0")},
            "read": {"BM_Read/k8s_file": {"ns": 1, "bytes_per_second": 1e9}}}


class ReportTest(unittest.TestCase):

    def test_all_of_it_finds_its_place(self):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(root + "/docs")
            for path in report.DOCUMENTS:
                shutil.copy(os.path.join(place.SOURCE, path), os.path.join(root, path))
            report.update(root, all_results())
            with open(root + "/docs/performance.md", encoding="utf-8") as file:
                text = file.read()
            self.assertIn("| `Clone/none` | 70.0 µs |", text)
            self.assertEqual(len(list(wanted.rows(all_results()))), len(wanted.WANTED))
            with open(root + "/README.md", encoding="utf-8") as file:
                self.assertIn("| OCI `run` | **2.00 ms** | 8.00 ms (4.0 x) |", file.read())
            xml.etree.ElementTree.parse(root + "/" + report.CHART)
            # Figures of another machine do not stay.
            report.update(root, {key: value for key, value in all_results().items()
                                 if key != "hybrid"})
            with open(root + "/docs/performance.md", encoding="utf-8") as file:
                self.assertIn("<!-- compare: layouts -->\nNot measured on this machine.\n",
                              file.read())

    def test_percentile(self):
        self.assertEqual(measure.percentile(range(1, 101), 99), 99)
        self.assertEqual(measure.percentile(range(1, 101), 50), 50)
        self.assertEqual(measure.percentile([3, 1, 2], 99), 3)
        self.assertEqual(measure.percentile([7], 50), 7)

    def test_duration(self):
        self.assertEqual([report.duration(ns) for ns in (950e3, 1.234e6, 45.64e6, 999.4e6, 2.34e9)],
                         ["950 µs", "1.23 ms", "45.6 ms", "999 ms", "2.34 s"])

    def test_case_table(self):
        costs = {"tiny-oci": measure.Costs(455, 97, 1, 2, 2048)}
        self.assertEqual(report.case_table(result(costs, docker=8, tiny_oci=2), "tiny-oci"), """\
|  | min | median | p99 | by tiny-oci | page faults | system calls | forks | execs | peak memory |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
| tiny-oci | 2.00 ms | 2.00 ms | 2.00 ms | 1.00 x | 97 | 455 | 1 | 2 | 2.0 MB |
| Docker | 8.00 ms | 8.00 ms | 8.00 ms | 4.0 x | in its daemon |  |  |  |  |""")

    def test_only_what_stands_between_the_marks_is_replaced(self):
        document = "a\n<!-- compare: x -->\nold\n<!-- end -->\nb\n<!-- compare: y -->\n<!-- end -->\n"
        self.assertEqual(report.replace(document, "x", "new \\1"),
                         "a\n<!-- compare: x -->\nnew \\1\n<!-- end -->\nb\n"
                         "<!-- compare: y -->\n<!-- end -->\n")
        self.assertIsNone(report.replace(document, "z", "new"))

    def test_every_section_has_its_place(self):
        text = ""
        for path in report.DOCUMENTS:
            with open(os.path.join(place.SOURCE, path), encoding="utf-8") as file:
                text += file.read()
        for name in report.SECTIONS:
            self.assertIsNotNone(report.replace(text, name, ""), name)

    def test_wanted_figures_are_judged(self):
        results = {"oci_run": result(tiny_oci=4, crun=8, floor=2, runc=80)}
        rows = {row[0]: row[1:4] for row in wanted.rows(results)}
        self.assertEqual(rows["`tiny-oci run` by crun"], ("0.40 x", "0.50 x", False))
        self.assertEqual(rows["`tiny-oci run` by runc"], ("0.15 x", "0.05 x", True))
        self.assertIn("**missed**", report.wanted_table(results))
        self.assertIn("reached", report.wanted_table(results))

    def test_the_chart_is_well_formed(self):
        root = xml.etree.ElementTree.fromstring(
            chart.draw({"oci_run": result(tiny_oci=2, crun=8, floor=1)}))
        bars = root.findall(".//{http://www.w3.org/2000/svg}rect")[1:]
        widths = [float(bar.get("width")) for bar in bars]
        self.assertEqual(len(widths), 3)
        self.assertAlmostEqual(widths[2] / widths[1], 4, places=2)


if __name__ == "__main__":
    unittest.main()
