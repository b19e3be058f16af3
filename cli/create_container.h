// What `run` and `create` have in common.
#ifndef TINY_CLI_CREATE_CONTAINER_H_
#define TINY_CLI_CREATE_CONTAINER_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/container_flags.h"
#include "cli/context.h"

namespace tiny::cli {

// Builds the configuration, creates the container, writes --cidfile. Where it fails, nothing is
// left. `next`: see runtime/engine.h. Returns the id.
absl::StatusOr<std::string> CreateContainer(Context& context, const ContainerFlags& flags,
                                            Arguments command, runtime::Engine::Next next);

}  // namespace tiny::cli

#endif  // TINY_CLI_CREATE_CONTAINER_H_
