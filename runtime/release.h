// Lets go of what a run of a container had outside of its own namespaces: its cgroup, addresses,
// ports and, where it is to vanish, its anonymous volumes. Done by the supervisor at the end of the
// run, or by the command that finds that there is none.
#ifndef TINY_RUNTIME_RELEASE_H_
#define TINY_RUNTIME_RELEASE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cgroup/cgroup.h"
#include "runtime/engine.h"
#include "runtime/network/network_manager.h"
#include "state/container_config.h"
#include "state/container_state.h"

namespace tiny::runtime {

struct RunRemains {
  const EngineOptions& options;
  NetworkManager* networks = nullptr;  // nullptr: opened where it is needed
  cgroup::Cgroup* cgroup = nullptr;    // as who made it holds it; nullptr: by its path
};

// With the container's lock held. Processes that are left in the cgroup are killed. What is gone
// already is no error; all is tried, and the first error returned.
absl::Status ReleaseResources(const RunRemains& remains, absl::string_view id,
                              const state::ContainerState& state);

// The volumes that were made for this container alone: those of --rm and rm -v.
absl::Status RemoveAnonymousVolumes(const EngineOptions& options,
                                    const state::ContainerConfig& config,
                                    const state::ContainerState& state);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_RELEASE_H_
