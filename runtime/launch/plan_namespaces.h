// linux.namespaces, id mappings and time offsets of a spec as part of ns's plan.
#ifndef TINY_RUNTIME_LAUNCH_PLAN_NAMESPACES_H_
#define TINY_RUNTIME_LAUNCH_PLAN_NAMESPACES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "ns/id_maps.h"
#include "ns/namespaces.h"
#include "oci/spec.h"
#include "security/caller.h"

namespace tiny::runtime {

struct NamespacePlan {
  struct Joined {
    ns::Kind kind;
    UniqueFd fd;
  };
  uint64_t fresh = 0;  // CLONE_NEW*
  std::vector<Joined> joined;
  ns::IdMaps id_maps;        // of a fresh user namespace
  std::string time_offsets;  // of a fresh time namespace, as the kernel takes them

  bool IsFresh(ns::Kind kind) const { return (fresh & ns::CloneFlag(kind)) != 0; }
  bool Joins(ns::Kind kind) const;
};

// Opens the namespaces that are given by path: PosixStatus where one is missing. kInvalidArgument
// for a type that is none, and for sysctls and names of a namespace that is the caller's own.
// Without a `caller` it is the machine's root.
absl::StatusOr<NamespacePlan> PlanNamespaces(const oci::Spec& config,
                                             const security::Caller* caller);

ns::IdMap IdMapOf(const std::vector<oci::IdMapping>& mappings);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_PLAN_NAMESPACES_H_
