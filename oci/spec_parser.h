// config.json of an OCI bundle, from JSON to structs.
#ifndef TINY_OCI_SPEC_PARSER_H_
#define TINY_OCI_SPEC_PARSER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "oci/spec.h"

namespace tiny::oci {

// Unknown fields are ignored and null is as absent. kInvalidArgument names what is wrong by its
// JSON path: "linux.resources.memory.limit: expected an integer, found a string". Text over 16 MiB
// or nested deeper than 64 levels is refused. Never throws. Thread-safe.
absl::StatusOr<Spec> ParseSpec(absl::string_view json);

// A process alone, as `exec --process` takes it.
absl::StatusOr<Process> ParseProcess(absl::string_view json);

// linux.resources alone, as `update --resources` takes it.
absl::StatusOr<Resources> ParseResources(absl::string_view json);

}  // namespace tiny::oci

#endif  // TINY_OCI_SPEC_PARSER_H_
