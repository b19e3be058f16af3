#include <signal.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "oci/cli/command.h"
#include "oci/cli/container_cgroup.h"
#include "oci/cli/container_store.h"

namespace tiny::oci {
namespace {

// SIGKILL is the cgroup's own to give: no process can be forked past it.
absl::Status SignalAll(const Record& record, int signal) {
  ASSIGN_OR_RETURN(cgroup::Cgroup group, OpenContainerCgroup(record));
  if (signal == SIGKILL) return group.Kill();
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, group.Pids());
  for (const pid_t pid : pids) {
    if (kill(pid, signal) != 0 && errno != ESRCH) {
      return PosixStatus(errno, absl::StrCat("kill process ", pid));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> RunKill(const Globals& globals, Arguments arguments) {
  bool all = false;
  Flags flags;
  flags.Add({"all", 'a', "every process of the container", &all});
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, flags.Parse(arguments, true));
  if (operands.empty() || operands.size() > 2) {
    return absl::InvalidArgumentError("expected <container-id> [signal]");
  }
  ASSIGN_OR_RETURN(const int signal, ParseSignal(operands.size() == 2 ? operands[1] : "TERM"));
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(const Record record, store.Load(operands[0]));
  const ContainerStatus status = store.StatusOf(record);
  // Where the init has ended but shared the host's pid namespace, others may be left.
  if (all && (status != ContainerStatus::kStopped || !record.cgroup_path.empty())) {
    const absl::Status signalled = SignalAll(record, signal);
    if (status != ContainerStatus::kStopped || !absl::IsNotFound(signalled)) {
      RETURN_IF_ERROR(signalled);
      return 0;
    }
  }
  if (status == ContainerStatus::kStopped) {
    return absl::FailedPreconditionError(
        absl::StrCat("container not running: ", record.id, " is stopped"));
  }
  ASSIGN_OR_RETURN(const UniqueFd process, OpenProcess(record.init));
  RETURN_IF_ERROR(SendSignal(process.get(), signal));
  return 0;
}

}  // namespace tiny::oci
