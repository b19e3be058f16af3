// The MUSTs of config.md and config-linux.md that a config.json can break by itself.
#ifndef TINY_OCI_SPEC_VALIDATOR_H_
#define TINY_OCI_SPEC_VALIDATOR_H_

#include "absl/status/status.h"
#include "oci/spec.h"

namespace tiny::oci {

// kInvalidArgument names the JSON path and the rule: "process.cwd: must be an absolute path".
// Looks at the spec only: whether files exist is for those who open them. Thread-safe.
absl::Status ValidateSpec(const Spec& spec);

// The rules for a process alone, as of `exec`.
absl::Status ValidateProcess(const Process& process);

}  // namespace tiny::oci

#endif  // TINY_OCI_SPEC_VALIDATOR_H_
