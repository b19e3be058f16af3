"""Tables in Markdown of what was measured, and their places in the documents."""

import os
import platform
import re

import chart
import measure
import wanted

DOCUMENTS = ("README.md", "docs/performance.md")
CHART = "docs/performance.svg"

SUBJECTS = {"docker": "Docker", "floor": "floor", "bwrap": "bubblewrap"}
COST_COLUMNS = ("page faults", "system calls", "forks", "execs", "peak memory")


SUMMARY = {"oci_run": "OCI `run`", "oci_life": "OCI `create`, `start`, `delete`",
           "oci_exec": "OCI `exec`", "run_none": "`run --rm`, no network",
           "run_bridge": "`run --rm`, bridge", "exec": "`exec`", "stop": "`stop`", "rm": "`rm`"}


def table(header, rows):
    """The first column to the left, all others to the right."""
    lines = ["| " + " | ".join(header) + " |",
             "|---" + "|--:" * (len(header) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def duration(ns):
    """Three digits: 15 ns, 950 µs, 1.23 ms, 45.6 ms, 2.34 s."""
    if ns < 999.5:
        return "%.0f ns" % ns
    for unit, size in (("µs", 1e3), ("ms", 1e6), ("s", 1e9)):
        value = ns / size
        if value < 999.5 or unit == "s":
            return "%s %s" % (("%.0f" if value >= 99.95 else "%.1f" if value >= 9.995 else "%.2f")
                              % value, unit)


def times(value):
    return ("%.0f x" if value >= 9.95 else "%.1f x" if value >= 1.95 else "%.2f x") % value


def by_median(timings):
    return sorted(timings.items(), key=lambda entry: entry[1].median)


def case_table(result, base):
    """All of one case, fastest first; ratios to the median of `base`."""
    header = ["", "min", "median", "p99", "by " + base]
    if result["costs"]:
        header += COST_COLUMNS
    rows = []
    for name, timing in by_median(result["timings"]):
        row = [SUBJECTS.get(name, name), duration(min(timing.ns)), duration(timing.median),
               duration(measure.percentile(timing.ns, 99)),
               times(timing.median / result["timings"][base].median)]
        costs = result["costs"].get(name)
        if costs:
            row += [costs.page_faults, costs.system_calls, costs.forks, costs.execs,
                    "%.1f MB" % (costs.peak_kilobytes / 1024)]
        elif result["costs"]:
            where = "in its daemon" if name == "docker" else ""
            row += [where] + [""] * (len(COST_COLUMNS) - 1)
        rows.append(row)
    return table(header, rows)


def case_tables(results, keys, base):
    return "\n\n".join("**%s** (%d rounds)\n\n%s" % (
        results[key]["title"], len(results[key]["timings"][base].ns), case_table(results[key], base))
        for key in keys if key in results)


def summary(results):
    """README's table: medians, and how many times tiny's."""
    columns = ("tiny", "crun", "runc", "podman", "docker")
    rows = []
    for key, label in SUMMARY.items():
        timings = dict(results[key]["timings"])
        timings["tiny"] = timings.get("tiny", timings.get("tiny-oci"))
        cells = ["**%s**" % duration(timings["tiny"].median)]
        for name in columns[1:]:
            cells.append("" if name not in timings else "%s (%s)" % (
                duration(timings[name].median),
                times(timings[name].median / timings["tiny"].median)))
        rows.append([label, *cells])
    return table(["median", *(SUBJECTS.get(name, name) for name in columns)], rows)


def machine(results):
    versions = ", ".join("%s %s" % (name, version) for name, version in
                         sorted(results["versions"].items()) if name not in ("tiny", "tiny-oci"))
    with open("/proc/meminfo", encoding="utf-8") as file:
        gigabytes = int(file.readline().split()[1]) / 1e6
    return ("Linux %s, %d processors, %.0f GB, cgroup %s; %s; `--rounds %d`." %
            (platform.release(), os.cpu_count(), gigabytes, results["layout"], versions,
             results["rounds"]))


def layouts_table(results):
    both, alone = results["hybrid"], results["oci_run"]
    return table(["`run`: median, system calls", "cgroup v1 and v2 mounted", "", "v1 alone", ""],
                 [[SUBJECTS.get(name, name),
                   *(cell for case in (both, alone)
                     for cell in (duration(case["timings"][name].median),
                                  case["costs"][name].system_calls if name in case["costs"] else ""))]
                  for name, _ in by_median(both["timings"])])


def concurrency_table(results):
    rows = []
    for at_once, timings in results["concurrency"].items():
        for name, timing in by_median(timings):
            each = timing.each_ns or timing.ns
            rows.append([at_once, name, "%.0f /s" % (at_once / timing.median * 1e9),
                         duration(measure.percentile(each, 50)),
                         duration(measure.percentile(each, 99))])
    return table(["starts at once", "", "throughput", "p50", "p99"], rows)


def scale_table(results):
    return table(["live containers", "`run --rm`, no network", "`run --rm`, on their bridge"],
                 [[live, duration(timings["none"].median), duration(timings["crowd"].median)]
                  for live, timings in results["scale"].items()])


def memory_table(results):
    keepers = {"tiny": "tiny's supervisor", "podman": "conmon", "docker": "containerd-shim"}
    return table(["for each of ten live containers", "PSS", "its own alone", "resident"],
                 [[keepers[name], *("%.0f kB" % value[key] for key in ("pss", "private", "resident"))]
                  for name, value in results["memory"].items()])


def library_table(results):
    rows = [["attach: " + name, duration(row["ns"])] for name, row in results["veth"].items()]
    rows += [["100 MB of log lines: " + SUBJECTS.get(name, name), duration(timing.median)]
             for name, timing in by_median(results["ingest"])]
    rows += [["logs read back", "%.0f MB/s" % (
        results["read"]["BM_Read/k8s_file"]["bytes_per_second"] / 1e6)]]
    rows += [["`%s`, 1,000 ended and 20 live" % name, duration(timing.median)]
             for name, timing in results["ps"].items()]
    rows += [["`stop`: the program alone", duration(results["own_stop"].median)]]
    rows += [["`%s`" % name, duration(timing.median)]
             for name, timing in results["start_up"].items()]
    return table(["", "median"], rows)


def timeline_table(results):
    return table(["step", "process", "at", "took"],
                 [[step, process, "%.0f µs" % (at / 1e3), "%.0f µs" % (took / 1e3)]
                  for process, step, at, took in results["timeline"]])


def phases_table(results):
    rows = [["`%s`" % name.removeprefix("BM_"), duration(row["ns"])]
            for name, row in results["phases"].items()]
    return table(["phase", "mean"], rows)


def wanted_table(results):
    return table(["wanted", "at most", "measured", "", "why not"],
                 [[what, limit, figure, "reached" if reached else "**missed**",
                   "" if reached else reason]
                  for what, limit, figure, reached, reason in wanted.rows(results)])


SECTIONS = {
    "summary": (summary, set(SUMMARY)),
    "machine": (machine, set()),
    "oci": (lambda r: case_tables(r, ("oci_run", "oci_seccomp", "oci_filter", "oci_life",
                                           "oci_exec"),
                                  "tiny-oci"), {"oci_run"}),
    "layouts": (layouts_table, {"hybrid", "oci_run"}),
    "engines": (lambda r: case_tables(r, ("run_none", "run_bridge", "run_detached", "exec", "stop",
                                          "rm"), "tiny"), {"run_none"}),
    "concurrency": (concurrency_table, {"concurrency"}),
    "scale": (scale_table, {"scale"}),
    "memory": (memory_table, {"memory"}),
    "libraries": (library_table, {"veth", "ingest", "read", "ps", "own_stop", "start_up"}),
    "timeline": (timeline_table, {"timeline"}),
    "phases": (phases_table, {"phases"}),
    "wanted": (wanted_table, set()),
}


def sections(results):
    """The text of each section for which the results are there."""
    return {name: make(results) for name, (make, needs) in SECTIONS.items()
            if needs <= results.keys()}


def replace(document, name, text):
    """`document` with the section between the marks of `name` replaced; None if it has none."""
    pattern = re.compile(r"(<!-- compare: %s -->\n).*?(<!-- end -->)" % re.escape(name), re.DOTALL)
    changed, number = pattern.subn(lambda match: match[1] + text + "\n" + match[2], document)
    return changed if number else None


def update(root, results):
    """Rewrites the chart and every section, each of which must have a place in a document."""
    places = {}
    for path in DOCUMENTS:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            places[path] = file.read()
    made = sections(results)
    for name in SECTIONS:
        text = made.get(name, "Not measured on this machine.")
        changed = {path: replace(document, name, text) for path, document in places.items()}
        if not any(changed.values()):
            raise LookupError("no document has a place for the section " + name)
        places.update({path: document for path, document in changed.items() if document})
    for path, document in places.items():
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(document)
    with open(os.path.join(root, CHART), "w", encoding="utf-8") as file:
        file.write(chart.draw(results))
