#include "runtime/launch/plan_namespaces.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace tiny::runtime {

ns::IdMap IdMapOf(const std::vector<oci::IdMapping>& mappings) {
  ns::IdMap map;
  for (const oci::IdMapping& mapping : mappings) {
    map.push_back({mapping.container_id, mapping.host_id, mapping.size});
  }
  return map;
}

absl::StatusOr<NamespacePlan> PlanNamespaces(const oci::Linux& spec) {
  NamespacePlan plan;
  bool has_mount = false;
  for (const oci::Namespace& wanted : spec.namespaces) {
    const std::optional<ns::Kind> kind = ns::KindFromSpec(wanted.type);
    if (!kind.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("linux.namespaces: no such type: \"", wanted.type, "\""));
    }
    has_mount = has_mount || *kind == ns::Kind::kMount;
    if (wanted.path.empty()) {
      plan.fresh |= ns::CloneFlag(*kind);
      continue;
    }
    ASSIGN_OR_RETURN(UniqueFd fd, ns::OpenNamespacePath(wanted.path, *kind));
    plan.joined.push_back({*kind, std::move(fd)});
  }
  // pivot_root(2) would give the whole machine the container's root.
  if (!has_mount) {
    return absl::InvalidArgumentError(
        "linux.namespaces: a container without a mount namespace is not supported");
  }
  if (plan.IsFresh(ns::Kind::kUser)) {
    plan.id_maps.uids = IdMapOf(spec.uid_mappings);
    plan.id_maps.gids = IdMapOf(spec.gid_mappings);
  }
  for (const auto& [clock, offset] : spec.time_offsets) {
    absl::StrAppend(&plan.time_offsets, clock, " ", offset.secs, " ", offset.nanosecs, "\n");
  }
  return plan;
}

}  // namespace tiny::runtime
