// The first process of a container, for those that join its namespaces or use its root.
#ifndef TINY_RUNTIME_CONTAINER_PROCESS_H_
#define TINY_RUNTIME_CONTAINER_PROCESS_H_

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "state/container_state.h"

namespace tiny::runtime {

// The comm of a supervisor, and of the process that it clones until that one executes something.
inline constexpr char kSupervisorName[] = "tiny-supervisor";

// A pidfd of the process, once it executes something of the container's: one that a supervisor has
// just cloned is known, and may be in the host's namespaces and root still. Waits for that.
// kNotFound where it has ended, kUnavailable where it does not come so far.
absl::StatusOr<UniqueFd> OpenContainerProcess(const state::ContainerState& state);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_CONTAINER_PROCESS_H_
