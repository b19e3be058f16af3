#!/usr/bin/env python3
"""Fails where a package depends on one that its layer may not see.

Bazel's visibility cannot say all of it: the kernel adapters are public, as others may use each of
them alone, but must not use each other. BUILD files are read as the Python that they nearly are.
"""

import pathlib
import sys

ADAPTERS = {"ns", "fs", "cgroup", "net", "security"}
DATA = {"oci", "state", "logs"}

# What a folder's libraries and programs may depend on, beside themselves.
ALLOWED = {
    "base": set(),
    "init": {"base"},
    **{name: {"base"} for name in ADAPTERS | DATA},
    "ns": {"base", "init"},
    "image": {"base", "fs"},
    "runtime": {"base", "init", "image"} | ADAPTERS | DATA,
    "oci/cli": {"base", "runtime"} | ADAPTERS | DATA,
    "cli": {"base", "image", "runtime"} | DATA,
}
# The type of a container's root in the runtime's own interface.
EXCEPTIONS = {("cli", "//fs:rooted_dir")}
TEST_ONLY = {"testing", "testdata", "fuzz"}


def rules_of(path):
    """The attributes of each rule in a BUILD file."""
    rules = []

    def record(*_, **attributes):
        rules.append(attributes)
        return []

    code = compile(path.read_text(), str(path), "exec")
    names = {"load", "package", "select", "glob"}
    stack = [code]
    while stack:
        current = stack.pop()
        names.update(current.co_names)
        stack += [constant for constant in current.co_consts if hasattr(constant, "co_names")]
    scope = {name: record for name in names}
    scope["select"] = lambda branches, **_: [x for branch in branches.values() for x in branch]
    exec(code, scope)  # pylint: disable=exec-used
    return [rule for rule in rules if "name" in rule]


def folder_of(package):
    return "oci/cli" if package == "oci/cli" else package.split("/")[0]


def main():
    root = pathlib.Path(sys.argv[1]).resolve().parent
    edges = 0
    errors = []
    for path in sorted(root.glob("**/BUILD.bazel")):
        package = str(path.parent.relative_to(root))
        folder = folder_of(package)
        if package.startswith((".", "bazel-")) or folder not in ALLOWED:
            continue
        for rule in rules_of(path):
            is_test = rule.get("testonly") or rule["name"].endswith(("_test", "_fuzz", "_fixture"))
            for dep in rule.get("deps", []):
                if not dep.startswith("//"):
                    continue
                edges += 1
                other = folder_of(dep[2:].split(":")[0])
                if other == folder or other in ALLOWED[folder] or (folder, dep) in EXCEPTIONS:
                    continue
                if is_test and other in TEST_ONLY:
                    continue
                errors.append(f"//{package}:{rule['name']} depends on {dep}")
    if edges == 0:
        errors.append(f"no BUILD files were found in {root}")
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
