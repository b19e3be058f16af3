// Which sysctls belong to a namespace, and so to a container. Pure; thread-safe.
#ifndef TINY_OCI_SYSCTL_H_
#define TINY_OCI_SYSCTL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::oci {

// "network" for "net.ipv4.ip_forward", "ipc" for "kernel.shmmax", "uts" for "kernel.domainname",
// "user" for "user.max_user_namespaces". kInvalidArgument for a key that is the whole machine's,
// or that is no key (CVE-2022-0811 smuggled a second one in). Dots and slashes both separate.
absl::StatusOr<std::string> NamespaceOfSysctl(absl::string_view key);

}  // namespace tiny::oci

#endif  // TINY_OCI_SYSCTL_H_
