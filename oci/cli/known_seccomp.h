// linux.seccomp, compiled once: most of a configuration's text is its profile, and an engine sends
// the same one with each container.
#ifndef TINY_OCI_CLI_KNOWN_SECCOMP_H_
#define TINY_OCI_CLI_KNOWN_SECCOMP_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "oci/cli/command.h"
#include "oci/cli/glance.h"
#include "oci/spec.h"

namespace tiny::oci {

// ParseSpec and ValidateSpec of a config.json, whose profile is compiled. One that was used under
// this --root before is found by its text and not parsed at all. One with an agent (listenerPath)
// is left as it is. `glance` is that at the same text.
absl::StatusOr<Spec> ParseConfig(const Globals& globals, absl::string_view config,
                                 const Glance& glance);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_KNOWN_SECCOMP_H_
