"""A real systemd for tests: first process of a pid namespace, with a cgroup tree of its own.

Debian's packages are unpacked into a folder, as those of the engines are. The machine's own
systemd, where it has one, is not involved: namespaces of processes, mounts, cgroups and networks
are the test's, and its cgroup is a new one of the version 2 tree.
"""

import os
import shlex
import subprocess
import sys
import tempfile

import engine

CACHE = os.environ.get("TINY_SYSTEMD", "/var/tmp/tiny-systemd")
ROOT = os.path.join(CACHE, "root")
PACKAGES = ["systemd", "libsystemd-shared", "dbus-daemon"]
LIBRARIES = [ROOT + "/usr/lib/x86_64-linux-gnu/systemd", ROOT + "/usr/lib/x86_64-linux-gnu",
             ROOT + "/lib/x86_64-linux-gnu"]
SYSTEMD = next((path for path in (ROOT + "/usr/lib/systemd/systemd", ROOT + "/lib/systemd/systemd")
                if os.path.exists(path)), ROOT + "/lib/systemd/systemd")

# Nothing but a message bus: as Debian's units have it, with a bus that lets everybody talk.
UNITS = {
    "default.target": "[Unit]\nRequires=dbus.socket\nAfter=dbus.socket\n",
    "dbus.socket": "[Unit]\nDefaultDependencies=no\n"
                   "[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
    "dbus.service": "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n"
                    "[Service]\nType=notify\nNotifyAccess=main\n"
                    "Environment=LD_LIBRARY_PATH=%s\n"
                    "ExecStart=%s/usr/bin/dbus-daemon --config-file=/run/bus.conf --nofork "
                    "--address=systemd: --nopidfile --systemd-activation\n" % (":".join(LIBRARIES), ROOT),
}
BUS = """<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
<auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_type="method_call"/><allow send_destination="*"/><allow receive_sender="*"/>
<allow eavesdrop="false"/></policy></busconfig>"""

# The tests are systemd's child, as it can only be told of processes that it sees. What they exit
# with goes to descriptor 3.
INSIDE = """
mount --make-rprivate / && mount -t proc proc /proc && umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t tmpfs tmpfs /run && ip link set lo up || exit 1
mkdir -p /run/units /run/dbus && cp %(units)s/*.* /run/units/ && mv /run/units/bus.conf /run/
("$@"; echo $? >&3) &
exec 3>&-
export container=tiny-test SYSTEMD_UNIT_PATH=/run/units LD_LIBRARY_PATH=%(libraries)s
export SYSTEMD_GENERATOR_PATH=/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/none
exec %(systemd)s --system --log-level=warning --log-target=console --show-status=no
"""


def make_cgroup(scratch):
    """A new cgroup of the version 2 tree, and where the tree was mounted for it."""
    tree = os.path.join(scratch, "cgroup")
    os.mkdir(tree)
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", tree], check=True)
    folder = os.path.join(tree, os.path.basename(scratch))
    os.mkdir(folder)
    return tree, folder


def remove(folder):
    """Removes a cgroup with those in it; False while it is in use."""
    for below, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(below)
        except OSError:
            return False
    return True


def main(unittest_main):
    """Runs the tests below a systemd; in there it is `unittest_main` that is called."""
    if "TINY_SYSTEMD_INSIDE" in os.environ:
        engine.use_libraries()
        unittest_main()
        return
    engine.fetch()
    engine.unpack(PACKAGES, CACHE)
    os.environ["TINY_SYSTEMD_INSIDE"] = "1"
    os.environ["TINY_OCI"] = engine.runtime.find_runtime()
    scratch = tempfile.mkdtemp(prefix="tiny-systemd-", dir="/var/tmp")
    for name, text in {**UNITS, "bus.conf": BUS}.items():
        with open(os.path.join(scratch, name), "w", encoding="utf-8") as file:
            file.write(text)
    tree, folder = make_cgroup(scratch)
    script = INSIDE % {"units": shlex.quote(scratch), "systemd": SYSTEMD,
                       "libraries": ":".join(LIBRARIES)}
    read, write = os.pipe()

    def enter():
        os.dup2(write, 3)
        with open(os.path.join(folder, "cgroup.procs"), "w", encoding="utf-8") as procs:
            procs.write("0")
    machine = subprocess.Popen(
        ["unshare", "--cgroup", "--pid", "--mount", "--net", "--ipc", "--uts", "--fork",
         "--kill-child", "sh", "-c", script, "sh", sys.executable, *sys.argv],
        preexec_fn=enter, pass_fds=[3], stdin=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as result:
        code = result.readline().strip()
    machine.kill()
    machine.wait()
    # Those that systemd had are dead or dying now.
    engine.EngineTest("engine").wait_until(lambda: remove(folder), folder)
    subprocess.run(["umount", tree], check=False)
    subprocess.run(["rm", "-rf", "--one-file-system", scratch], check=False)
    sys.exit(int(code) if code else 1)
