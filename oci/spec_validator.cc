#include "oci/spec_validator.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "oci/resources_validator.h"
#include "oci/sysctl.h"

namespace tiny::oci {
namespace {

absl::Status Wrong(absl::string_view path, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", rule));
}

std::string Element(absl::string_view list, size_t index, absl::string_view field = "") {
  return absl::StrCat(list, "[", index, "]", field.empty() ? "" : ".", field);
}

template <typename List>
bool IsOneOf(absl::string_view text, const List& list) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

constexpr std::array<absl::string_view, 8> kNamespaces = {"pid", "network", "mount",  "ipc",
                                                          "uts", "user",    "cgroup", "time"};
constexpr std::array<absl::string_view, 16> kRlimits = {
    "RLIMIT_AS",     "RLIMIT_CORE",   "RLIMIT_CPU",        "RLIMIT_DATA",
    "RLIMIT_FSIZE",  "RLIMIT_LOCKS",  "RLIMIT_MEMLOCK",    "RLIMIT_MSGQUEUE",
    "RLIMIT_NICE",   "RLIMIT_NOFILE", "RLIMIT_NPROC",      "RLIMIT_RSS",
    "RLIMIT_RTPRIO", "RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK"};
constexpr std::array<absl::string_view, 7> kSchedulers = {
    "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",      "SCHED_BATCH",
    "SCHED_ISO",   "SCHED_IDLE", "SCHED_DEADLINE"};
constexpr std::array<absl::string_view, 3> kIoClasses = {"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE",
                                                         "IOPRIO_CLASS_IDLE"};
constexpr std::array<absl::string_view, 8> kPropagations = {
    "private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"};
// What lxcfs mounts over; anything else under /proc would deceive the container's own tools.
constexpr std::array<absl::string_view, 10> kProcTargets = {"/proc/cpuinfo",
                                                            "/proc/diskstats",
                                                            "/proc/meminfo",
                                                            "/proc/stat",
                                                            "/proc/swaps",
                                                            "/proc/uptime",
                                                            "/proc/loadavg",
                                                            "/proc/slabinfo",
                                                            "/proc/sys/kernel/ns_last_pid",
                                                            "/proc/sys/crypto/fips_enabled"};

bool IsAbsolute(absl::string_view path) { return absl::StartsWith(path, "/"); }

// "/", and "//", "/." and "/a/..", too.
bool IsRoot(absl::string_view path) {
  int depth = 0;
  for (const absl::string_view component : absl::StrSplit(path, '/')) {
    if (component.empty() || component == ".") continue;
    depth = component == ".." ? std::max(depth - 1, 0) : depth + 1;
  }
  return depth == 0;
}

// "1.2.0", "1.0.2-dev": SemVer 2.0 with the major version 1.
bool IsSupportedVersion(absl::string_view version) {
  const absl::string_view core = version.substr(0, version.find_first_of("-+"));
  const std::vector<absl::string_view> parts = absl::StrSplit(core, '.');
  return parts.size() == 3 && parts[0] == "1" &&
         std::all_of(parts.begin(), parts.end(), [](absl::string_view part) {
           return !part.empty() && std::all_of(part.begin(), part.end(), absl::ascii_isdigit);
         });
}

absl::Status ValidateRlimits(const std::vector<Rlimit>& rlimits) {
  std::set<std::string> seen;
  for (size_t i = 0; i < rlimits.size(); ++i) {
    const Rlimit& rlimit = rlimits[i];
    const std::string path = Element("process.rlimits", i, "type");
    if (!IsOneOf(rlimit.type, kRlimits)) {
      return Wrong(path, absl::StrCat("unknown limit ", rlimit.type));
    }
    if (!seen.insert(rlimit.type).second) {
      return Wrong(path, absl::StrCat(rlimit.type, " is there twice"));
    }
    if (rlimit.soft > rlimit.hard) {
      return Wrong(Element("process.rlimits", i, "soft"), "must not be above hard");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateScheduling(const Process& process) {
  if (process.scheduler && !IsOneOf(process.scheduler->policy, kSchedulers)) {
    return Wrong("process.scheduler.policy",
                 absl::StrCat("unknown policy ", process.scheduler->policy));
  }
  if (process.io_priority) {
    if (!IsOneOf(process.io_priority->class_name, kIoClasses)) {
      return Wrong("process.ioPriority.class",
                   absl::StrCat("unknown class ", process.io_priority->class_name));
    }
    if (process.io_priority->priority < 0 || process.io_priority->priority > 7) {
      return Wrong("process.ioPriority.priority", "must be 0 to 7");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateMounts(const std::vector<Mount>& mounts) {
  for (size_t i = 0; i < mounts.size(); ++i) {
    const Mount& mount = mounts[i];
    if (!IsAbsolute(mount.destination)) {
      return Wrong(Element("mounts", i, "destination"), "must be an absolute path");
    }
    if (absl::StartsWith(mount.destination, "/proc/") &&
        !IsOneOf(mount.destination, kProcTargets)) {
      return Wrong(Element("mounts", i, "destination"),
                   absl::StrCat(mount.destination, " is inside /proc"));
    }
    if (mount.uid_mappings.empty() != mount.gid_mappings.empty()) {
      return Wrong(Element("mounts", i), "uidMappings and gidMappings must be given together");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateHooks(const Hooks& hooks) {
  const std::pair<const char*, const std::vector<Hook>*> kinds[] = {
      {"hooks.prestart", &hooks.prestart},
      {"hooks.createRuntime", &hooks.create_runtime},
      {"hooks.createContainer", &hooks.create_container},
      {"hooks.startContainer", &hooks.start_container},
      {"hooks.poststart", &hooks.poststart},
      {"hooks.poststop", &hooks.poststop},
  };
  for (const auto& [name, list] : kinds) {
    for (size_t i = 0; i < list->size(); ++i) {
      const Hook& hook = (*list)[i];
      if (!IsAbsolute(hook.path))
        return Wrong(Element(name, i, "path"), "must be an absolute path");
      if (hook.timeout && *hook.timeout <= 0) {
        return Wrong(Element(name, i, "timeout"), "must be greater than zero");
      }
    }
  }
  return absl::OkStatus();
}

bool HasNamespace(const Linux& config, absl::string_view type) {
  return std::any_of(config.namespaces.begin(), config.namespaces.end(),
                     [type](const Namespace& ns) { return ns.type == type; });
}

absl::Status ValidateNamespaces(const Linux& config) {
  std::set<std::string> seen;
  for (size_t i = 0; i < config.namespaces.size(); ++i) {
    const Namespace& ns = config.namespaces[i];
    if (!IsOneOf(ns.type, kNamespaces)) {
      return Wrong(Element("linux.namespaces", i, "type"),
                   absl::StrCat("unknown namespace ", ns.type));
    }
    if (!seen.insert(ns.type).second) {
      return Wrong(Element("linux.namespaces", i, "type"),
                   absl::StrCat(ns.type, " is there twice"));
    }
    if (!ns.path.empty() && !IsAbsolute(ns.path)) {
      return Wrong(Element("linux.namespaces", i, "path"), "must be an absolute path");
    }
  }
  if (!HasNamespace(config, "mount") &&
      (!config.masked_paths.empty() || !config.readonly_paths.empty())) {
    return Wrong("linux.maskedPaths", "needs a mount namespace in linux.namespaces");
  }
  return absl::OkStatus();
}

absl::Status ValidateMappings(const Linux& config) {
  const bool user = HasNamespace(config, "user");
  if (!user && (!config.uid_mappings.empty() || !config.gid_mappings.empty())) {
    return Wrong("linux.uidMappings", "needs a user namespace in linux.namespaces");
  }
  const std::pair<const char*, const std::vector<IdMapping>*> lists[] = {
      {"linux.uidMappings", &config.uid_mappings}, {"linux.gidMappings", &config.gid_mappings}};
  for (const auto& [name, list] : lists) {
    for (size_t i = 0; i < list->size(); ++i) {
      const IdMapping& m = (*list)[i];
      if (m.size == 0 || uint64_t{m.container_id} + m.size > uint64_t{UINT32_MAX} ||
          uint64_t{m.host_id} + m.size > uint64_t{UINT32_MAX}) {
        return Wrong(Element(name, i, "size"), "the range is empty or ends past 4294967294");
      }
    }
  }
  if (!config.time_offsets.empty() && !HasNamespace(config, "time")) {
    return Wrong("linux.timeOffsets", "needs a time namespace in linux.namespaces");
  }
  for (const auto& [clock, offset] : config.time_offsets) {
    if (clock != "monotonic" && clock != "boottime") {
      return Wrong("linux.timeOffsets", absl::StrCat("unknown clock ", clock));
    }
    if (offset.nanosecs > 999999999) {
      return Wrong(absl::StrCat("linux.timeOffsets.", clock, ".nanosecs"), "is over 999999999");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateDevices(const std::vector<Device>& devices) {
  constexpr std::array<absl::string_view, 4> kTypes = {"c", "b", "u", "p"};
  for (size_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    if (!IsOneOf(device.type, kTypes)) {
      return Wrong(Element("linux.devices", i, "type"), absl::StrCat("unknown type ", device.type));
    }
    if (!IsAbsolute(device.path)) {
      return Wrong(Element("linux.devices", i, "path"), "must be an absolute path");
    }
    if (device.major < 0 || device.minor < 0) {
      return Wrong(Element("linux.devices", i), "major and minor must not be negative");
    }
    // What the kernel's dev_t holds: 12 and 20 bits.
    if (device.major > 0xfff || device.minor > 0xfffff) {
      return Wrong(Element("linux.devices", i), "no device has such a major or minor number");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateSysctls(const Linux& config, bool has_hostname) {
  for (const auto& [key, value] : config.sysctl) {
    const std::string path = absl::StrCat("linux.sysctl.", key);
    if (absl::StrContains(value, '\n')) return Wrong(path, "must be one line");
    const absl::StatusOr<std::string> needed = NamespaceOfSysctl(key);
    if (!needed.ok()) return Wrong(path, needed.status().message());
    if (!HasNamespace(config, *needed)) {
      return Wrong(path, absl::StrCat("needs a ", *needed, " namespace in linux.namespaces"));
    }
    if (has_hostname && absl::EndsWith(key, "hostname")) {
      return Wrong(path, "is in conflict with hostname");
    }
  }
  return absl::OkStatus();
}

// A path that stays below the folder that it starts from.
bool StaysInside(absl::string_view path) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  return std::find(parts.begin(), parts.end(), "..") == parts.end();
}

absl::Status ValidatePaths(const Linux& config) {
  if (!StaysInside(config.cgroups_path) || config.cgroups_path.size() > 4096) {
    return Wrong("linux.cgroupsPath", "must not leave the parent by \"..\"");
  }
  const std::pair<const char*, const std::vector<std::string>*> lists[] = {
      {"linux.maskedPaths", &config.masked_paths}, {"linux.readonlyPaths", &config.readonly_paths}};
  for (const auto& [name, list] : lists) {
    for (size_t i = 0; i < list->size(); ++i) {
      if (!IsAbsolute((*list)[i])) return Wrong(Element(name, i), "must be an absolute path");
      if (list == &config.masked_paths && IsRoot((*list)[i])) {
        return Wrong(Element(name, i),
                     absl::StrCat((*list)[i], " is the root itself, which can't be masked"));
      }
    }
  }
  if (!config.rootfs_propagation.empty() && !IsOneOf(config.rootfs_propagation, kPropagations)) {
    return Wrong("linux.rootfsPropagation",
                 absl::StrCat("unknown propagation ", config.rootfs_propagation));
  }
  return absl::OkStatus();
}

absl::Status ValidateNetDevices(const Linux& config) {
  constexpr size_t kMaxInterfaceName = 15;
  const auto is_name = [](absl::string_view name) {
    return name.size() <= kMaxInterfaceName && name != "." && name != ".." &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return absl::ascii_isgraph(c) && c != '/' && c != ':'; });
  };
  for (const auto& [name, device] : config.net_devices) {
    if (name.empty() || !is_name(name) || !is_name(device.name)) {
      return Wrong("linux.netDevices", absl::StrCat(name, " is no name of an interface"));
    }
  }
  if (!config.net_devices.empty() && !HasNamespace(config, "network")) {
    return Wrong("linux.netDevices", "needs a network namespace in linux.namespaces");
  }
  return absl::OkStatus();
}

absl::Status ValidateIntelRdt(const IntelRdt& rdt) {
  if (absl::StrContains(rdt.clos_id, '/') || rdt.clos_id == "." || rdt.clos_id == "..") {
    return Wrong("linux.intelRdt.closID", "must be a name, not a path");
  }
  const std::string& bandwidth = rdt.mem_bw_schema;
  if (!bandwidth.empty() &&
      (!absl::StartsWith(bandwidth, "MB:") || absl::StrContains(bandwidth, '\n'))) {
    return Wrong("linux.intelRdt.memBwSchema", "must be one line that begins with MB:");
  }
  return absl::OkStatus();
}

absl::Status ValidateSeccomp(const Seccomp& config) {
  constexpr absl::string_view kNotify = "SCMP_ACT_NOTIFY";
  // By that call the container's process tells that there is somebody to ask.
  constexpr absl::string_view kTelling = "write";
  bool notifies = false;
  if (config.default_action.empty()) {
    return Wrong("linux.seccomp.defaultAction", "is required");
  }
  if (config.default_action == kNotify) {
    return Wrong("linux.seccomp.defaultAction", "can't be SCMP_ACT_NOTIFY");
  }
  for (size_t i = 0; i < config.syscalls.size(); ++i) {
    const std::vector<std::string>& names = config.syscalls[i].names;
    if (config.syscalls[i].action == kNotify &&
        std::find(names.begin(), names.end(), kTelling) != names.end()) {
      return Wrong(Element("linux.seccomp.syscalls", i, "action"),
                   "can't be SCMP_ACT_NOTIFY for write");
    }
    notifies |= config.syscalls[i].action == kNotify;
    if (config.syscalls[i].names.empty()) {
      return Wrong(Element("linux.seccomp.syscalls", i, "names"), "must have an entry");
    }
  }
  if (!config.listener_path.empty()) return absl::OkStatus();
  if (notifies) {
    return Wrong("linux.seccomp.listenerPath", "is required by SCMP_ACT_NOTIFY");
  }
  if (!config.listener_metadata.empty()) {
    return Wrong("linux.seccomp.listenerMetadata", "needs listenerPath");
  }
  return absl::OkStatus();
}

absl::Status ValidateLinux(const Linux& config, bool has_hostname) {
  RETURN_IF_ERROR(ValidateNamespaces(config));
  RETURN_IF_ERROR(ValidateMappings(config));
  RETURN_IF_ERROR(ValidateDevices(config.devices));
  RETURN_IF_ERROR(ValidateSysctls(config, has_hostname));
  RETURN_IF_ERROR(ValidatePaths(config));
  RETURN_IF_ERROR(ValidateNetDevices(config));
  if (config.resources) RETURN_IF_ERROR(ValidateResources(*config.resources));
  if (config.seccomp) RETURN_IF_ERROR(ValidateSeccomp(*config.seccomp));
  if (config.personality && config.personality->domain != "LINUX" &&
      config.personality->domain != "LINUX32") {
    return Wrong("linux.personality.domain",
                 absl::StrCat("unknown domain ", config.personality->domain));
  }
  if (config.intel_rdt) RETURN_IF_ERROR(ValidateIntelRdt(*config.intel_rdt));
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateProcess(const Process& process) {
  if (!IsAbsolute(process.cwd)) return Wrong("process.cwd", "must be an absolute path");
  if (process.args.empty() || process.args[0].empty()) {
    return Wrong("process.args", "must name a program");
  }
  for (size_t i = 0; i < process.env.size(); ++i) {
    const size_t equals = process.env[i].find('=');
    if (equals == std::string::npos || equals == 0) {
      return Wrong(Element("process.env", i, ""),
                   absl::StrCat("\"", process.env[i], "\" is not of the form NAME=value"));
    }
  }
  if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000)) {
    return Wrong("process.oomScoreAdj", "must be -1000 to 1000");
  }
  if (process.user.uid == UINT32_MAX || process.user.gid == UINT32_MAX) {
    return Wrong("process.user", "4294967295 is no id");
  }
  if (process.user.umask && *process.user.umask > 0777) {
    return Wrong("process.user.umask", "has bits that a mask has not");
  }
  RETURN_IF_ERROR(ValidateRlimits(process.rlimits));
  return ValidateScheduling(process);
}

absl::Status ValidateSpec(const Spec& spec) {
  if (!IsSupportedVersion(spec.oci_version)) {
    return Wrong("ociVersion", absl::StrCat("\"", spec.oci_version,
                                            "\" is not a version 1 of the specification"));
  }
  if (!spec.root || spec.root->path.empty()) return Wrong("root.path", "is required");
  if (spec.process) RETURN_IF_ERROR(ValidateProcess(*spec.process));
  const bool has_hostname = !spec.hostname.empty();
  if ((has_hostname || !spec.domainname.empty()) && !HasNamespace(spec.linux_, "uts")) {
    return Wrong(has_hostname ? "hostname" : "domainname",
                 "needs a uts namespace in linux.namespaces");
  }
  RETURN_IF_ERROR(ValidateMounts(spec.mounts));
  RETURN_IF_ERROR(ValidateHooks(spec.hooks));
  if (spec.annotations.count("") > 0) return Wrong("annotations", "a key must not be empty");
  return ValidateLinux(spec.linux_, has_hostname);
}

}  // namespace tiny::oci
