#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "oci/cli/command.h"
#include "oci/cli/container_store.h"
#include "oci/cli/create_container.h"
#include "oci/cli/log.h"
#include "runtime/hooks/hooks.h"
#include "runtime/launch/launch.h"

namespace tiny::oci {

absl::StatusOr<int> RunStart(const Globals& globals, Arguments arguments) {
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, ParseOperands({}, arguments, 1));
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(const UniqueFd lock, store.Lock(operands[0]));
  ASSIGN_OR_RETURN(const Record record, store.Load(operands[0]));
  const ContainerStatus status = store.StatusOf(record);
  if (status != ContainerStatus::kCreated) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot start container ", record.id, ": it is ", StatusName(status)));
  }
  ASSIGN_OR_RETURN(const Spec spec, store.LoadSpec(record.id));
  if (!spec.hooks.start_container.empty()) {
    ASSIGN_OR_RETURN(const UniqueFd process, OpenProcess(record.init));
    RETURN_IF_ERROR(runtime::RunContainerHooks("startContainer", spec.hooks.start_container,
                                               SerializeState(StateOf(record, status)),
                                               record.init.pid, process.get()));
  }
  const std::string socket = store.StartSocket(record.id);
  RETURN_IF_ERROR(runtime::StartWaiting(socket));
  unlink(socket.c_str());
  // Only now, as the specification says: the user's program runs.
  if (spec.hooks.poststart.empty()) return 0;
  const std::string state = SerializeState(StateOf(record, ContainerStatus::kRunning));
  for (const std::string& failure :
       runtime::RunAllHooks("poststart", spec.hooks.poststart, state)) {
    Log(globals, "warning", failure);
  }
  return 0;
}

}  // namespace tiny::oci
