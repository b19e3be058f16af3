#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "oci/cli/command.h"
#include "oci/cli/container_cgroup.h"
#include "oci/cli/container_store.h"
#include "oci/cli/create_container.h"

namespace tiny::oci {
namespace {

constexpr absl::Duration kKillDeadline = absl::Seconds(10);

absl::Status KillAndWait(const Record& record) {
  const absl::StatusOr<UniqueFd> process = OpenProcess(record.init);
  if (absl::IsNotFound(process.status())) return absl::OkStatus();
  if (!process.ok()) return process.status();
  // The cgroup first: a frozen process dies of it, and no child is left behind.
  if (absl::StatusOr<cgroup::Cgroup> group = OpenContainerCgroup(record); group.ok()) {
    RETURN_IF_ERROR(group->Kill());
  }
  const absl::Status killed = SendSignal(process->get(), SIGKILL);
  if (!killed.ok() && !absl::IsNotFound(killed)) return killed;
  ASSIGN_OR_RETURN(const bool ended, WaitForExit(process->get(), kKillDeadline));
  if (ended) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("container ", record.id, ": process ", record.init.pid, " does not end"));
}

}  // namespace

absl::StatusOr<int> RunDelete(const Globals& globals, Arguments arguments) {
  bool force = false;
  Flags flags;
  flags.Add({"force", 'f', "kill it where it runs; none is no error", &force});
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, ParseOperands(flags, arguments, 1));
  const ContainerStore store(globals.root);
  const absl::StatusOr<UniqueFd> lock = store.Lock(operands[0]);
  absl::StatusOr<Record> record = store.Load(operands[0]);
  if (absl::IsNotFound(record.status()) && force) return 0;
  if (absl::IsDataLoss(record.status()) && force) record = Record{.id = operands[0]};
  if (!record.ok()) return record.status();
  const ContainerStatus status = store.StatusOf(*record);
  const bool deletable =
      force || status == ContainerStatus::kStopped || status == ContainerStatus::kCreated;
  if (!deletable) {
    return WithHint(
        absl::FailedPreconditionError(absl::StrCat("cannot delete container ", record->id,
                                                   " that is not stopped: ", StatusName(status))),
        "kill it first, or use --force");
  }
  if (status != ContainerStatus::kStopped) RETURN_IF_ERROR(KillAndWait(*record));
  RETURN_IF_ERROR(DestroyContainer(globals, store, *record));
  return 0;
}

}  // namespace tiny::oci
