"""Counts the tests of a `bazel test` run from its build events, and of other suites' result lines.

  test_results.py [--bazel_status=N] EVENTS.json [LINES.txt...]

GoogleTest's cases count one by one, any other test as one. As root a skipped case is a failure:
what skips itself there tests nothing. A LINES file holds "PASS name", "FAIL name" and "SKIP name".
Prints what failed and, last, "N passed, N failed".
"""

import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree


class Results:

    def __init__(self):
        self.passed = 0
        self.failed = []

    def add(self, name, outcome):
        if outcome == "passed" or (outcome == "skipped" and os.geteuid() != 0):
            self.passed += outcome == "passed"
        else:
            self.failed.append(f"{name} ({outcome})")


def cases_of(path):
    """The (name, outcome) of each case in a test.xml; none if it is not GoogleTest's."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return
    for case in root.iter("testcase"):
        if "classname" not in case.attrib or case.get("status") == "notrun":
            continue
        name = f"{case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        elif case.get("result") == "skipped" or case.find("skipped") is not None:
            yield name, "skipped"
        else:
            yield name, "passed"


def add_bazel_events(path, results):
    with open(path, encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            if "testResult" in event:
                add_target(event["id"]["testResult"]["label"], event["testResult"], results)
            elif event.get("aborted") and "targetCompleted" in event["id"]:
                results.add(event["id"]["targetCompleted"]["label"], "not built")
            elif "completed" in event and not event["completed"].get("success"):
                results.add(event["id"]["targetCompleted"]["label"], "not built")


def add_target(label, result, results):
    outputs = {o["name"]: o.get("uri", "") for o in result.get("testActionOutput", [])}
    xml = urllib.parse.unquote(urllib.parse.urlparse(outputs.get("test.xml", "")).path)
    cases = list(cases_of(xml))
    for name, outcome in cases:
        results.add(f"{label} {name}", outcome)
    passed = result.get("status") == "PASSED"
    if not cases or (not passed and all(outcome == "passed" for _, outcome in cases)):
        results.add(label, "passed" if passed else result.get("status", "failed").lower())


def add_lines(path, results):
    outcomes = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            word, _, name = line.strip().partition(" ")
            if word in outcomes:
                results.add(name, outcomes[word])


def main(arguments):
    results = Results()
    bazel_status = 0
    for argument in arguments:
        if argument.startswith("--bazel_status="):
            bazel_status = int(argument.split("=")[1])
        elif argument.endswith(".txt"):
            add_lines(argument, results)
        else:
            add_bazel_events(argument, results)
    if bazel_status != 0 and not results.failed:
        results.add(f"bazel exited with {bazel_status}", "failed")
    if results.passed == 0 and not results.failed:
        results.add("nothing was tested", "failed")
    for failure in results.failed:
        print(f"failed: {failure}")
    print(f"{results.passed} passed, {len(results.failed)} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
