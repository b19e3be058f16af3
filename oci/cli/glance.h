// What a look over a config.json tells before it is parsed: most of its text is often a profile
// that is known by now, and what takes the kernel longest can be begun at once.
#ifndef TINY_OCI_CLI_GLANCE_H_
#define TINY_OCI_CLI_GLANCE_H_

#include "absl/strings/string_view.h"

namespace tiny::oci {

struct Glance {
  // The text of linux.seccomp. Empty where there is none, or where it is not clear: written twice,
  // no object, or in a text that is no JSON.
  absl::string_view seccomp;
  // Whether it seems to want a new network namespace, in the caller's user namespace.
  bool new_network = false;
};

// `config` outlives the result.
Glance GlanceAt(absl::string_view config);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_GLANCE_H_
