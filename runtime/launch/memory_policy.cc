#include "runtime/launch/memory_policy.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/launch/process_limits.h"

namespace tiny::runtime {
namespace {

using Name = std::pair<absl::string_view, int>;

// Those of linux/mempolicy.h, of which older headers lack the newer ones.
constexpr Name kModes[] = {
    {"MPOL_DEFAULT", 0},
    {"MPOL_PREFERRED", 1},
    {"MPOL_BIND", 2},
    {"MPOL_INTERLEAVE", 3},
    {"MPOL_LOCAL", 4},
    {"MPOL_PREFERRED_MANY", 5},
    {"MPOL_WEIGHTED_INTERLEAVE", 6},
};
constexpr Name kFlags[] = {
    {"MPOL_F_STATIC_NODES", 1 << 15},
    {"MPOL_F_RELATIVE_NODES", 1 << 14},
    {"MPOL_F_NUMA_BALANCING", 1 << 13},
};

template <typename Names>
absl::StatusOr<int> ValueOf(absl::string_view field, const std::string& name, const Names& names) {
  const auto found = std::find_if(std::begin(names), std::end(names),
                                  [&name](const Name& known) { return known.first == name; });
  if (found != std::end(names)) return found->second;
  return absl::InvalidArgumentError(
      absl::StrCat("linux.memoryPolicy.", field, ": unknown value \"", name, "\""));
}

}  // namespace

absl::StatusOr<MemoryPolicyStep> PlanMemoryPolicy(const oci::MemoryPolicy& policy) {
  MemoryPolicyStep step;
  ASSIGN_OR_RETURN(step.mode, ValueOf("mode", policy.mode, kModes));
  for (const std::string& name : policy.flags) {
    ASSIGN_OR_RETURN(const int flag, ValueOf("flags", name, kFlags));
    step.mode |= flag;
  }
  const absl::StatusOr<cpu_set_t> nodes = ParseIndexList(policy.nodes);
  if (!nodes.ok()) return Annotate(nodes.status(), "linux.memoryPolicy.nodes");
  step.nodes = *nodes;
  return step;
}

}  // namespace tiny::runtime
