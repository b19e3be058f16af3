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
#include "oci/spec_parser.h"

namespace tiny::oci {
namespace {

constexpr absl::Duration kKillDeadline = absl::Seconds(10);

absl::Status KillAndWait(const Record& record) {
  const absl::StatusOr<UniqueFd> process = OpenProcess(record.init);
  if (absl::IsNotFound(process.status())) return absl::OkStatus();
  if (!process.ok()) return process.status();
  absl::StatusOr<cgroup::Cgroup> group = OpenContainerCgroup(record);
  // The cgroup first, where children could be left behind.
  if (group.ok() && !record.owns_processes) RETURN_IF_ERROR(group->Kill());
  const absl::Status killed = SendSignal(process->get(), SIGKILL);
  if (!killed.ok() && !absl::IsNotFound(killed)) return killed;
  // Version 1 lets frozen ones die only once they are thawed.
  if (group.ok() && record.owns_processes && group->IsFrozen().value_or(false)) {
    RETURN_IF_ERROR(group->SetFrozen(false));
  }
  ASSIGN_OR_RETURN(const bool ended, WaitForExit(process->get(), kKillDeadline));
  if (ended) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("container ", record.id, ": process ", record.init.pid, " does not end"));
}

// A creator that was killed may have noted a cgroup that it would not have got, as another
// container has it: that is not its to remove.
void LeaveOthersAlone(const ContainerStore& store, Record& unborn) {
  const absl::StatusOr<std::vector<std::string>> ids = store.List();
  for (const std::string& id : ids.value_or(std::vector<std::string>())) {
    const absl::StatusOr<Record> other = store.Load(id);
    if (!other.ok() || other->id == unborn.id || other->init.pid == 0) continue;
    if (other->cgroup_path == unborn.cgroup_path) unborn.cgroup_path.clear();
    if (other->systemd_unit == unborn.systemd_unit) unborn.systemd_unit.clear();
  }
}

absl::Status NotStopped(const std::string& id, absl::string_view status) {
  return WithHint(absl::FailedPreconditionError(absl::StrCat("cannot delete container ", id,
                                                             " that is not stopped: ", status)),
                  "kill it first, or use --force");
}

absl::Status Delete(const Globals& globals, const std::string& id, bool force) {
  const ContainerStore store(globals.root);
  absl::StatusOr<UniqueFd> lock = store.Lock(id, /*wait=*/!force);
  if (absl::IsUnavailable(lock.status())) {
    // Whoever has it may wait for a hook without end, which dies with the container.
    if (const absl::StatusOr<Record> record = store.Load(id); record.ok()) {
      RETURN_IF_ERROR(KillAndWait(*record));
    }
    lock = store.Lock(id);
  }
  absl::StatusOr<Record> record = store.Load(id);
  if (absl::IsNotFound(record.status())) {
    record = store.LoadRemains(id);
    if (absl::IsNotFound(record.status()) && force) return absl::OkStatus();
    if (record.ok() && !force && store.IsBeingMade(id)) return NotStopped(id, "creating");
  }
  if (absl::IsDataLoss(record.status()) && force) {
    record = store.LoadRemains(id);
    if (record.ok()) record->owns_processes = false;  // it was born: its cgroup is its own
  }
  if (!record.ok()) return record.status();
  if (record->init.pid == 0) LeaveOthersAlone(store, *record);
  const ContainerStatus status = store.StatusOf(*record);
  const bool deletable =
      force || status == ContainerStatus::kStopped || status == ContainerStatus::kCreated;
  if (!deletable) return NotStopped(id, StatusName(status));
  if (status != ContainerStatus::kStopped) RETURN_IF_ERROR(KillAndWait(*record));
  if (!record->needs_config) return DestroyContainer(globals, store, *record, nullptr, nullptr);
  const absl::StatusOr<Spec> spec = ParseSpec(record->config);
  return DestroyContainer(globals, store, *record, spec.ok() ? &*spec : nullptr, nullptr);
}

}  // namespace

absl::StatusOr<int> RunDelete(const Globals& globals, Arguments arguments) {
  bool force = false;
  bool regex = false;
  Flags flags;
  flags.Add({"force", 'f', "kill it where it runs; none is no error", &force});
  flags.Add({"regex", 'r', "every container whose id matches", &regex});
  ASSIGN_OR_RETURN(std::vector<std::string> ids, ParseOperands(flags, arguments, 1));
  if (regex) {
    ASSIGN_OR_RETURN(ids, ContainerStore(globals.root).Match(ids[0]));
  }
  for (const std::string& id : ids) RETURN_IF_ERROR(Delete(globals, id, force));
  return 0;
}

}  // namespace tiny::oci
