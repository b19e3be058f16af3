// The processes of a container that has no cgroup to list them.
#ifndef TINY_OCI_CLI_CONTAINER_PROCESSES_H_
#define TINY_OCI_CLI_CONTAINER_PROCESSES_H_

#include <sys/types.h>

#include <vector>

#include "absl/status/statusor.h"
#include "oci/cli/container_store.h"

namespace tiny::oci {

// Those in the pid namespace of its init, and their descendants, sorted; as of a moment ago.
// kFailedPrecondition for a container that shares the pid namespace of its runtime, where nothing
// tells its processes from others.
absl::StatusOr<std::vector<pid_t>> PidsByNamespace(const Record& record);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_CONTAINER_PROCESSES_H_
