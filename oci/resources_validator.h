// The rules of config-linux.md about linux.resources.
#ifndef TINY_OCI_RESOURCES_VALIDATOR_H_
#define TINY_OCI_RESOURCES_VALIDATOR_H_

#include "absl/status/status.h"
#include "oci/spec.h"

namespace tiny::oci {

// kInvalidArgument names the JSON path. Thread-safe.
absl::Status ValidateResources(const Resources& resources);

}  // namespace tiny::oci

#endif  // TINY_OCI_RESOURCES_VALIDATOR_H_
