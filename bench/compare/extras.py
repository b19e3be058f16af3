"""What is not one command after the other: many at once, many alive, memory, logs, listings."""

import contextlib
import glob
import json
import os
import signal
import statistics
import subprocess
import time

import measure
from cases import HELD, READY
from engines import output
from measure import step
from place import program


def leftovers(marker):
    """Veths, cgroups and mounts of containers that are there now."""
    left = [name for name in os.listdir("/sys/class/net") if name.startswith(("tv", "veth"))]
    for top in glob.glob("/sys/fs/cgroup/*/") + ["/sys/fs/cgroup/"]:
        # podman has one for all of its conmons.
        left += [path for path in glob.glob(top + marker + "/*/") if "/conmon/" not in path]
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        left += [line.split()[4] for line in file if "/merged" in line]
    return left


def concurrency(engines, marker, at_once, rounds):
    """Starts of `at_once` containers at a time; none may be lost, nothing may be left."""
    subjects = {}
    for engine in engines:
        subjects[engine.name] = [step(engine.run("--name", "many%r-%i", "--network", "none",
                                                 args=("/bin/sh", "-c", "echo %i")),
                                      parallel=at_once, file="/run/many-" + engine.name),
                                 step(engine.do("rm", *["many%%r-%d" % i for i in range(at_once)]),
                                      timed=False)]
    warm_up = 1 if at_once < 100 else 0
    timings = measure.interleave(subjects, rounds, warm_up)
    expected = sorted(str(i) for i in range(at_once)) * (rounds + warm_up)
    for engine in engines:
        with open("/run/many-" + engine.name, encoding="utf-8") as file:
            if sorted(file.read().split()) != sorted(expected):
                raise RuntimeError("%s lost the output of a container" % engine.name)
        os.unlink("/run/many-" + engine.name)
        if output(engine.do("ps", "-aq")).strip():
            raise RuntimeError("%s left a container" % engine.name)
    left = leftovers(marker)
    if left:
        raise RuntimeError("left behind: %s" % left[:10])
    return timings


def scale(tiny, counts, rounds):
    """What a start costs beside that many live containers on one bridge: timings by their number."""
    output(tiny.do("network", "create", "--subnet", "10.77.0.0/16", "crowd"))
    results, names = {}, []
    for live in counts:
        while len(names) < live:
            names.append("live%d" % len(names))
            output(tiny.run("-d", "--name", names[-1], "--network", "crowd",
                            args=("/bin/sleep", "1000")))
        results[live] = measure.interleave(
            {network: [step(tiny.run("--rm", "--network", network))]
             for network in ("none", "crowd")}, rounds)
    tiny.remove_all(names)
    output(tiny.do("network", "rm", "crowd"))
    return results


def memory_of(pid):
    """Kilobytes by the names of proc_pid_smaps(5)."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="utf-8") as file:
        pairs = (line.split()[:2] for line in file if line.endswith(" kB\n"))
        return {name.rstrip(":"): int(kilobytes) for name, kilobytes in pairs}


def processes_named(name):
    """Pids of those whose program is called so; a name's first 15 bytes are what is kept."""
    pids = []
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(path, encoding="utf-8") as file:
                if file.read().strip() == name[:15]:
                    pids.append(int(path.split("/")[2]))
        except OSError:
            pass  # it has ended
    return pids


def memory(engines, containers=10):
    """What an engine keeps resident for each of so many live containers: kilobytes, by its name."""
    results = {}
    for engine in engines:
        before = set(processes_named(engine.shim))
        names = ["idle%d" % i for i in range(containers)]
        for name in names:
            output(engine.run("-d", "--name", name, "--network", "none",
                              args=("/bin/sleep", "1000")))
        time.sleep(1)  # for it to be idle
        keepers = set(processes_named(engine.shim)) - before
        if len(keepers) != containers:
            raise RuntimeError("%s: %d containers, %d processes called %s" %
                               (engine.name, containers, len(keepers), engine.shim))
        each = [memory_of(pid) for pid in keepers]
        results[engine.name] = {
            "pss": sum(one["Pss"] for one in each) / containers,
            "private": sum(one["Private_Clean"] + one["Private_Dirty"] for one in each) / containers,
            "resident": sum(one["Rss"] for one in each) / containers}
        engine.remove_all(names)
    return results


def own_stop_time(busybox, folder, rounds):
    """What the program of the stop case takes by itself, from the signal to its end."""
    ready = folder + "/ready"
    held, wait_until_ready = ([busybox, "sh", "-c", words[-1].replace("/tmp/ready", ready)]
                              for words in (HELD, READY))
    times = []
    for _ in range(rounds):
        with subprocess.Popen(held, start_new_session=True) as process:
            subprocess.run(wait_until_ready, check=True)
            begun = time.monotonic_ns()
            process.send_signal(signal.SIGTERM)
            if process.wait() != 0:
                raise RuntimeError("the program did not handle SIGTERM")
            times.append(time.monotonic_ns() - begun)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the sleep that it leaves, if it was so far
        os.unlink(ready)
    return measure.Timing(times)


def start_up(tiny, rounds):
    return measure.interleave({"tiny version": [step(tiny.do("version"))],
                               "static hello": [step([program("bench/hello")])]}, rounds)


def log_ingest(engines, place, rounds):
    """100 MB of lines of 80 bytes, from the start of the container to its end."""
    lines = "yes %s | head -c 100000000" % ("x" * 79)
    subjects = {"redirect": [step(["/usr/sbin/chroot", place.rootfs, "/bin/sh", "-c",
                                   lines + " >/tmp/log"])]}
    for engine in engines:
        subjects[engine.name] = [
            step(engine.run("-d", "--name", "log%r", "--network", "none",
                            args=("/bin/sh", "-c", lines))),
            step(engine.do("wait", "log%r")),
            step(engine.do("rm", "log%r"), timed=False)]
    return measure.interleave(subjects, rounds, warm_up=0)


def listing(tiny, ended, live, rounds):
    """`ps -a` over that many containers."""
    names = ["ended%d" % i for i in range(ended)] + ["listed%d" % i for i in range(live)]
    for name in names[:ended]:
        output(tiny.run("--name", name, "--network", "none"))
    for name in names[ended:]:
        output(tiny.run("-d", "--name", name, "--network", "none", args=("/bin/sleep", "1000")))
    if len(output(tiny.do("ps", "-aq")).split()) != ended + live:
        raise RuntimeError("ps lost a container")
    timings = measure.interleave({"ps": [step(tiny.do("ps"))], "ps -a": [step(tiny.do("ps", "-a"))]},
                                 rounds)
    tiny.remove_all(names)
    return timings


def timeline(tiny, runs):
    """The steps of a start on a bridge as --explain has them: (process, step, at, took), medians in ns.

    A step takes the time since the one before it of the same process.
    """
    steps = {}
    for _ in range(runs):
        done = subprocess.run(tiny.run("--rm", "--explain=json", "--network", "bridge"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, text=True,
                              stderr=subprocess.PIPE, check=True)
        before, last = {}, 0
        seen = {}
        for event in json.loads(done.stderr):
            process, at = event["process"], event["ns"]
            number = seen[process] = seen.get(process, 0) + 1
            steps.setdefault((process, number, event["step"].split(" /var/tmp/")[0]), []).append(
                (at, at - before.get(process, last)))
            before[process] = last = at
    rows = [(process, step, statistics.median(at for at, _ in times),
             statistics.median(took for _, took in times))
            for (process, _, step), times in steps.items()]
    return sorted(rows, key=lambda row: row[2])
