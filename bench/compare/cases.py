"""What is timed: for each case its subjects, each with a proof that it does the work."""

import dataclasses
import json
import os
import struct
import subprocess

import measure
import proof
from engines import output
from measure import step
from place import PROGRAM, program

# Ends well when it is asked to; READY waits until it can be asked.
HELD = ("/bin/sh", "-c", 'trap "exit 0" TERM; echo ready >/tmp/ready; sleep 1000 & wait')
READY = ("/bin/sh", "-c", "until [ -e /tmp/ready ]; do sleep 0.01; done")


@dataclasses.dataclass
class Case:
    """`key` names it in the results; `rounds` is a part of --rounds."""

    key: str
    title: str
    steps: dict  # lists of steps by the subject's name
    rounds: float = 1.0
    counted: dict = dataclasses.field(default_factory=dict)  # the command to count, by subject


def oci_commands(paths):
    return {name: paths[name] for name in ("tiny-oci", "crun", "runc") if name in paths}


class OciCases:
    """The runtimes on the same bundles, and those that make a container without one."""

    def __init__(self, paths, where):
        self.paths, self.where = paths, where
        self.runtimes = oci_commands(paths)
        self.sleepers = []

    def command(self, name, *args):
        return [self.runtimes[name], "--root", "/run/oci-" + name, *args]

    def run(self, name, bundle, container):
        return self.command(name, "run", "--bundle", self.where.bundle(bundle), container)

    def bare(self, rootfs):
        """Those that know no bundle, with as many of the bundle's namespaces and mounts."""
        subjects = {"floor": self.where.floor("run", rootfs)}
        if "bwrap" in self.paths:
            subjects["bwrap"] = [self.paths["bwrap"], "--unshare-ipc", "--unshare-pid",
                                 "--unshare-net", "--unshare-uts", "--bind", rootfs, "/", "--proc",
                                 "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue", PROGRAM]
        if "unshare" in self.paths:
            subjects["unshare+chroot"] = [self.paths["unshare"], "-m", "-u", "-i", "-n", "-p", "-f",
                                          "--mount-proc=" + rootfs + "/proc", "/usr/sbin/chroot",
                                          rootfs, PROGRAM]
        return subjects

    def prove(self):
        host, marker = proof.host_facts(), self.where.marker
        for name, command in self.bare(self.where.probe).items():
            proof.check_facts(name, output(command), marker, host, seccomp=False,
                              cgroup=name == "floor")
        for name in self.runtimes:
            for bundle, seccomp in (("plain", False), ("seccomp", True)):
                if bundle == "seccomp" and not self.where.seccomp_path:
                    continue
                text = output(self.run(name, bundle + "-probe", "proof"))
                proof.check_facts(name, text, marker, host, seccomp=seccomp, cgroup=True)
            self.start_sleeper(name, "sleeper-probe", "proof")
            text = output(self.command(name, "exec", "proof", PROGRAM))
            proof.check_facts(name + " exec", text, marker, host, seccomp=False, cgroup=True)
            text = output(self.exec_floor(name, "proof"))
            proof.check_facts("floor of exec", text, marker, host)
            output(self.command(name, "delete", "--force", "proof"))
            if output(self.command(name, "list", "--quiet")).strip():
                raise proof.NotProven(name + ": delete left a container")

    def start_sleeper(self, name, bundle, container):
        """A container to execute programs in. Its output goes to a file, as nobody reads pipes."""
        subprocess.run(self.command(name, "run", "--detach", "--bundle", self.where.bundle(bundle),
                                    container),
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)

    def exec_floor(self, name, container):
        pid = json.loads(output(self.command(name, "state", container)))["pid"]
        return [program("bench/exec_floor"), str(pid)]

    def compiled_profile(self):
        """A file of the instructions that tiny-oci has for the bundle's profile, from its cache."""
        output(self.run("tiny-oci", "seccomp", "compiled"))
        cache = "/run/oci-tiny-oci/@seccomp"
        with open(os.path.join(cache, os.listdir(cache)[0]), "rb") as file:
            _, text_size, _, _ = struct.unpack("=8sQQQ", file.read(32))
            file.seek(text_size, os.SEEK_CUR)
            instructions = file.read()
        path = self.where.folder + "/seccomp.bpf"
        with open(path, "wb") as file:
            file.write(instructions)
        return path

    def cases(self):
        runs = {name: self.run(name, "plain", "b%r") for name in self.runtimes}
        bare = self.bare(self.where.rootfs)
        yield Case("oci_run", "run", {name: [step(argv)] for name, argv in {**bare, **runs}.items()},
                   counted={**bare, **{n: self.run(n, "plain", "c") for n in self.runtimes}})
        if self.where.seccomp_path:
            yield Case("oci_seccomp", "run, with Docker's seccomp profile in the bundle",
                       {n: [step(self.run(n, "seccomp", "s%r"))] for n in self.runtimes},
                       counted={n: self.run(n, "seccomp", "c") for n in self.runtimes})
            filtered = self.where.floor("filtered", self.where.rootfs) + [self.compiled_profile()]
            # No other subjects: what one leaves the kernel to tidy up the next one pays for.
            yield Case("oci_filter", "run, without and with that profile",
                       {"floor": [step(bare["floor"])], "tiny-oci": [step(runs["tiny-oci"])],
                        "floor, filtered": [step(filtered)],
                        "tiny-oci, filtered": [step(self.run("tiny-oci", "seccomp", "f%r"))]})
        yield Case("oci_life", "create + start + delete", self.lives(), rounds=0.5)
        for name in self.runtimes:
            self.start_sleeper(name, "sleeper", "held")
        self.sleepers = list(self.runtimes)
        execs = {"floor": self.exec_floor("tiny-oci", "held"),
                 **{n: self.command(n, "exec", "held", PROGRAM) for n in self.runtimes}}
        yield Case("oci_exec", "exec", {n: [step(argv)] for n, argv in execs.items()}, rounds=0.5,
                   counted=execs)

    def lives(self):
        """The three commands of each, as steps."""
        folder = "/run/floor%r"
        return {"floor": [step(self.where.floor("create", folder, self.where.rootfs)),
                          step([program("bench/floor"), "start", folder]),
                          step(self.where.floor("delete", folder))],
                **{n: [step(self.command(n, "create", "--bundle", self.where.bundle("plain"),
                                         "l%r")),
                       step(self.command(n, "start", "l%r")),
                       step(self.command(n, "delete", "--force", "l%r"))]
                   for n in self.runtimes}}

    def clean_up(self):
        for name in self.sleepers:
            output(self.command(name, "delete", "--force", "held"), check=False)


def both_versions(paths, where, rounds):
    """`run` where both versions of cgroups are mounted, by those that can do with that."""
    group = OciCases({name: path for name, path in paths.items() if name != "crun"}, where)

    def runs(container):
        return {"floor": group.bare(where.rootfs)["floor"],
                **{name: group.run(name, "plain", container) for name in group.runtimes}}
    return measure_case(Case("hybrid", "run", {n: [step(argv)] for n, argv in runs("h%r").items()},
                             counted=runs("c")), rounds)


class EngineCases:
    """The verbs of an engine, on an overlay over the same files."""

    def __init__(self, engines, where):
        self.engines, self.where = engines, where

    def prove(self):
        host, marker = proof.host_facts(), self.where.marker
        for engine in self.engines:
            for network in ("none", "bridge"):
                text = output(engine.run("--rm", "--network", network, image="probe"))
                proof.check_facts(engine.name, text, marker, host, seccomp=True)
            output(engine.run("-d", "--name", "proof", "--network", "none", image="probe"))
            output(engine.do("wait", "proof"))
            text = output(engine.do("logs", "proof"))
            proof.check_facts(engine.name + " -d", text, marker, host, seccomp=True)
            output(engine.do("rm", "proof"))
            self.prove_exec_and_stop(engine, host, marker)

    def prove_exec_and_stop(self, engine, host, marker):
        output(self.held(engine, "proof", image="probe"))
        output(engine.do("exec", "proof", *READY))
        text = output(engine.do("exec", "proof", PROGRAM))
        proof.check_facts(engine.name + " exec", text, marker, host, seccomp=True)
        output(engine.do("stop", "proof"))
        code = output(engine.do("inspect", "--format", "{{.State.ExitCode}}", "proof")).strip()
        if code != "0":
            raise proof.NotProven("%s: stop ended the program with %s" % (engine.name, code))
        output(engine.do("rm", "proof"))
        if output(engine.do("ps", "-aq")).strip():
            raise proof.NotProven(engine.name + ": rm left a container")

    def each(self, make):
        return {engine.name: make(engine) for engine in self.engines}

    @staticmethod
    def held(engine, name, image="bench"):
        return engine.run("-d", "--name", name, "--network", "none", image=image, args=HELD)

    def cases(self):
        for network in ("none", "bridge"):
            commands = self.each(lambda e, n=network: e.run("--rm", "--network", n))
            if network == "none":
                commands["floor"] = self.where.floor("overlay", self.where.rootfs)
            yield Case("run_" + network, "run --rm, network " + network,
                       {name: [step(argv)] for name, argv in commands.items()}, rounds=0.1,
                       counted=commands)
        yield Case("run_detached", "run -d, network none", {
            "floor": [step(self.where.floor("detached", self.where.rootfs))],
            **self.each(lambda e: [
                step(e.run("-d", "--name", "detached%r", "--network", "none")),
                step(e.do("rm", "-f", "detached%r"), timed=False)])}, rounds=0.1)
        for engine in self.engines:
            output(self.held(engine, "held"))
        execs = self.each(lambda e: e.do("exec", "held", PROGRAM))
        yield Case("exec", "exec", {n: [step(argv)] for n, argv in execs.items()}, rounds=0.1,
                   counted=execs)
        for engine in self.engines:
            output(engine.do("rm", "-f", "held"))
        yield Case("stop", "stop of a program that handles SIGTERM", self.each(lambda e: [
            step(self.held(e, "stop%r"), timed=False),
            step(e.do("exec", "stop%r", *READY), timed=False),
            step(e.do("stop", "stop%r")),
            step(e.do("rm", "stop%r"), timed=False)]), rounds=0.1)
        yield Case("rm", "rm of a container that has ended", {
            "floor": [step(["/bin/cp", "-r", self.record(), "/run/record%r"], timed=False),
                      step([program("bench/floor"), "remove", "/run/record%r"])],
            **self.each(lambda e: [
                step(e.run("--name", "rm%r", "--network", "none"), timed=False),
                step(e.do("rm", "rm%r"))])}, rounds=0.1)

    def record(self):
        """A folder as an ended container has one, for the floor to remove."""
        folder = self.where.folder + "/record"
        os.makedirs(folder)
        for name in ("config.json", "state.json", "container.log"):
            with open(folder + "/" + name, "w", encoding="utf-8") as file:
                file.write("{}")
        return folder


def measure_case(case, rounds):
    """Timings and costs by the subject's name."""
    number = max(5, int(rounds * case.rounds))
    timings = measure.interleave(case.steps, number, warm_up=min(3, number))
    costs = {name: measure.count(argv) for name, argv in case.counted.items()
             if name != "docker"}  # whose work the daemon does
    return {"title": case.title, "timings": timings, "costs": costs}
