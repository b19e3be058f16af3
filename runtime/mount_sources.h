// Where a container's volumes and binds are on the host.
#ifndef TINY_RUNTIME_MOUNT_SOURCES_H_
#define TINY_RUNTIME_MOUNT_SOURCES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "runtime/engine.h"
#include "state/container_config.h"
#include "state/container_state.h"

namespace tiny::runtime {

// A path to what the descriptor stands for, as long as it is held. Where a container could exchange
// a part of a path, its name must not be looked up a second time.
std::string HeldPath(UniqueFd fd, std::vector<UniqueFd>& held);

// What to do about a volume, or a folder to bind, that is not there.
enum class Absent { kMake, kLeaveOut };

// One for each of the configuration's mounts; empty for a tmpfs, and for what was left out. What is
// made is filled from the root, and noted in state->volumes: until that is committed, `held` keeps
// volumes from being removed, which no record names yet.
absl::StatusOr<std::vector<std::string>> MountSources(const state::ContainerConfig& config,
                                                      const EngineOptions& options, Absent absent,
                                                      state::ContainerState* state,
                                                      std::vector<UniqueFd>& held);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_MOUNT_SOURCES_H_
