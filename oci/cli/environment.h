// The environment of a container's process, as other runtimes complete it.
#ifndef TINY_OCI_CLI_ENVIRONMENT_H_
#define TINY_OCI_CLI_ENVIRONMENT_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "fs/rooted_dir.h"
#include "oci/spec.h"

namespace tiny::oci {

// /etc/passwd of a container, by its root directory; empty where there is none.
std::string PasswdIn(const fs::RootedDir& root);

// Of several values of one variable the last is left, at the place of the first. HOME, where it is
// not set or empty, becomes that of the user's entry in /etc/passwd, which is asked for then; "/"
// without such an entry. Engines count on it.
void CompleteEnvironment(absl::FunctionRef<std::string()> passwd, Process& process);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_ENVIRONMENT_H_
