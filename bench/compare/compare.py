#!/usr/bin/env python3
"""tiny beside other container programs: the same work, in turns, on this machine.

  bazel run -c opt //bench:compare -- [--rounds N] [--install] [--only GROUP] [--dry-run]

Needs root. Finds which of crun, runc, bubblewrap, unshare, podman and Docker are installed (--install
unpacks Debian's packages of all of them into folders in /var/tmp), has each prove that it does the
work, times them, and rewrites the tables and the chart in README.md and docs/performance.md.
"""

import argparse
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import cases
import engines
import extras
import measure
import peers
import place
import proof
import report

GROUPS = ("oci", "engines", "many", "micro")
BEGUN = time.monotonic()


def say(text):
    print("[%4.0f s] %s" % (time.monotonic() - BEGUN, text), file=sys.stderr, flush=True)


class Results(dict):
    """What was measured, by name; what failed is told, and the rest goes on."""

    def __init__(self, **values):
        super().__init__(**values)
        self.failed = []

    def measure(self, name, function, *args):
        try:
            self[name] = function(*args)
            say("%-12s %s" % (name, describe(self[name])))
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            say("FAILED: " + name)
            self.failed.append(name)

    def measure_cases(self, group, rounds):
        """Nothing of a group is timed that does not prove to do its work."""
        group.prove()
        say("all subjects have proven that they do the work")
        for case in group.cases():
            self.measure(case.key, cases.measure_case, case, rounds)


def describe(result):
    """The medians of a case, where it is one."""
    timings = result.get("timings", result) if isinstance(result, dict) else {}
    return ", ".join("%s %.2f ms" % (name, timing.median / 1e6) for name, timing in timings.items()
                     if isinstance(timing, measure.Timing))


def start_engines(paths, where):
    started = [engines.Tiny(paths, where)]
    for name, make in (("podman", engines.Podman), ("docker", engines.Docker)):
        if name in paths:
            started.append(make(paths, where))
            say(name + " is ready")
    return started


def measure_oci(results, paths, where, rounds):
    group = cases.OciCases(paths, where)
    try:
        results.measure_cases(group, rounds)
    finally:
        group.clean_up()


def measure_engines(results, started, where, rounds):
    results.measure_cases(cases.EngineCases(started, where), rounds)
    results.measure("own_stop", extras.own_stop_time, peers.engine.runtime.BUSYBOX, where.folder,
                    max(5, rounds // 10))
    results.measure("memory", extras.memory, started)


def measure_crowd(started, where, rounds):
    """Docker is left out of it: it would take minutes."""
    crowd = [engine for engine in started if engine.name != "docker"]
    return {at_once: extras.concurrency(crowd, where.marker, at_once, max(1, number))
            for at_once, number in ((1, rounds // 20), (10, rounds // 20), (100, rounds // 100))}


def measure_many(results, started, where, rounds):
    tiny = started[0]
    results.measure("concurrency", measure_crowd, started, where, rounds)
    results.measure("scale", extras.scale, tiny, (0, 100, 500), max(10, rounds // 4))
    results.measure("ps", extras.listing, tiny, 1000, 20, max(5, rounds // 10))
    results.measure("ingest", extras.log_ingest, started, where, max(2, rounds // 60))


def measure_micro(results, tiny, rounds):
    results.measure("start_up", extras.start_up, tiny, 2 * rounds)
    results.measure("timeline", extras.timeline, tiny, max(5, rounds // 5))
    results.measure("phases", measure.google_benchmark, "bench/phases",
                    "BM_(Clone|Mount|Launch|Stub|Seccomp|CgroupJoin|CgroupCreate)")
    results.measure("veth", measure.google_benchmark, "bench/veth_setup", ".", "0.2", 3)
    results.measure("read", measure.google_benchmark, "bench/logs", "BM_Read/k8s_file")


def compare(options):
    paths, versions = peers.find()
    say("found %s" % ", ".join("%s %s" % pair for pair in versions.items()))
    where = place.Place(peers.engine.runtime.BUSYBOX, proof.SCRIPT, peers.seccomp_profile())
    started = []
    results = Results(versions=versions, rounds=options.rounds)
    if place.cgroup_layout() == "hybrid":
        results.measure("hybrid", cases.both_versions, paths, where, options.rounds // 2)
        place.hide_cgroup2()
        say("from here on cgroup version 1 alone, which crun can do with")
    results["layout"] = place.cgroup_layout()
    try:
        if "oci" in options.only:
            measure_oci(results, paths, where, options.rounds)
        started = start_engines(paths, where) if {"engines", "many"} & set(options.only) else []
        if "engines" in options.only:
            measure_engines(results, started, where, options.rounds)
        if "many" in options.only:
            measure_many(results, started, where, options.rounds)
        if "micro" in options.only:
            measure_micro(results, engines.Tiny(paths, where), options.rounds)
    finally:
        for engine in started:
            engine.stop_daemon()
    return results


def main():
    parser = argparse.ArgumentParser(prog="compare", description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=200,
                        help="of the fast subjects; slow ones run a part of it, 100 containers at "
                             "once a hundredth (%(default)s)")
    parser.add_argument("--install", action="store_true",
                        help="unpack Debian's packages of the peers into /var/tmp first")
    parser.add_argument("--only", action="append", choices=GROUPS, help="measure this group alone")
    parser.add_argument("--dry-run", action="store_true", help="print the tables and change no file, as --only does")
    options = parser.parse_args()
    options.only = options.only or GROUPS
    if os.geteuid() != 0:
        sys.exit("compare: needs root")
    if not place.is_isolated():
        if place.missing_programs():
            sys.exit("compare: not built: " + ", ".join(place.missing_programs()))
        if options.install:
            peers.install()  # while there is a network
        sys.exit(place.run_isolated(peers.engine.remove_cgroups))
    peers.use_unpacked()
    results = compare(options)
    if options.dry_run or options.only != GROUPS:
        for name, text in report.sections(results).items():
            print("== %s\n%s" % (name, text))
    else:
        report.update(place.SOURCE, results)
    if results.failed:
        sys.exit("compare: failed, and so not in the tables: " + ", ".join(results.failed))
    say("done")


if __name__ == "__main__":
    main()
