#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "oci/cli/command.h"
#include "oci/cli/container_cgroup.h"
#include "oci/cli/container_store.h"

namespace tiny::oci {
namespace {

absl::StatusOr<int> SetFrozen(const Globals& globals, Arguments arguments, bool frozen) {
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, ParseOperands({}, arguments, 1));
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(const Record record, store.LoadComplete(operands[0]));
  const ContainerStatus status = store.StatusOf(record);
  const bool possible =
      frozen ? status == ContainerStatus::kRunning || status == ContainerStatus::kCreated
             : status == ContainerStatus::kPaused;
  if (!possible) {
    return absl::FailedPreconditionError(
        absl::StrCat("container not ", frozen ? "running" : "paused", ": cannot ",
                     frozen ? "pause " : "resume ", record.id, ", which is ", StatusName(status)));
  }
  ASSIGN_OR_RETURN(cgroup::Cgroup group, OpenContainerCgroup(record));
  RETURN_IF_ERROR(group.SetFrozen(frozen));
  return 0;
}

}  // namespace

absl::StatusOr<int> RunPause(const Globals& globals, Arguments arguments) {
  return SetFrozen(globals, arguments, true);
}

absl::StatusOr<int> RunResume(const Globals& globals, Arguments arguments) {
  return SetFrozen(globals, arguments, false);
}

}  // namespace tiny::oci
