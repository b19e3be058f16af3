#include "oci/cli/container_cgroup.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace tiny::oci {

absl::StatusOr<cgroup::Cgroup> OpenContainerCgroup(const Record& record) {
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  return cgroup::Cgroup::Open(hierarchy, record.cgroup_path);
}

absl::StatusOr<Record> LoadLive(const ContainerStore& store, absl::string_view id) {
  ASSIGN_OR_RETURN(Record record, store.Load(id));
  if (store.StatusOf(record) == ContainerStatus::kStopped) {
    return absl::FailedPreconditionError(absl::StrCat("container ", id, " is not running"));
  }
  return record;
}

}  // namespace tiny::oci
