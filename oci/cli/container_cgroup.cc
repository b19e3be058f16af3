#include "oci/cli/container_cgroup.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace tiny::oci {

absl::StatusOr<cgroup::Cgroup> OpenContainerCgroup(const Record& record) {
  // An empty path would be the machine's own cgroup.
  if (record.cgroup_path.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("container ", record.id, " has no cgroup"));
  }
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  return cgroup::Cgroup::Open(hierarchy, record.cgroup_path);
}

absl::StatusOr<Record> LoadLive(const ContainerStore& store, absl::string_view id) {
  ASSIGN_OR_RETURN(Record record, store.Load(id));
  if (store.StatusOf(record) == ContainerStatus::kStopped) {
    return absl::FailedPreconditionError(
        absl::StrCat("container not running: ", id, " is stopped"));
  }
  return record;
}

}  // namespace tiny::oci
