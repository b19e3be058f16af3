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
#include "oci/cli/container_processes.h"
#include "oci/cli/container_store.h"

namespace tiny::oci {
namespace {

// SIGKILL is the cgroup's own to give: no process can be forked past it.
absl::Status SignalAll(const Record& record, int signal) {
  std::vector<pid_t> pids;
  if (record.cgroup_path.empty()) {
    ASSIGN_OR_RETURN(pids, PidsByNamespace(record));
    // The kernel ends a pid namespace with its first process.
    if (signal == SIGKILL) pids = {record.init.pid};
  } else {
    ASSIGN_OR_RETURN(cgroup::Cgroup group, OpenContainerCgroup(record));
    if (signal == SIGKILL) return group.Kill();
    ASSIGN_OR_RETURN(pids, group.Pids());
  }
  for (const pid_t pid : pids) {
    if (kill(pid, signal) != 0 && errno != ESRCH) {
      return PosixStatus(errno, absl::StrCat("kill process ", pid));
    }
  }
  return absl::OkStatus();
}

absl::Status Kill(const ContainerStore& store, const std::string& id, int signal, bool all) {
  ASSIGN_OR_RETURN(const Record record, store.LoadComplete(id));
  const ContainerStatus status = store.StatusOf(record);
  // Where the init has ended but shared the host's pid namespace, others may be left.
  if (all && (status != ContainerStatus::kStopped || !record.cgroup_path.empty())) {
    const absl::Status signalled = SignalAll(record, signal);
    if (status != ContainerStatus::kStopped || !absl::IsNotFound(signalled)) return signalled;
  }
  if (status == ContainerStatus::kStopped) {
    return absl::FailedPreconditionError(
        absl::StrCat("container not running: ", record.id, " is stopped"));
  }
  ASSIGN_OR_RETURN(const UniqueFd process, OpenProcess(record.init));
  return SendSignal(process.get(), signal);
}

}  // namespace

absl::StatusOr<int> RunKill(const Globals& globals, Arguments arguments) {
  bool all = false;
  bool regex = false;
  Flags flags;
  flags.Add({"all", 'a', "every process of the container", &all});
  flags.Add({"regex", 'r', "every container whose id matches", &regex});
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, flags.Parse(arguments, true));
  if (operands.empty() || operands.size() > 2) {
    return absl::InvalidArgumentError("expected <container-id> [signal]");
  }
  int signal = 0;  // "0" asks whether there is a process, as kill(2) does
  if (operands.size() < 2 || operands[1] != "0") {
    ASSIGN_OR_RETURN(signal, ParseSignal(operands.size() < 2 ? "TERM" : operands[1]));
  }
  const ContainerStore store(globals.root);
  std::vector<std::string> ids = {operands[0]};
  if (regex) {
    ASSIGN_OR_RETURN(ids, store.Match(operands[0]));
  }
  for (const std::string& id : ids) RETURN_IF_ERROR(Kill(store, id, signal, all));
  return 0;
}

}  // namespace tiny::oci
