// linux.memoryPolicy: from the names of the specification to what set_mempolicy(2) takes.
//
// Source: runtime-spec 1.3, config-linux.md, "Memory policy"; linux/mempolicy.h.
#ifndef TINY_RUNTIME_LAUNCH_MEMORY_POLICY_H_
#define TINY_RUNTIME_LAUNCH_MEMORY_POLICY_H_

#include "absl/status/statusor.h"
#include "oci/spec.h"
#include "runtime/launch/steps_child.h"

namespace tiny::runtime {

// kInvalidArgument names the field whose value is none that the specification has. Pure.
absl::StatusOr<MemoryPolicyStep> PlanMemoryPolicy(const oci::MemoryPolicy& policy);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_MEMORY_POLICY_H_
