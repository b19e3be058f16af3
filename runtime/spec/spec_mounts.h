// The mounts of a container: the kernel's file systems, the files of /etc, the user's own.
#ifndef TINY_RUNTIME_SPEC_SPEC_MOUNTS_H_
#define TINY_RUNTIME_SPEC_SPEC_MOUNTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/spec.h"
#include "runtime/spec/build_spec.h"
#include "state/container_config.h"

namespace tiny::runtime {

// In the order of mounting: parents first. Where the user mounts something of their own on a
// default destination, the default is left out. kInvalidArgument names the mount.
absl::StatusOr<std::vector<oci::Mount>> BuildMounts(const state::ContainerConfig& config,
                                                    const SpecInputs& inputs);

// linux.rootfsPropagation that the user's shared and slave binds need; empty: the default.
std::string RootfsPropagation(const state::ContainerConfig& config);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SPEC_SPEC_MOUNTS_H_
