#include "runtime/launch/plan_mounts.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

std::string FromBundle(const std::string& bundle, const std::string& path) {
  return absl::StartsWith(path, "/") ? path : absl::StrCat(bundle, "/", path);
}

const oci::Namespace* FindNamespace(const oci::Spec& spec, absl::string_view type) {
  for (const oci::Namespace& space : spec.linux_.namespaces) {
    if (space.type == type) return &space;
  }
  return nullptr;
}

class Planner {
 public:
  Planner(const MountInputs& inputs, IdMapNamespace id_map_namespace)
      : inputs_(inputs), spec_(*inputs.spec), id_map_namespace_(id_map_namespace) {}

  absl::StatusOr<fs::MountPlan> Run();

 private:
  bool HasGid(uint32_t gid) const;
  bool OwnsNetwork() const;
  absl::Status AddRoot();
  absl::Status AddMount(const oci::Mount& mount);
  absl::Status AddCgroup(const fs::Mount& mount);
  absl::Status AddDevice(const oci::Device& device);

  const MountInputs& inputs_;
  const oci::Spec& spec_;
  IdMapNamespace id_map_namespace_;
  fs::MountPlan plan_;
};

bool Planner::HasGid(uint32_t gid) const {
  const std::vector<oci::IdMapping>& mappings = spec_.linux_.gid_mappings;
  if (mappings.empty()) return inputs_.caller == nullptr || inputs_.caller->HasGid(gid);
  return std::any_of(mappings.begin(), mappings.end(), [gid](const oci::IdMapping& map) {
    return gid >= map.container_id && gid - map.container_id < map.size;
  });
}

// Whether the user namespace that the mounts are made in is that of the network namespace: a new
// sysfs shows the latter, and the kernel wants privileges over it.
bool Planner::OwnsNetwork() const {
  const oci::Namespace* network = FindNamespace(spec_, "network");
  if (network == nullptr) return !plan_.user_namespace;
  const oci::Namespace* user = FindNamespace(spec_, "user");
  return network->path.empty() || user == nullptr || !user->path.empty();
}

// The host's, with all that is mounted in it, cgroups above all (CVE-2023-25809), read-only.
void BindSysfs(fs::Mount& mount) {
  mount.type = "bind";
  mount.source = "/sys";
  fs::MountOptions& options = mount.options;
  options.bind = true;
  options.recursive = true;
  options.recursive_set |= options.set | MOUNT_ATTR_RDONLY;
  options.set = options.clear = options.recursive_clear = 0;
  options.data.clear();
}

absl::Status Planner::AddRoot() {
  if (inputs_.overlay != nullptr) {
    plan_.root.lower_dirs = inputs_.overlay->lower_dirs;
    plan_.root.upper_dir = inputs_.overlay->upper_dir;
    plan_.root.work_dir = inputs_.overlay->work_dir;
  } else if (spec_.root.has_value()) {
    plan_.root.path = FromBundle(inputs_.bundle, spec_.root->path);
  } else {
    return absl::InvalidArgumentError("root: the container has no root file system");
  }
  plan_.root.readonly = spec_.root.has_value() && spec_.root->readonly;
  plan_.root.no_pivot = inputs_.no_pivot;
  if (const std::string& name = spec_.linux_.rootfs_propagation; !name.empty()) {
    ASSIGN_OR_RETURN(plan_.root.propagation, fs::ParsePropagation(name));
  }
  return absl::OkStatus();
}

absl::Status Planner::AddMount(const oci::Mount& mount) {
  fs::Mount planned;
  planned.type = mount.type;
  planned.source = mount.source;
  planned.target = mount.destination;
  absl::StatusOr<fs::MountOptions> options = fs::ParseMountOptions(mount.options);
  if (!options.ok()) {
    return Annotate(options.status(), absl::StrCat("mount on ", mount.destination));
  }
  planned.options = *std::move(options);
  const bool bind = mount.type == "bind" || planned.options.bind;
  if (bind) planned.source = FromBundle(inputs_.bundle, mount.source);
  if (mount.type == "cgroup" && !bind) return AddCgroup(planned);

  if (!mount.uid_mappings.empty() || !mount.gid_mappings.empty() ||
      planned.options.id_mapping != fs::IdMapping::kNone) {
    // Without mappings of its own it has the container's.
    const bool own = !mount.uid_mappings.empty() || !mount.gid_mappings.empty();
    ASSIGN_OR_RETURN(planned.id_map_user_namespace,
                     id_map_namespace_(own ? mount.uid_mappings : spec_.linux_.uid_mappings,
                                       own ? mount.gid_mappings : spec_.linux_.gid_mappings));
    if (planned.options.id_mapping == fs::IdMapping::kNone) {
      planned.options.id_mapping = fs::IdMapping::kMount;
    }
  }
  std::vector<std::string>& data = planned.options.data;
  if (mount.type == "devpts") {
    // A group that the user namespace does not have would fail the mount.
    data.erase(std::remove_if(data.begin(), data.end(),
                              [this](absl::string_view option) {
                                uint32_t gid = 0;
                                return absl::ConsumePrefix(&option, "gid=") &&
                                       absl::SimpleAtoi(option, &gid) && plan_.user_namespace &&
                                       !HasGid(gid);
                              }),
               data.end());
  }
  if (mount.type == "sysfs" && !bind && !OwnsNetwork()) BindSysfs(planned);
  plan_.mounts.push_back(std::move(planned));
  return absl::OkStatus();
}

// What a mount of the whole hierarchy is called differs: one file system on version 2; on version 1
// a tmpfs that holds a mount for each tree. Everything is as read-only as the mount asked for is.
absl::Status Planner::AddCgroup(const fs::Mount& mount) {
  const CgroupView& view = inputs_.cgroup;
  fs::Mount part = mount;
  part.options.data.clear();
  const auto add_tree = [&](const std::string& target, const std::string& host_path,
                            const std::string& type, const std::string& data) {
    part.target = target;
    part.options.bind = !view.own_namespace;
    if (view.own_namespace) {
      part.type = part.source = type;
      part.options.data.clear();
      if (!data.empty()) part.options.data = {data};
    } else {
      part.type = "bind";
      part.source = absl::StrCat(host_path, view.path, "/.");
    }
    plan_.mounts.push_back(part);
  };
  if (view.unified) {
    if (view.own_namespace || !plan_.user_namespace) {
      part.type = part.source = "cgroup2";
      plan_.mounts.push_back(part);
    } else {
      add_tree(mount.target, view.unified_path, "cgroup2", "");
    }
    return absl::OkStatus();
  }

  fs::Mount holder = part;
  holder.type = holder.source = "tmpfs";
  holder.options.data = {"mode=755", "size=64k"};
  plan_.mounts.push_back(std::move(holder));
  if (!view.unified_path.empty()) {
    add_tree(absl::StrCat(mount.target, "/unified"), view.unified_path, "cgroup2", "");
  }
  for (const CgroupView::Tree& tree : view.legacy) {
    const std::string name =
        std::string(absl::StripPrefix(absl::StrJoin(tree.controllers, ","), "name="));
    add_tree(absl::StrCat(mount.target, "/", name), tree.host_path, "cgroup",
             absl::StrJoin(tree.controllers, ","));
    if (tree.controllers.size() < 2) continue;
    for (const std::string& controller : tree.controllers) {
      plan_.links.push_back({absl::StrCat(mount.target, "/", controller), name});
    }
  }
  return absl::OkStatus();
}

absl::Status Planner::AddDevice(const oci::Device& device) {
  fs::DeviceNode node;
  node.path = device.path;
  if (device.type == "c" || device.type == "u") {
    node.mode = S_IFCHR;
  } else if (device.type == "b") {
    node.mode = S_IFBLK;
  } else if (device.type == "p") {
    node.mode = S_IFIFO;
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("device ", device.path, ": unknown type \"", device.type, "\""));
  }
  node.mode |= device.file_mode.value_or(0666) & 07777;
  node.number = makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
  node.uid = device.uid.value_or(0);
  node.gid = device.gid.value_or(0);
  const auto same = std::find_if(plan_.devices.begin(), plan_.devices.end(),
                                 [&](const fs::DeviceNode& d) { return d.path == node.path; });
  if (same != plan_.devices.end()) {
    *same = std::move(node);
  } else {
    plan_.devices.push_back(std::move(node));
  }
  return absl::OkStatus();
}

absl::StatusOr<fs::MountPlan> Planner::Run() {
  plan_.user_namespace = FindNamespace(spec_, "user") != nullptr ||
                         (inputs_.caller != nullptr && inputs_.caller->InUserNamespace());
  RETURN_IF_ERROR(AddRoot());
  plan_.mounts.reserve(spec_.mounts.size());
  for (const oci::Mount& mount : spec_.mounts) RETURN_IF_ERROR(AddMount(mount));
  plan_.devices = fs::DefaultDevices();
  for (const oci::Device& device : spec_.linux_.devices) RETURN_IF_ERROR(AddDevice(device));
  if (spec_.process.has_value()) plan_.working_directory = spec_.process->cwd;
  plan_.label = spec_.linux_.mount_label;
  plan_.masked_paths = spec_.linux_.masked_paths;
  plan_.readonly_paths = spec_.linux_.readonly_paths;
  return std::move(plan_);
}

}  // namespace

absl::StatusOr<fs::MountPlan> PlanMounts(const MountInputs& inputs,
                                         IdMapNamespace id_map_namespace) {
  return Planner(inputs, id_map_namespace).Run();
}

}  // namespace tiny::runtime
