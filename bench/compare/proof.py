"""Before anything is timed: did the subject do the work, and is it who it says it is?"""

import hashlib
import os
import re
import subprocess

NAMESPACES = ("pid", "mnt", "uts", "ipc", "net")

# What stands for /bin/true in the root file system of a proof.
SCRIPT = """#!/bin/sh
echo "marker=$(cat /etc/marker)"
for n in pid mnt uts ipc net; do echo "$n=$(readlink /proc/self/ns/$n)"; done
echo "seccomp=$(grep ^Seccomp: /proc/self/status | tr -dc 0-9)"
echo "cgroup=$(tr '\\n' ' ' </proc/self/cgroup)"
"""

# What `--version` says, by the name of the program.
IDENTITIES = {
    "bwrap": r"^bubblewrap (\S+)",
    "containerd": r"^containerd \S+ (\S+)",
    "crun": r"^crun version (\S+)",
    "docker": r"^Docker version ([^, ]+)",
    "dockerd": r"^Docker version ([^, ]+)",
    "podman": r"^podman version (\S+)",
    "runc": r"^runc version (\S+)",
    "tiny": r"^tiny (?:version )?(\S+)",
    "tiny-oci": r"^tiny-oci (?:version )?(\S+)",
    "unshare": r"^unshare from util-linux (\S+)",
}


class NotProven(Exception):
    """The subject did something else than what it would be timed for."""


def host_facts():
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        cgroup = file.read().replace("\n", " ").strip()
    return {**{name: os.readlink("/proc/self/ns/" + name) for name in NAMESPACES},
            "cgroup": cgroup}


def parse_facts(text):
    pairs = (line.strip().partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.strip() for key, _, value in pairs}


def check_facts(name, text, marker, host, seccomp=None, cgroup=False):
    """Raises NotProven unless `text`, SCRIPT's output, tells of a container as it should be.

    `seccomp`: whether a filter must be active; None where that does not matter. `cgroup`: the
    program must be seen in another cgroup than ours.
    """
    facts = parse_facts(text)
    if facts.get("marker") != marker:
        raise NotProven("%s: its root file system is another: %r" % (name, text))
    for namespace in NAMESPACES:
        if not facts.get(namespace, "").startswith(namespace + ":["):
            raise NotProven("%s: no %s namespace was reported: %r" % (name, namespace, text))
        if facts[namespace] == host[namespace]:
            raise NotProven("%s: it shares the host's %s namespace" % (name, namespace))
    if seccomp is not None and (facts.get("seccomp") == "2") != seccomp:
        raise NotProven("%s: seccomp mode is %s" % (name, facts.get("seccomp")))
    if cgroup and facts.get("cgroup") in ("", None, host["cgroup"]):
        raise NotProven("%s: it is in our cgroup" % name)


def version_in(name, text):
    """The version that a program called `name` gives, if `text` is what that program prints."""
    match = re.search(IDENTITIES[name], text, re.MULTILINE)
    if not match:
        raise NotProven("this is not %s: %r" % (name, text[:200]))
    return match[1]


def identify(name, path):
    """The version of the program at `path`, which must be `name`."""
    flag = "version" if name == "tiny" else "--version"
    done = subprocess.run([path, flag], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    return version_in(name, done.stdout or done.stderr)


def check_distinct(paths):
    """No two names may stand for the same program: `paths` by name."""
    owners = {}
    for name, path in paths.items():
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        if digest in owners:
            raise NotProven("%s and %s are the same program" % (owners[digest], name))
        owners[digest] = name
