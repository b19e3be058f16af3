#!/usr/bin/env python3
"""Every test that docs/oci-conformance.md names exists, and every rule names one."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve().parent
PYTHON = {path.stem.removesuffix("_test"): path for folder in ("e2e/oci", "e2e/engines")
          for path in (ROOT / folder).glob("*_test.py")}
NAME = re.compile(r"`(\w+)\.(\w+)`")


class ConformanceTest(unittest.TestCase):

    def setUp(self):
        self.text = (ROOT / "docs/oci-conformance.md").read_text(encoding="utf-8")

    def cases(self):
        """GoogleTest's cases of the whole tree."""
        found = set()
        for path in ROOT.glob("*/**/*test.cc"):
            found.update(re.findall(r"TEST(?:_F|_P)?\((\w+),\s*(\w+)\)",
                                    path.read_text(encoding="utf-8")))
        return found

    def test_each_one_exists(self):
        cases = self.cases()
        self.assertGreater(len(cases), 100)
        named = NAME.findall(self.text)
        self.assertGreater(len(named), 100)
        missing = []
        for group, name in named:
            if group in PYTHON:
                there = "def test_%s(" % name in PYTHON[group].read_text(encoding="utf-8")
            else:
                there = (group, name) in cases
            if not there:
                missing.append("%s.%s" % (group, name))
        self.assertEqual(missing, [])

    def test_each_rule_has_one(self):
        for line in self.text.splitlines():
            if line.startswith("| ") and not line.startswith("| rule "):
                self.assertRegex(line.split(" | ")[-1], NAME, line)


if __name__ == "__main__":
    unittest.main()
