// The mounts of an OCI spec as fs's plan.
#ifndef TINY_RUNTIME_LAUNCH_PLAN_MOUNTS_H_
#define TINY_RUNTIME_LAUNCH_PLAN_MOUNTS_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "fs/mount_plan.h"
#include "oci/spec.h"
#include "runtime/launch/launch.h"
#include "security/caller.h"

namespace tiny::runtime {

// What a mount of type "cgroup" stands for on this machine.
struct CgroupView {
  bool unified = true;       // version 2 alone
  std::string unified_path;  // on hybrid machines and version 2: where the host has that tree
  // The version 1 trees that the container's cgroup is in: those that it shall see.
  struct Tree {
    std::string host_path;                 // "/sys/fs/cgroup/cpu,cpuacct"
    std::vector<std::string> controllers;  // "cpu", "cpuacct"
  };
  std::vector<Tree> legacy;
  std::string path;           // "/tiny/<id>": the container's, in every tree
  bool own_namespace = true;  // the child has unshared its cgroup namespace in there
};

// A user namespace with these id maps, as a descriptor that lives as long as the plan is not yet
// compiled.
using IdMapNamespace = absl::FunctionRef<absl::StatusOr<int>(
    const std::vector<oci::IdMapping>& uids, const std::vector<oci::IdMapping>& gids)>;

struct MountInputs {
  const oci::Spec* spec = nullptr;
  std::string bundle;  // what relative paths are relative to
  const OverlayRoot* overlay = nullptr;
  bool no_pivot = false;
  const security::Caller* caller = nullptr;  // null: the machine's root
  CgroupView cgroup;
};

// kInvalidArgument for a mount option or a path that is none. Pure, but for what it asks `caller`,
// and for `id_map_namespace`, which is called for each mount with id mappings.
absl::StatusOr<fs::MountPlan> PlanMounts(const MountInputs& inputs,
                                         IdMapNamespace id_map_namespace);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_PLAN_MOUNTS_H_
