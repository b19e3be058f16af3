// The files of a container that does not run: what its processes would see, for `cp`.
#ifndef TINY_RUNTIME_STOPPED_ROOT_H_
#define TINY_RUNTIME_STOPPED_ROOT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "state/container_config.h"

namespace tiny::runtime {

struct StoppedRoot {
  UniqueFd root;  // O_PATH
  // The mount namespace that it is in: the mounts last as long as this is open. Invalid where the
  // container mounts nothing.
  UniqueFd mounts;
};

// `sources` are those of the configuration's mounts (mount_sources.h); what has none is left out.
// They are mounted as a start does, each place being resolved within the root, and in a namespace
// that no process stays in. What the container may not write to is read-only here too, and so is a
// throw-away root: nothing that is written there would be seen again.
absl::StatusOr<StoppedRoot> OpenStoppedRoot(const state::ContainerConfig& config,
                                            const std::vector<std::string>& sources);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_STOPPED_ROOT_H_
