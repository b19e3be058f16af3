#include "runtime/spec/spec_mounts.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

using state::ContainerConfig;
using state::MountConfig;

constexpr uint32_t kTtyGroup = 5;

bool Maps(const std::vector<oci::IdMapping>& mappings, uint32_t id) {
  return mappings.empty() ||
         std::any_of(mappings.begin(), mappings.end(), [id](const oci::IdMapping& m) {
           return id >= m.container_id && id - m.container_id < m.size;
         });
}

oci::Mount Make(std::string destination, std::string type, std::string source,
                std::vector<std::string> options) {
  oci::Mount mount;
  mount.destination = std::move(destination);
  mount.type = std::move(type);
  mount.source = std::move(source);
  mount.options = std::move(options);
  return mount;
}

void AddShm(const ContainerConfig& config, const SpecInputs& inputs,
            std::vector<oci::Mount>& mounts) {
  if (config.ipc_mode == "none") return;
  if (config.ipc_mode == "host") {
    mounts.push_back(Make("/dev/shm", "bind", "/dev/shm", {"rbind", "rprivate"}));
  } else if (!inputs.shm_source.empty()) {
    mounts.push_back(Make("/dev/shm", "bind", inputs.shm_source, {"rbind", "rprivate"}));
  } else {
    mounts.push_back(
        Make("/dev/shm", "tmpfs", "shm",
             {"nosuid", "noexec", "nodev", "mode=1777", absl::StrCat("size=", config.shm_size)}));
  }
}

std::vector<oci::Mount> DefaultMounts(const ContainerConfig& config, const SpecInputs& inputs) {
  std::vector<oci::Mount> mounts;
  mounts.push_back(Make("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  mounts.push_back(
      Make("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  std::vector<std::string> pts = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
  if (Maps(inputs.gid_mappings, kTtyGroup)) pts.push_back("gid=5");
  mounts.push_back(Make("/dev/pts", "devpts", "devpts", std::move(pts)));
  const std::string access = config.security.privileged ? "rw" : "ro";
  mounts.push_back(Make("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access}));
  mounts.push_back(Make("/sys/fs/cgroup", "cgroup", "cgroup",
                        {"nosuid", "noexec", "nodev", "relatime", access}));
  mounts.push_back(Make("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  AddShm(config, inputs, mounts);
  return mounts;
}

// The engine's own files in /etc.
std::vector<oci::Mount> EtcMounts(const ContainerConfig& config, const SpecInputs& inputs) {
  std::vector<oci::Mount> mounts;
  const std::pair<const char*, const std::string*> files[] = {
      {"/etc/resolv.conf", &inputs.resolv_conf_file},
      {"/etc/hostname", &inputs.hostname_file},
      {"/etc/hosts", &inputs.hosts_file},
  };
  for (const auto& [destination, source] : files) {
    if (source->empty()) continue;
    std::vector<std::string> options = {"rbind", "rprivate"};
    if (config.read_only) options.push_back("ro");
    mounts.push_back(Make(destination, "bind", *source, std::move(options)));
  }
  return mounts;
}

oci::Mount MakeTmpfs(const MountConfig& mount) {
  std::vector<std::string> options = {"noexec", "nosuid", "nodev"};
  for (absl::string_view option :
       absl::StrSplit(mount.tmpfs_options, ',', absl::SkipWhitespace())) {
    // "exec" takes the default "noexec" back, and so on.
    const std::string opposite =
        absl::StartsWith(option, "no") ? std::string(option.substr(2)) : absl::StrCat("no", option);
    options.erase(std::remove(options.begin(), options.end(), opposite), options.end());
    if (std::find(options.begin(), options.end(), option) == options.end()) {
      options.emplace_back(option);
    }
  }
  if (mount.read_only) options.push_back("ro");
  return Make(mount.destination, "tmpfs", "tmpfs", std::move(options));
}

oci::Mount MakeBind(const MountConfig& mount, const std::string& source) {
  std::vector<std::string> options = {mount.recursive ? "rbind" : "bind"};
  options.push_back(mount.propagation.empty() ? "rprivate" : mount.propagation);
  // Read-only with everything below it, which a plain "ro" is not.
  if (mount.read_only) options.push_back(mount.recursive ? "rro" : "ro");
  return Make(mount.destination, "bind", source, std::move(options));
}

absl::StatusOr<std::vector<oci::Mount>> UserMounts(const ContainerConfig& config,
                                                   const SpecInputs& inputs) {
  std::vector<oci::Mount> mounts;
  for (size_t i = 0; i < config.mounts.size(); ++i) {
    const MountConfig& mount = config.mounts[i];
    if (!absl::StartsWith(mount.destination, "/") || mount.destination == "/") {
      return absl::InvalidArgumentError(absl::StrCat(
          "mount ", mount.destination, ": the destination must be an absolute path other than /"));
    }
    if (mount.type == MountConfig::Type::kTmpfs) {
      mounts.push_back(MakeTmpfs(mount));
      continue;
    }
    if (i >= inputs.mount_sources.size() || inputs.mount_sources[i].empty()) {
      return absl::InvalidArgumentError(absl::StrCat("mount ", mount.destination, ": no source"));
    }
    mounts.push_back(MakeBind(mount, inputs.mount_sources[i]));
  }
  return mounts;
}

ptrdiff_t Depth(const oci::Mount& mount) {
  return std::count(mount.destination.begin(), mount.destination.end(), '/');
}

}  // namespace

absl::StatusOr<std::vector<oci::Mount>> BuildMounts(const ContainerConfig& config,
                                                    const SpecInputs& inputs) {
  ASSIGN_OR_RETURN(const std::vector<oci::Mount> own, UserMounts(config, inputs));
  const auto is_replaced = [&own](const oci::Mount& mount) {
    return std::any_of(own.begin(), own.end(), [&mount](const oci::Mount& o) {
      // Another /dev comes with what is in it.
      return o.destination == mount.destination ||
             (o.destination == "/dev" && absl::StartsWith(mount.destination, "/dev/"));
    });
  };
  std::vector<oci::Mount> mounts = DefaultMounts(config, inputs);
  std::erase_if(mounts, is_replaced);
  // The files are seen in another /etc, too.
  std::vector<oci::Mount> ordered = own;
  for (oci::Mount& mount : EtcMounts(config, inputs)) {
    if (!is_replaced(mount)) ordered.push_back(std::move(mount));
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const oci::Mount& a, const oci::Mount& b) { return Depth(a) < Depth(b); });
  for (oci::Mount& mount : ordered) mounts.push_back(std::move(mount));
  return mounts;
}

std::string RootfsPropagation(const ContainerConfig& config) {
  std::string propagation;
  for (const MountConfig& mount : config.mounts) {
    if (mount.propagation == "shared" || mount.propagation == "rshared") return "shared";
    if (mount.propagation == "slave" || mount.propagation == "rslave") propagation = "slave";
  }
  return propagation;
}

}  // namespace tiny::runtime
