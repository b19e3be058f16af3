#include "cli/explain_shell.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace tiny::cli {
namespace {

constexpr absl::string_view kDefaultCapabilities[] = {
    "CHOWN",   "DAC_OVERRIDE", "FSETID",           "FOWNER",
    "MKNOD",   "NET_RAW",      "SETGID",           "SETUID",
    "SETFCAP", "SETPCAP",      "NET_BIND_SERVICE", "SYS_CHROOT",
    "KILL",    "AUDIT_WRITE"};

std::string NetworkOf(const state::ContainerConfig& config) {
  return config.networks.empty() ? "bridge" : config.networks[0].network;
}

// Writes to the files of a cgroup that a limit means, by version.
std::vector<std::string> LimitLines(const state::ResourceConfig& limits, bool v2) {
  std::vector<std::string> lines;
  const auto put = [&](absl::string_view controller, absl::string_view file2,
                       absl::string_view value2, absl::string_view file1,
                       absl::string_view value1) {
    lines.push_back(v2 ? absl::StrCat("echo ", value2, " > $cgroup/", file2)
                       : absl::StrCat("echo ", value1, " > /sys/fs/cgroup/", controller,
                                      "/tiny/$name/", file1));
  };
  if (limits.memory != 0) {
    const std::string bytes = absl::StrCat(limits.memory);
    put("memory", "memory.max", bytes, "memory.limit_in_bytes", bytes);
  }
  const int64_t period = limits.cpu_period != 0 ? limits.cpu_period : 100000;
  const int64_t quota =
      limits.nano_cpus != 0 ? limits.nano_cpus / 1000 * period / 1000000 : limits.cpu_quota;
  if (quota > 0) {
    put("cpu", "cpu.max", absl::StrCat("'", quota, " ", period, "'"), "cpu.cfs_quota_us",
        absl::StrCat(quota));
  }
  if (limits.cpu_shares != 0) {
    put("cpu", "cpu.weight", absl::StrCat(1 + (limits.cpu_shares - 2) * 9999 / 262142),
        "cpu.shares", absl::StrCat(limits.cpu_shares));
  }
  if (!limits.cpuset_cpus.empty()) {
    put("cpuset", "cpuset.cpus", limits.cpuset_cpus, "cpuset.cpus", limits.cpuset_cpus);
  }
  if (limits.pids_limit > 0) {
    const std::string count = absl::StrCat(limits.pids_limit);
    put("pids", "pids.max", count, "pids.max", count);
  }
  return lines;
}

std::string CgroupPart(const state::ContainerConfig& config, absl::string_view mode) {
  const bool v2 = mode == "v2";
  std::string text =
      "# 1. A cgroup, with its limits written before anything runs in it.\n"
      "#    (tiny makes the process in it at once: clone3 with CLONE_INTO_CGROUP)\n";
  const std::vector<std::string> limits = LimitLines(config.resources, v2);
  if (v2) {
    absl::StrAppend(&text, "cgroup=/sys/fs/cgroup/tiny/$name\nmkdir -p $cgroup\n",
                    "for c in cpu cpuset io memory pids; do\n"
                    "  echo +$c > /sys/fs/cgroup/cgroup.subtree_control\n"
                    "  echo +$c > /sys/fs/cgroup/tiny/cgroup.subtree_control\n"
                    "done 2>/dev/null || true\n");
  } else {
    absl::StrAppend(&text, "controllers='memory cpu cpuset pids'\n",
                    "for c in $controllers; do mkdir -p /sys/fs/cgroup/$c/tiny/$name; done\n");
  }
  for (const std::string& line : limits) absl::StrAppend(&text, line, "\n");
  absl::StrAppend(&text, v2 ? "echo $$ > $cgroup/cgroup.procs\n"
                            : "for c in memory cpu pids; do\n"
                              "  echo $$ > /sys/fs/cgroup/$c/tiny/$name/cgroup.procs\n"
                              "done\n");
  return text;
}

std::string BridgePart(const state::ContainerConfig& config) {
  std::string text =
      "# 2. A network namespace with one end of a veth pair, whose other end is on a bridge, and\n"
      "#    NAT on the way out. (tiny sends all of it in a few netlink messages)\n"
      "ip netns add $name\n"
      "ip link add td0 type bridge 2>/dev/null && ip addr add 10.10.0.1/24 dev td0\n"
      "ip link set td0 up\n"
      "ip link add veth-$name master td0 type veth peer name eth0 netns $name\n"
      "ip link set veth-$name up\n"
      "ip -n $name link set lo up\n"
      "ip -n $name addr add 10.10.0.2/24 dev eth0\n"
      "ip -n $name link set eth0 up\n"
      "ip -n $name route add default via 10.10.0.1\n"
      "echo 1 > /proc/sys/net/ipv4/ip_forward\n"
      "nft add table inet tiny\n"
      "nft 'add chain inet tiny out { type nat hook postrouting priority srcnat; }'\n"
      "nft 'add rule inet tiny out ip saddr 10.10.0.0/24 oifname != \"td0\" masquerade'\n";
  if (!config.ports.empty()) {
    text += "nft 'add chain inet tiny in { type nat hook prerouting priority dstnat; }'\n";
  }
  for (const state::PortMapping& port : config.ports) {
    absl::StrAppend(&text, "nft 'add rule inet tiny in ",
                    port.host_ip.empty() ? "" : absl::StrCat("ip daddr ", port.host_ip, " "),
                    "fib daddr type local ", port.protocol, " dport ", port.host_port,
                    " dnat ip to 10.10.0.2:", port.container_port, "'\n");
  }
  return text + "enter=\"nsenter --net=/run/netns/$name\"\n";
}

std::string NetworkPart(const state::ContainerConfig& config) {
  const std::string network = NetworkOf(config);
  if (network == "none") {
    return "# 2. A network namespace in which there is only the loopback, up.\n"
           "ip netns add $name\nip -n $name link set lo up\n"
           "enter=\"nsenter --net=/run/netns/$name\"\n";
  }
  if (network == "host") return "# 2. The host's own network.\nenter=\n";
  if (absl::StartsWith(network, "container:")) {
    return absl::StrCat("# 2. The network of another container.\n",
                        "enter=\"nsenter --net=/proc/$(tiny inspect -f '{{.State.Pid}}' ",
                        absl::StripPrefix(network, "container:"), ")/ns/net\"\n");
  }
  return BridgePart(config);
}

// The programs that the script runs; a half-made container would be left where one is missing.
std::string ToolsPart(const state::ContainerConfig& config) {
  const std::string network = NetworkOf(config);
  const bool shared = network == "host" || absl::StartsWith(network, "container:");
  return absl::StrCat("for tool in unshare setpriv", shared ? "" : " nsenter ip",
                      shared || network == "none" ? "" : " nft", "; do\n",
                      "  command -v $tool > /dev/null || { echo \"needs $tool\" >&2; exit 1; }\n",
                      "done\n");
}

std::string RootPart(const state::ContainerConfig& config) {
  const std::string rootfs = ShellQuote(config.rootfs);
  if (!config.rootfs_overlay) {
    return absl::StrCat("root=$base/root\nmkdir -p $root\nmount --rbind ", rootfs, " $root\n");
  }
  return absl::StrCat("mount -t tmpfs tmpfs $base\n",
                      "mkdir $base/upper $base/work $base/root\nroot=$base/root\n",
                      "mount -t overlay overlay -o lowerdir=", rootfs,
                      ",upperdir=$base/upper,workdir=$base/work $root\n");
}

std::string MountLine(const state::MountConfig& mount) {
  const std::string target = absl::StrCat("$root", ShellQuote(mount.destination));
  if (mount.type == state::MountConfig::Type::kTmpfs) {
    const std::string options =
        mount.tmpfs_options.empty() ? "" : absl::StrCat(",", mount.tmpfs_options);
    return absl::StrCat("mkdir -p ", target, "; mount -t tmpfs -o nosuid,nodev,noexec",
                        ShellQuote(options), " tmpfs ", target, "\n");
  }
  const bool is_volume = mount.type == state::MountConfig::Type::kVolume;
  const std::string source =
      is_volume ? absl::StrCat("/var/lib/tiny/volumes/", mount.source, "/_data") : mount.source;
  std::string line =
      absl::StrCat("mkdir -p ", target, "; mount --", mount.recursive ? "rbind" : "bind", " ",
                   ShellQuote(source), " ", target, "\n");
  if (mount.read_only) absl::StrAppend(&line, "mount -o remount,bind,ro ", target, "\n");
  return line;
}

std::string MountsPart(const state::ContainerConfig& config) {
  std::string text = RootPart(config);
  absl::StrAppend(
      &text, "mount -t proc -o nosuid,nodev,noexec proc $root/proc\n",
      "mount -t tmpfs -o nosuid,mode=755,size=64m tmpfs $root/dev\n",
      "for d in null zero full random urandom tty; do\n",
      "  touch $root/dev/$d; mount --bind /dev/$d $root/dev/$d\n", "done\n",
      "mkdir $root/dev/pts $root/dev/shm $root/dev/mqueue\n",
      "mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=0666,mode=620,gid=5 devpts "
      "$root/dev/pts\n",
      "ln -s pts/ptmx $root/dev/ptmx\n", "ln -s /proc/self/fd $root/dev/fd\n",
      "ln -s /proc/self/fd/0 $root/dev/stdin\n", "ln -s /proc/self/fd/1 $root/dev/stdout\n",
      "ln -s /proc/self/fd/2 $root/dev/stderr\n",
      "mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=", config.shm_size,
      " shm $root/dev/shm\n", "mount -t mqueue -o nosuid,nodev,noexec mqueue $root/dev/mqueue\n",
      "mount -t sysfs -o nosuid,nodev,noexec,", config.security.privileged ? "rw" : "ro",
      " sysfs $root/sys\n");
  for (const state::MountConfig& mount : config.mounts) text += MountLine(mount);
  if (!config.security.privileged && !config.security.systempaths_unconfined) {
    absl::StrAppend(&text, "for f in kcore keys timer_list; do\n",
                    "  if [ -e $root/proc/$f ]; then mount --bind /dev/null $root/proc/$f; fi\n",
                    "done\n", "for d in bus fs irq sys sysrq-trigger; do\n",
                    "  if [ ! -e $root/proc/$d ]; then continue; fi\n",
                    "  mount --bind $root/proc/$d $root/proc/$d\n",
                    "  mount -o remount,bind,ro $root/proc/$d\n", "done\n");
  }
  if (config.read_only) text += "mount -o remount,bind,ro $root\n";
  return text;
}

std::string CapabilityFlags(const state::SecurityConfig& security) {
  if (security.privileged) return "";
  const auto has = [](const std::vector<std::string>& names, absl::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (has(security.cap_add, "ALL") && security.cap_drop.empty()) return "";
  std::vector<std::string> kept;
  if (!has(security.cap_drop, "ALL")) {
    for (const absl::string_view name : kDefaultCapabilities) {
      if (!has(security.cap_drop, name)) kept.push_back(absl::AsciiStrToLower(name));
    }
  }
  for (const std::string& name : security.cap_add) {
    const std::string lower = absl::AsciiStrToLower(name);
    if (!has(kept, lower)) kept.push_back(lower);
  }
  const std::string set = absl::StrCat("-all", kept.empty() ? "" : ",+", absl::StrJoin(kept, ",+"));
  return absl::StrCat(" --bounding-set=", set, " --inh-caps=-all");
}

std::string ExecPart(const state::ContainerConfig& config, const security::ResolvedUser& user,
                     absl::string_view hostname) {
  std::string line =
      absl::StrCat("exec setpriv", CapabilityFlags(config.security), " --reuid=", user.uid,
                   " --regid=", user.gid, " --groups=", absl::StrJoin(user.additional_gids, ","));
  if (config.security.no_new_privileges) line += " --no-new-privs";
  absl::StrAppend(&line, " env -i HOSTNAME=", ShellQuote(hostname),
                  " HOME=", ShellQuote(user.home));
  for (const std::string& each : config.env) absl::StrAppend(&line, " ", ShellQuote(each));
  for (const auto* words : {&config.entrypoint, &config.command}) {
    for (const std::string& word : *words) absl::StrAppend(&line, " ", ShellQuote(word));
  }
  return line + "\n";
}

std::string UnshareFlags(const state::ContainerConfig& config) {
  std::string flags = "--mount --cgroup";
  if (config.pid_mode.empty()) flags += " --pid --fork";
  if (config.uts_mode.empty()) flags += " --uts";
  if (config.ipc_mode.empty() || config.ipc_mode == "private") flags += " --ipc";
  return flags;
}

std::string CleanUpPart(const state::ContainerConfig& config, absl::string_view mode) {
  std::string text =
      "# 7. The mounts are gone with the namespaces; the rest is not.\n"
      "rmdir $base/root 2>/dev/null || true; rmdir $base\n";
  const std::string network = NetworkOf(config);
  if (network != "host" && !absl::StartsWith(network, "container:")) {
    text += "ip netns del $name\n";
  }
  text += mode == "v2" ? "echo $$ > /sys/fs/cgroup/cgroup.procs; rmdir $cgroup\n"
                       : "for c in $controllers; do\n"
                         "  echo $$ > /sys/fs/cgroup/$c/cgroup.procs; "
                         "rmdir /sys/fs/cgroup/$c/tiny/$name\n"
                         "done\n";
  return text + "exit $code\n";
}

}  // namespace

std::string ShellQuote(absl::string_view text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("-_./=:,+@%", absl::string_view(&c, 1));
  });
  if (plain || text.empty()) return text.empty() ? "''" : std::string(text);
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

std::string ExplainShell(const state::ContainerConfig& config, const security::ResolvedUser& user,
                         absl::string_view cgroup_mode) {
  const std::string name = config.name.empty() ? "by-hand" : config.name;
  const std::string hostname = config.hostname.empty() ? name : config.hostname;
  const std::string folder = config.working_dir.empty() ? "/" : config.working_dir;
  std::string text = absl::StrCat(
      "#!/bin/sh\n# The same container by hand; run this as root.\nset -e\n"
      "PATH=$PATH:/usr/sbin:/sbin\n",
      ToolsPart(config), "name=", name, "\nbase=/run/$name; mkdir -p $base\n\n",
      CgroupPart(config, cgroup_mode), "\n", NetworkPart(config), "\n",
      "# 3. Namespaces of its own for what it sees. What follows runs in them.\n"
      "export name base\n"
      "$enter unshare ",
      UnshareFlags(config), " --propagation private sh -ec \"$(cat <<'INSIDE'\n");
  if (config.uts_mode.empty()) absl::StrAppend(&text, "hostname ", ShellQuote(hostname), "\n");
  absl::StrAppend(
      &text,
      "\n# 4. Its files. (tiny makes mounts as descriptors, by fsopen and "
      "move_mount, and follows no\n#    link of the root file system)\n",
      MountsPart(config),
      "\n# 5. The root becomes /, and the host's files go out of sight.\n"
      "cd $root\npivot_root . .\numount -l .\n",
      "cd ", ShellQuote(folder), "\n\n",
      "# 6. Fewer rights, then the program. (setpriv and env are those of the root file "
      "system. The\n#    filter of system calls, which tiny loads here, has no "
      "command.)\n",
      ExecPart(config, user, hostname), "INSIDE\n)\" && code=0 || code=$?\n\n",
      CleanUpPart(config, cgroup_mode));
  return text;
}

}  // namespace tiny::cli
