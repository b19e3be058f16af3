// The devices of a container, and the cgroup's rules about them.
#ifndef TINY_RUNTIME_SPEC_SPEC_DEVICES_H_
#define TINY_RUNTIME_SPEC_SPEC_DEVICES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "oci/spec.h"
#include "runtime/spec/build_spec.h"
#include "state/container_config.h"

namespace tiny::runtime {

struct SpecDevices {
  std::vector<oci::Device> nodes;  // besides those that every container has
  std::vector<oci::DeviceRule> rules;
};

// kNotFound for a device that is not on the host, kInvalidArgument for a malformed rule.
absl::StatusOr<SpecDevices> BuildDevices(const state::ContainerConfig& config,
                                         const SpecInputs& inputs);

// --device-cgroup-rule: "c 42:* rmw", "a *:* rwm".
absl::StatusOr<oci::DeviceRule> ParseDeviceRule(absl::string_view text);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SPEC_SPEC_DEVICES_H_
