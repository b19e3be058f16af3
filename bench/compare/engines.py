"""tiny, podman and Docker as one: the same verbs, each with folders of its own."""

import os
import subprocess
import time

import peers
from place import PROGRAM

TIMEOUT = 60


def output(command, check=True):
    """What a command writes to stdout; its stderr is shown where it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=4 * TIMEOUT, check=False)
    if check and done.returncode:
        raise RuntimeError("%s: exit code %d: %s" % (" ".join(command), done.returncode,
                                                     done.stderr))
    return done.stdout


class Engine:
    """`command` is the program with its folders; `images` say which root file system."""

    run_flags = []
    images = {}

    def run(self, *flags, image="bench", args=(PROGRAM,), verb="run"):
        return [*self.command, verb, *self.run_flags, *flags, *self.images[image], *args]

    def do(self, *args):
        return [*self.command, *args]

    def remove_all(self, names):
        for i in range(0, len(names), 100):
            output(self.do("rm", "-f", *names[i:i + 100]))

    def stop_daemon(self):
        pass


class Tiny(Engine):
    name = "tiny"
    shim = "tiny-supervisor"

    def __init__(self, paths, where, suffix=":O"):
        self.command = [paths["tiny"], "--root", where.folder + "/tiny", "--run-root", "/run/tiny"]
        self.run_flags = ["--cgroup-parent", "/" + where.marker]
        self.images = {"bench": ["--rootfs", where.rootfs + suffix],
                       "probe": ["--rootfs", where.probe + suffix]}


class Podman(Engine):
    name = "podman"
    shim = "conmon"
    images = {"bench": ["bench"], "probe": ["probe"]}

    def __init__(self, paths, where):
        folder = where.folder + "/podman"
        os.makedirs(folder)
        config = folder + "/containers.conf"
        root = peers.engine.ROOT
        # conmon runs podman again, with these variables alone.
        variables = ", ".join('"%s=%s"' % (name, os.environ[name]) for name in
                              ("PATH", "XTABLES_LIBDIR") if name in os.environ)
        with open(config, "w", encoding="utf-8") as file:
            file.write('[engine]\nconmon_path = ["%s/usr/bin/conmon", "/usr/bin/conmon"]\n'
                       'conmon_env_vars = [%s, "CONTAINERS_CONF=%s"]\n'
                       'helper_binaries_dir = ["%s/usr/lib/podman", "/usr/lib/podman"]\n'
                       % (root, variables, config, root))
            file.write('[network]\nnetwork_backend = "netavark"\n'
                       'network_config_dir = "%s/networks"\n' % folder)
            # Its default of 1048576 needs CAP_SYS_RESOURCE.
            file.write('[containers]\ndefault_ulimits = ["nofile=1024:2048", "nproc=1024:1024"]\n')
            if where.seccomp_path:
                file.write('seccomp_profile = "%s"\n' % where.seccomp_path)
        with open(folder + "/policy.json", "w", encoding="utf-8") as file:
            file.write('{"default": [{"type": "insecureAcceptAnything"}]}')
        os.environ["CONTAINERS_CONF"] = config
        self.run_flags = ["--cgroup-parent", "/" + where.marker]
        self.command = [paths["podman"], "--root", folder + "/graph", "--runroot", "/run/podman",
                        "--tmpdir", "/run/podman-tmp", "--storage-driver", "overlay",
                        "--cgroup-manager", "cgroupfs", "--events-backend", "none",
                        "--runtime", paths["crun" if "crun" in paths else "runc"]]
        for name, rootfs in (("bench", where.rootfs), ("probe", where.probe)):
            output(self.do("import", "--signature-policy", folder + "/policy.json",
                           where.image(rootfs), name))


class Docker(Engine):
    name = "docker"
    shim = "containerd-shim-runc-v2"
    images = {"bench": ["bench"], "probe": ["probe"]}

    def __init__(self, paths, where):
        folder = where.folder + "/docker"
        os.makedirs(folder)
        socket = "unix://" + folder + "/sock"
        self.command = [paths["docker"], "-H", socket]
        self.log = open(folder + "/log", "w+", encoding="utf-8")
        self.daemon = subprocess.Popen(
            [paths["dockerd"], "--data-root", folder + "/data", "--exec-root", "/run/docker-exec",
             "--pidfile", folder + "/pid", "-H", socket, "--ip6tables=false", "--storage-driver",
             "overlay2", "--cgroup-parent", "/" + where.marker, "--exec-opt",
             "native.cgroupdriver=cgroupfs"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + TIMEOUT
        while subprocess.run(self.do("version"), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, check=False).returncode:
            if time.monotonic() > deadline or self.daemon.poll() is not None:
                self.stop_daemon()
                self.log.seek(0)
                raise RuntimeError("dockerd does not start: " + self.log.read()[-2000:])
            time.sleep(0.1)
        for name, rootfs in (("bench", where.rootfs), ("probe", where.probe)):
            output(self.do("import", where.image(rootfs), name))

    def stop_daemon(self):
        self.daemon.terminate()
        self.daemon.wait(timeout=TIMEOUT)
