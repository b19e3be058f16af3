// The hooks that run inside a container; those of startContainer are in launch.h.
#ifndef TINY_RUNTIME_LAUNCH_CONTAINER_HOOKS_H_
#define TINY_RUNTIME_LAUNCH_CONTAINER_HOOKS_H_

#include "absl/status/status.h"
#include "oci/spec.h"
#include "oci/state.h"

namespace tiny::cgroup {
class Cgroup;
}  // namespace tiny::cgroup

namespace tiny::runtime {

// In the namespaces and the cgroup (nullptr: it has none) of a container that has not pivoted yet:
// programs of the host's, in the folder of the root file system, where the container's mounts are.
// In a user namespace they are its root.
absl::Status RunCreateContainerHooks(const oci::Spec& spec, oci::State state, int container_pidfd,
                                     const cgroup::Cgroup* cgroup);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_CONTAINER_HOOKS_H_
