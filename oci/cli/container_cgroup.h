// The cgroup of a container that is there.
#ifndef TINY_OCI_CLI_CONTAINER_CGROUP_H_
#define TINY_OCI_CLI_CONTAINER_CGROUP_H_

#include "absl/status/statusor.h"
#include "cgroup/cgroup.h"
#include "oci/cli/container_store.h"

namespace tiny::oci {

// kFailedPrecondition for one that has none: --cgroup-manager disabled, or its creator may not.
absl::Status CheckHasCgroup(const Record& record);
absl::StatusOr<cgroup::Cgroup> OpenContainerCgroup(const Record& record);

// The record of a container that is created, running or paused. kFailedPrecondition for one that
// is stopped: "container not running: <id> is stopped".
absl::StatusOr<Record> LoadLive(const ContainerStore& store, absl::string_view id);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_CONTAINER_CGROUP_H_
