#include "oci/cli/container_cgroup.h"

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::oci {

absl::Status CheckHasCgroup(const Record& record) {
  // An empty path would be the machine's own cgroup.
  if (!record.cgroup_path.empty()) return absl::OkStatus();
  return WithHint(
      absl::FailedPreconditionError(absl::StrCat("container ", record.id, " has no cgroup")),
      "who is not root gets one with --systemd-cgroup, where systemd delegates cgroups to users");
}

absl::StatusOr<cgroup::Cgroup> OpenContainerCgroup(const Record& record) {
  RETURN_IF_ERROR(CheckHasCgroup(record));
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  return cgroup::Cgroup::Open(hierarchy, record.cgroup_path);
}

absl::StatusOr<Record> LoadLive(const ContainerStore& store, absl::string_view id) {
  ASSIGN_OR_RETURN(Record record, store.LoadComplete(id));
  if (store.StatusOf(record) == ContainerStatus::kStopped) {
    return absl::FailedPreconditionError(
        absl::StrCat("container not running: ", id, " is stopped"));
  }
  return record;
}

}  // namespace tiny::oci
