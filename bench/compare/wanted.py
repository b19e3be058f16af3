"""The figures that tiny is to reach, each with what was measured, and why not where it was missed."""

import dataclasses
from typing import Callable


@dataclasses.dataclass
class Wanted:
    what: str
    limit: str
    measured: Callable  # of the results: (the figure as text, whether it is reached)
    reason: str  # for when it is not


def ratio(case, subject, peer, limit, form="%.2f"):
    """The subject's median by the peer's, at most `limit`."""
    def measured(results):
        timings = results[case]["timings"]
        value = timings[subject].median / timings[peer].median
        return form % value + " x", value <= limit
    return measured


def fraction(case, peer, limit):
    """tiny's median by the peer's, as 1/n with n at least `limit`."""
    def measured(results):
        timings = results[case]["timings"]
        value = timings[peer].median / timings["tiny"].median
        return "1/%.0f" % value, value >= limit
    return measured


def cost(case, field, limit):
    def measured(results):
        value = getattr(results[case]["costs"]["tiny-oci"], field)
        return str(value), value <= limit
    return measured


def supervisor(results):
    value = results["memory"]["tiny"]["pss"]
    return "%.0f kB" % value, value <= 300


def throughput(results):
    timings = results["concurrency"][100]
    value = timings["podman"].median / timings["tiny"].median
    return "%.1f x" % value, value >= 3


def stop(results):
    added = (results["stop"]["timings"]["tiny"].median - results["own_stop"].median) / 1e6
    return "%.1f ms" % added, added < 10


def start_up(results):
    timings = results["start_up"]
    value = timings["tiny version"].median / timings["static hello"].median
    return "%.2f x" % value, value <= 1.3


def custom_seccomp(results):
    """What tiny-oci adds to what the kernel takes to load the profile's filter."""
    timings = results["oci_filter"]["timings"]
    cost = {name: timings[name + ", filtered"].median - timings[name].median
            for name in ("tiny-oci", "floor")}
    value = cost["tiny-oci"] - cost["floor"]
    return "%+.0f µs" % (value / 1e3), value < 100e3


def attach(peer, limit):
    def measured(results):
        rows = results["veth"]
        value = rows["Attach/live:1/ports:0"]["ns"] / rows[peer]["ns"]
        return "%.2f x" % value, value <= limit
    return measured


def ingest(results):
    value = results["ingest"]["tiny"].median / results["ingest"]["redirect"].median
    return "%.2f x" % value, value <= 2


def read_back(results):
    value = results["read"]["BM_Read/k8s_file"]["bytes_per_second"] / 1e6
    return "%.0f MB/s" % value, value >= 300


def listing(command):
    def measured(results):
        value = results["ps"][command].median / 1e6
        return "%.1f ms" % value, value < 20
    return measured


# Told in docs/performance.md, below the table.
KERNEL = "the kernel's own part: see the floor"

WANTED = [
    Wanted("`tiny-oci run` by crun", "0.40 x", ratio("oci_run", "tiny-oci", "crun", 0.40), KERNEL),
    Wanted("`tiny-oci run` by runc", "0.15 x", ratio("oci_run", "tiny-oci", "runc", 0.15), KERNEL),
    Wanted("`tiny-oci run` by its floor", "1.5 x", ratio("oci_run", "tiny-oci", "floor", 1.5),
           "the floor has no init stub, no lock and no record"),
    Wanted("`tiny-oci` create + start + delete by crun", "0.40 x",
           ratio("oci_life", "tiny-oci", "crun", 0.40), KERNEL),
    Wanted("`tiny-oci` create + start + delete by runc", "0.15 x",
           ratio("oci_life", "tiny-oci", "runc", 0.15), KERNEL),
    Wanted("`tiny-oci exec` by crun", "0.3 x", ratio("oci_exec", "tiny-oci", "crun", 0.3),
           KERNEL),
    Wanted("page faults of `tiny-oci run`", "200", cost("oci_run", "page_faults", 200), ""),
    Wanted("system calls of `tiny-oci run`, cgroup v1 and v2 mounted", "200",
           cost("hybrid", "system_calls", 200),
           "of these, 39 drop capabilities, one by one as the kernel wants it"),
    Wanted("system calls of `tiny-oci run`, v1 alone", "200", cost("oci_run", "system_calls", 200),
           "each device rule and each tree is a call more"),
    Wanted("a custom seccomp profile, the second time, by the floor's load of its filter",
           "under 100 µs", custom_seccomp, "a longer configuration, and a file more to read"),
    Wanted("`tiny run --rm` without network by podman", "1/20", fraction("run_none", "podman", 20),
           KERNEL),
    Wanted("`tiny run --rm` without network by Docker", "1/20", fraction("run_none", "docker", 20),
           KERNEL),
    Wanted("`tiny run --rm` with a bridge by podman", "1/25", fraction("run_bridge", "podman", 25),
           KERNEL),
    Wanted("`tiny run --rm` with a bridge by Docker", "1/25", fraction("run_bridge", "docker", 25),
           KERNEL),
    Wanted("attach to a bridge by iproute2's programs", "0.1 x", attach("Iproute2", 0.1),
           "locks, leases and the firewall's element are in the figure; the programs do without"),
    Wanted("attach to a bridge by its floor", "1.5 x", attach("Floor", 1.5),
           "leases, the firewall's element and its check are in the figure; the floor has none"),
    Wanted("a supervisor's memory (PSS), ten alive", "300 kB", supervisor,
           "what it has written to is its own; the program's pages are shared by all supervisors"),
    Wanted("100 starts at once by podman's throughput", "at least 3 x", throughput, KERNEL),
    Wanted("`tiny stop` beside the program's own time", "under 10 ms", stop, KERNEL),
    Wanted("`tiny version` by a static C program", "1.3 x", start_up,
           "C++'s start-up, and more pages: the program is one of 4 MB"),
    Wanted("100 MB of log lines by a plain redirect", "2 x", ingest,
           "each line is found, stamped and written once more"),
    Wanted("reading logs back", "at least 300 MB/s", read_back, ""),
    Wanted("`ps` over 1,000 ended and 20 live containers", "under 20 ms", listing("ps"), ""),
    Wanted("`ps -a`, which shows them all", "under 20 ms", listing("ps -a"),
           "two files are read for each of 1,020 containers"),
]


def rows(results):
    """Each wanted figure: what, limit, measured, reached, reason. Those without a peer are left out."""
    for wanted in WANTED:
        try:
            figure, reached = wanted.measured(results)
        except KeyError:
            continue
        yield wanted.what, wanted.limit, figure, reached, wanted.reason
