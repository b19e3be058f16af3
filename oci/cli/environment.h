// The environment of a container's process, as other runtimes complete it.
#ifndef TINY_OCI_CLI_ENVIRONMENT_H_
#define TINY_OCI_CLI_ENVIRONMENT_H_

#include <string>

#include "oci/spec.h"

namespace tiny::oci {

// Of several values of one variable the last is left, at the place of the first. HOME, where it is
// not set or empty, becomes that of the user's entry in /etc/passwd of the container, whose root
// directory is `root`; "/" without such an entry. Engines count on it.
void CompleteEnvironment(const std::string& root, Process& process);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_ENVIRONMENT_H_
