#include "runtime/launch/plan_namespaces.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ns/user_id_maps.h"
#include "oci/sysctl.h"

namespace tiny::runtime {

bool NamespacePlan::Joins(ns::Kind kind) const {
  return std::any_of(joined.begin(), joined.end(),
                     [kind](const Joined& one) { return one.kind == kind; });
}

ns::IdMap IdMapOf(const std::vector<oci::IdMapping>& mappings) {
  ns::IdMap map;
  for (const oci::IdMapping& mapping : mappings) {
    map.push_back({mapping.container_id, mapping.host_id, mapping.size});
  }
  return map;
}

namespace {

// The host is not set from a container: a path may lead to the namespace that the caller is in.
absl::Status CheckNotOwn(const oci::Spec& spec, const std::string& type, ns::Kind kind, int fd) {
  const char* set = nullptr;
  for (const auto& [key, value] : spec.linux_.sysctl) {
    const absl::StatusOr<std::string> needed = oci::NamespaceOfSysctl(key);
    if (needed.ok() && *needed == type) set = key.c_str();
  }
  if (kind == ns::Kind::kUts && !spec.hostname.empty()) set = "hostname";
  if (kind == ns::Kind::kUts && !spec.domainname.empty()) set = "domainname";
  if (set == nullptr || !ns::IsOwnNamespace(fd, kind)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(set, ": not allowed in the host's ", type, " namespace"));
}

}  // namespace

absl::StatusOr<NamespacePlan> PlanNamespaces(const oci::Spec& config,
                                             const security::Caller* caller) {
  const oci::Linux& spec = config.linux_;
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
    RETURN_IF_ERROR(CheckNotOwn(config, wanted.type, *kind, fd.get()));
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
    // The kernel's price for a map of one's own gid.
    plan.id_maps.deny_setgroups =
        caller != nullptr && caller->IsUser() && ns::MapsOnly(plan.id_maps.gids, getegid());
  }
  for (const auto& [clock, offset] : spec.time_offsets) {
    absl::StrAppend(&plan.time_offsets, clock, " ", offset.secs, " ", offset.nanosecs, "\n");
  }
  return plan;
}

}  // namespace tiny::runtime
