// What --rootless decides: whether a container goes on without a cgroup that may not be made.
#ifndef TINY_OCI_CLI_ROOTLESS_H_
#define TINY_OCI_CLI_ROOTLESS_H_

#include <string>

#include "absl/status/status.h"
#include "oci/cli/command.h"
#include "oci/spec.h"
#include "security/caller.h"

namespace tiny::oci {

// kInvalidArgument unless it is true, false or auto, which is true for all but the machine's root.
absl::Status CheckRootlessFlag(const Globals& globals);

// Ok, and said at the debug level, where the container asks for no limit. Else an error that names
// the limit, and `refused`, which names the cgroup, as its reason.
absl::Status GoWithoutCgroup(const Globals& globals, const security::Caller& caller,
                             const Resources& resources, const absl::Status& refused);

// "memory.limit": one that a cgroup is needed for; empty: there is none. A value that is negative
// is no limit, and device rules are none.
std::string FirstLimit(const Resources& resources);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_ROOTLESS_H_
