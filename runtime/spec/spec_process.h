// The process of a container: who it is, its arguments, environment, capabilities and limits.
#ifndef TINY_RUNTIME_SPEC_SPEC_PROCESS_H_
#define TINY_RUNTIME_SPEC_SPEC_PROCESS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "oci/spec.h"
#include "security/capabilities.h"
#include "state/container_config.h"

namespace tiny::runtime {

struct ProcessInputs {
  absl::string_view passwd;
  absl::string_view group;
  absl::string_view term;
  security::CapabilitySet available;
};

// What the container's capabilities are: of --cap-add, --cap-drop and --privileged.
absl::StatusOr<security::CapabilitySet> ContainerCapabilities(const state::ContainerConfig& config,
                                                              security::CapabilitySet available);

absl::StatusOr<oci::Process> BuildProcess(const state::ContainerConfig& config,
                                          const ProcessInputs& inputs);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SPEC_SPEC_PROCESS_H_
