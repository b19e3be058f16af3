#include "oci/cli/bundle.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "fs/clean_path.h"
#include "oci/cli/container_store.h"
#include "oci/cli/glance.h"
#include "oci/cli/idmap_option.h"
#include "oci/cli/known_seccomp.h"
#include "oci/cli/notify_socket.h"
#include "security/capabilities.h"

namespace tiny::oci {
namespace {

// Where the path is absolute and clean, and no symbolic link is on the way, it is the one that the
// kernel would tell.
UniqueFd OpenWithoutSymlinks(const std::string& path, int flags) {
  if (fs::CleanPath(path).value_or("") != path) return UniqueFd();
  open_how how = {};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_NO_SYMLINKS;
  return UniqueFd(
      static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
}

struct Located {
  UniqueFd file;  // O_PATH
  std::string path;
};

// As the kernel tells it: realpath(3) takes a system call for each directory on the way.
absl::StatusOr<Located> Locate(std::string path) {
  if (UniqueFd file = OpenWithoutSymlinks(path, O_PATH)) {
    return Located{std::move(file), std::move(path)};
  }
  UniqueFd file(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) return PosixStatus(errno, path);
  char resolved[PATH_MAX];
  const std::string link = absl::StrCat("/proc/self/fd/", file.get());
  const ssize_t size = readlink(link.c_str(), resolved, sizeof(resolved));
  if (size < 0) return PosixStatus(errno, absl::StrCat("readlink ", link));
  return Located{std::move(file), std::string(resolved, static_cast<size_t>(size))};
}

// The bundle's path and configuration.
absl::Status ReadConfig(absl::string_view path, absl::string_view config, Bundle& bundle) {
  bundle.path = path.empty() ? "." : std::string(path);
  const std::string usual = absl::StrCat(bundle.path, "/config.json");
  if (config.empty()) {
    bundle.file = OpenWithoutSymlinks(usual, O_RDONLY);
    if (bundle.file) {
      ASSIGN_OR_RETURN(bundle.config, ReadRegularFd(bundle.file.get(), usual));
      return absl::OkStatus();
    }
  }
  ASSIGN_OR_RETURN(Located folder, Locate(std::move(bundle.path)));
  bundle.path = std::move(folder.path);
  // What the caller names may be a pipe.
  ASSIGN_OR_RETURN(bundle.config, config.empty() ? ReadRegularFile(usual) : ReadFile(config));
  return absl::OkStatus();
}

// The devices that the specification wants in every container may be used, whatever the rules say;
// what no rule speaks of may not. Of others than the machine's root the kernel takes no rule, and
// it lets them make no device.
void AddDefaultDeviceRules(const security::Caller& caller, Spec& spec) {
  struct Allowed {
    const char* type;
    std::optional<int64_t> major;
    std::optional<int64_t> minor;
    const char* access;
  };
  const Allowed kAllowed[] = {
      {"c", 1, 3, "rwm"}, {"c", 1, 5, "rwm"},                         // null, zero
      {"c", 1, 7, "rwm"}, {"c", 1, 8, "rwm"},                         // full, random
      {"c", 1, 9, "rwm"}, {"c", 5, 0, "rwm"},    {"c", 5, 1, "rwm"},  // urandom, tty, console
      {"c", 5, 2, "rwm"}, {"c", 136, {}, "rwm"},                      // ptmx, pts
  };
  if (!spec.linux_.resources) spec.linux_.resources.emplace();
  if (spec.linux_.resources->devices.empty() && !caller.IsMachineRoot()) return;
  std::vector<DeviceRule>& rules = spec.linux_.resources->devices;
  for (const Allowed& device : kAllowed) {
    DeviceRule rule = {.allow = true,
                       .type = device.type,
                       .major = device.major,
                       .minor = device.minor,
                       .access = device.access};
    // Engines list these themselves, and the last of a rule is the one that counts.
    std::erase(rules, rule);
    rules.push_back(std::move(rule));
  }
}

const char* NonEmptyVariable(const char* name) {
  const char* value = getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

void DropZeroLimits(Resources& resources, absl::string_view oci_version) {
  const auto drop = [](auto& value) {
    if (value && *value == 0) value.reset();
  };
  if (resources.memory) {
    MemoryResources& memory = *resources.memory;
    drop(memory.limit);
    drop(memory.reservation);
    drop(memory.swap);
    drop(memory.kernel);
    drop(memory.kernel_tcp);
  }
  if (resources.cpu) {
    CpuResources& cpu = *resources.cpu;
    drop(cpu.shares);
    drop(cpu.quota);
    drop(cpu.period);
    drop(cpu.realtime_runtime);
    drop(cpu.realtime_period);
  }
  if (resources.block_io) {
    drop(resources.block_io->weight);
    drop(resources.block_io->leaf_weight);
  }
  if (resources.network) drop(resources.network->class_id);
  const std::vector<absl::string_view> version = absl::StrSplit(oci_version, '.');
  int minor = 0;
  if (version.size() > 1 && absl::SimpleAtoi(version[1], &minor) && minor >= 3) {
    if (resources.pids_limit == 0) resources.pids_limit = 1;
  }
  drop(resources.pids_limit);
}

absl::StatusOr<std::string> CgroupPathOf(absl::string_view cgroups_path, absl::string_view id) {
  if (cgroups_path.empty()) return ContainerStore::DefaultCgroup(id);
  const std::vector<absl::string_view> parts = absl::StrSplit(cgroups_path, '/', absl::SkipEmpty());
  if (parts.empty() || std::find(parts.begin(), parts.end(), "..") != parts.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("linux.cgroupsPath: ", cgroups_path, " is no path below the root"));
  }
  std::string path = cgroups_path[0] == '/' ? "" : "/tiny-oci";
  for (const absl::string_view part : parts) {
    if (part != ".") absl::StrAppend(&path, "/", part);
  }
  return path;
}

absl::StatusOr<Bundle> LoadBundle(const Globals& globals, const security::Caller& caller,
                                  absl::string_view path, absl::string_view config,
                                  absl::string_view id, ns::NetworkMaker& network) {
  Bundle bundle;
  RETURN_IF_ERROR(ReadConfig(path, config, bundle));
  const Glance glance = GlanceAt(bundle.config);
  // Where there may be no thread the clone makes it.
  if (glance.new_network) network.Start().IgnoreError();
  absl::StatusOr<Spec> spec = ParseConfig(globals, bundle.config, glance);
  if (!spec.ok()) return Annotate(spec.status(), "config.json");
  bundle.spec = *std::move(spec);
  RETURN_IF_ERROR(ApplyIdmapOptions(bundle.spec));
  if (globals.cgroup_manager != "disabled") AddDefaultDeviceRules(caller, bundle.spec);
  if (bundle.spec.linux_.resources) {
    DropZeroLimits(*bundle.spec.linux_.resources, bundle.spec.oci_version);
  }
  const std::string& root_path = bundle.spec.root->path;
  ASSIGN_OR_RETURN(
      Located root,
      Locate(root_path[0] == '/' ? root_path : absl::StrCat(bundle.path, "/", root_path)));
  bundle.rootfs = std::move(root.path);
  bundle.root = fs::RootedDir(std::move(root.file));
  if (globals.cgroup_manager == "disabled") return bundle;
  if (globals.systemd_cgroup) {
    absl::StatusOr<systemd::UnitName> unit =
        systemd::UnitOfCgroupsPath(bundle.spec.linux_.cgroups_path, id,
                                   caller.IsMachineRoot() ? "system.slice" : "user.slice");
    if (!unit.ok()) return Annotate(unit.status(), "linux.cgroupsPath");
    bundle.unit = *std::move(unit);
    return bundle;
  }
  ASSIGN_OR_RETURN(bundle.cgroup_path, CgroupPathOf(bundle.spec.linux_.cgroups_path, id));
  return bundle;
}

std::string DropUnavailableCapabilities(const Spec& spec, Process& process) {
  std::vector<std::string> dropped;
  if (!process.capabilities) return "";
  const std::vector<Namespace>& namespaces = spec.linux_.namespaces;
  const bool has_user_namespace = std::any_of(namespaces.begin(), namespaces.end(),
                                              [](const Namespace& n) { return n.type == "user"; });
  const security::CapabilitySet available =
      has_user_namespace ? security::kAllCapabilities : security::AvailableCapabilities();
  Capabilities& all = *process.capabilities;
  for (std::vector<std::string>* names :
       {&all.bounding, &all.effective, &all.permitted, &all.inheritable, &all.ambient}) {
    names->erase(
        std::remove_if(names->begin(), names->end(),
                       [&](const std::string& name) {
                         const absl::StatusOr<int> number = security::CapabilityFromName(name);
                         if (number.ok() && available.Has(*number)) return false;
                         if (std::find(dropped.begin(), dropped.end(), name) == dropped.end()) {
                           dropped.push_back(name);
                         }
                         return true;
                       }),
        names->end());
  }
  if (dropped.empty()) return "";
  return absl::StrCat("ignoring unknown or unavailable capabilities: [",
                      absl::StrJoin(dropped, " "), "]");
}

int AddServiceSockets(absl::string_view notify_folder, Spec& spec) {
  std::vector<std::string>& env = spec.process->env;
  if (!notify_folder.empty()) {
    Mount mount;
    mount.destination = kNotifyFolder;
    mount.type = "bind";
    mount.source = std::string(notify_folder);
    mount.options = {"bind", "ro", "nosuid", "noexec", "nodev"};
    spec.mounts.push_back(std::move(mount));
    env.push_back(absl::StrCat("NOTIFY_SOCKET=", kNotifyFolder, "/", kNotifyName));
  }
  int descriptors = 0;
  const char* listen = NonEmptyVariable("LISTEN_FDS");
  if (listen == nullptr || !absl::SimpleAtoi(listen, &descriptors) || descriptors <= 0) return 0;
  env.push_back(absl::StrCat("LISTEN_FDS=", descriptors));
  env.push_back("LISTEN_PID=1");
  if (const char* names = NonEmptyVariable("LISTEN_FDNAMES")) {
    env.push_back(absl::StrCat("LISTEN_FDNAMES=", names));
  }
  return descriptors;
}

}  // namespace tiny::oci
