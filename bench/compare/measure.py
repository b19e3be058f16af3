"""Runs plans of commands through //bench/compare:interleave and //bench:count."""

import dataclasses
import json
import statistics
import subprocess
import tempfile

import place

TIMEOUT = 600  # seconds that no measurement takes, unless something hangs


@dataclasses.dataclass
class Timing:
    """Nanoseconds of each round; `each_ns` of each command where several ran at once."""

    ns: list
    each_ns: list = dataclasses.field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.ns)


@dataclasses.dataclass
class Costs:
    """What //bench:count says of a command and all the processes that it starts."""

    system_calls: int
    page_faults: int
    forks: int
    execs: int
    peak_kilobytes: int


def percentile(values, percent):
    """The smallest value that at least `percent` of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def step(argv, **options):
    return {"argv": argv, **options}


def interleave(subjects, rounds, warm_up=1):
    """Timings by name of `subjects`, which are lists of steps by name."""
    plan = {"rounds": rounds, "warm_up": warm_up,
            "subjects": [{"name": name, "steps": steps} for name, steps in subjects.items()]}
    # What is left running keeps stderr: a file, as a pipe would have no end.
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run([place.program("bench/compare/interleave")], input=json.dumps(plan),
                              text=True, stdout=subprocess.PIPE, stderr=errors, check=False,
                              timeout=TIMEOUT)
        if done.returncode:
            errors.seek(0)
            raise RuntimeError(errors.read()[-2000:])
    return {name: Timing(times["ns"], times["each_ns"])
            for name, times in json.loads(done.stdout).items()}


def count(argv):
    """Costs of one command, less what the container's own program does."""
    done = subprocess.run([place.program("bench/count"), "--payload=true", *argv], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=TIMEOUT)
    if done.returncode:
        raise RuntimeError("count %s: %s" % (" ".join(argv), done.stderr[-2000:]))
    return Costs(**json.loads(done.stdout.splitlines()[-1]))


def google_benchmark(program, benchmarks, min_time="0.2", repetitions=1):
    """The rows of a Google Benchmark program, by name: nanoseconds and bytes per second.

    Of several repetitions it is the median. What this machine does not have, such as another
    version of cgroups, is left out.
    """
    done = subprocess.run([place.program(program), "--benchmark_format=json",
                           "--benchmark_filter=" + benchmarks, "--benchmark_min_time=" + min_time,
                           "--benchmark_repetitions=%d" % repetitions],
                          text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=TIMEOUT)
    if done.returncode:
        raise RuntimeError("%s: %s" % (program, done.stderr[-2000:]))
    units = {"ns": 1, "us": 1e3, "ms": 1e6}
    rows = {}
    for row in json.loads(done.stdout)["benchmarks"]:
        if row.get("error_occurred"):
            continue
        if repetitions > 1 and row.get("aggregate_name") != "median":
            continue
        name = row["run_name"].replace("/real_time", "").replace("/iterations:200", "")
        rows[name] = {"ns": row["real_time"] * units[row["time_unit"]],
                      "bytes_per_second": row.get("bytes_per_second")}
    if not rows:
        raise RuntimeError("%s: nothing could be measured" % program)
    return rows
