#include <signal.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "cgroup/cgroup.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"
#include "runtime/prepare.h"
#include "runtime/release.h"
#include "runtime/run_directory.h"

namespace tiny::runtime {
namespace {

// At a container that is started again and again while it is to be removed: 2 s of them.
constexpr int kRemoveAttempts = 12;
constexpr absl::Duration kSupervisorPatience = absl::Seconds(10);

}  // namespace

// A container whose record can't be read runs where it has a supervisor, or processes.
bool EngineImpl::SeemsToRun(const state::ContainerId& id, const std::string& cgroup_path) const {
  const absl::StatusOr<UniqueFd> directory = OpenRunDirectory(options_.run_root, id.value());
  if (directory.ok() && absl::IsAlreadyExists(TakeSupervisorLock(directory->get()).status())) {
    return true;
  }
  const absl::StatusOr<cgroup::Hierarchy> hierarchy = cgroup::Hierarchy::Detect();
  if (!hierarchy.ok()) return false;
  const absl::StatusOr<cgroup::Cgroup> cgroup = cgroup::Cgroup::Open(*hierarchy, cgroup_path);
  if (!cgroup.ok()) return false;
  const absl::StatusOr<std::vector<pid_t>> pids = cgroup->Pids();
  return pids.ok() && !pids->empty();
}

// A record that can't be read is removed by what follows from the id alone.
absl::Status EngineImpl::RemoveDamaged(const state::ContainerId& id, bool force) {
  state::ContainerState derived;
  derived.cgroup_path = absl::StrCat("/tiny/", id.value());
  const std::string short_id = id.value().substr(0, 12);
  if (!force && SeemsToRun(id, derived.cgroup_path)) {
    return WithHint(absl::FailedPreconditionError(absl::StrCat(
                        "container ", short_id, " is running, though its record is damaged")),
                    absl::StrCat("Remove it by force: tiny rm -f ", short_id));
  }
  absl::Status status = ReleaseResources({options_}, id.value(), derived);
  status.Update(RemoveRunDirectory(options_.run_root, id.value()));
  status.Update(store_.RemoveDamaged(id));
  return status;
}

// For one that has not seen in all that time that its container has ended: it is stopped, or hangs.
// What it would have done is done by who finds that there is none.
void EngineImpl::EndSupervisor(const state::ContainerState& state) {
  if (OpenProcess(state.init).ok()) return;
  const absl::StatusOr<UniqueFd> supervisor = OpenProcess(state.supervisor);
  if (!supervisor.ok() || !SendSignal(supervisor->get(), SIGKILL).ok()) return;
  WaitForExit(supervisor->get(), kSupervisorPatience).status().IgnoreError();
}

absl::Status EngineImpl::Remove(absl::string_view reference, bool force, bool volumes) {
  return RemoveOnce(reference, force, volumes, kRemoveAttempts);
}

absl::Status EngineImpl::RemoveOnce(absl::string_view reference, bool force, bool volumes,
                                    int attempts) {
  created_.reset();
  ASSIGN_OR_RETURN(const state::ContainerId id, store_.Find(reference));
  absl::StatusOr<Container> container = Settle(id);
  if (absl::IsDataLoss(container.status())) return RemoveDamaged(id, force);
  RETURN_IF_ERROR(container.status());
  if (IsActive(container->state.status)) {
    const std::string& name = container->config.name;
    if (!force) {
      const bool paused = container->state.status == state::Status::kPaused;
      return WithHint(absl::FailedPreconditionError(
                          absl::StrCat("container ", name, " is ", paused ? "paused" : "running")),
                      absl::StrCat("stop it first (tiny stop ", name,
                                   ") or remove it by force (tiny rm -f ", name, ")"));
    }
    StopOptions options;
    options.signal = SIGKILL;
    options.timeout_seconds = 0;
    RETURN_IF_ERROR(StopActive(*container, options));
  }
  absl::StatusOr<state::LockedContainer> record = store_.Lock(id);
  // It was being started when it was looked at, or its end is not recorded yet: whoever is about to
  // has to get the lock.
  if (force && record.ok() && IsActive(record->state().status) && attempts > 1) {
    const state::ContainerState seen = record->state();
    record = absl::CancelledError();
    if (seen.init.pid != 0 && seen.init == container->state.init) EndSupervisor(seen);
    absl::SleepFor(absl::Milliseconds(1 << (kRemoveAttempts - attempts)));
    return RemoveOnce(reference, force, volumes, attempts - 1);
  }
  // With --rm it went by itself when it was stopped.
  if (absl::IsNotFound(record.status()) && IsActive(container->state.status)) {
    return absl::OkStatus();
  }
  if (absl::IsDataLoss(record.status())) return RemoveDamaged(id, force);
  RETURN_IF_ERROR(record.status());
  if (IsActive(record->state().status)) {
    return absl::FailedPreconditionError(
        absl::StrCat("container ", record->config().name, " was started meanwhile"));
  }
  const state::ContainerConfig config = record->config();
  state::ContainerState state = record->state();
  if (access(RunDirectory(options_.run_root, id.value()).c_str(), F_OK) == 0) {
    state.cgroup_path = CgroupPathOf(config);
    ReleaseRemains(id, state);
    SweepNetworks().IgnoreError();
  }
  // Before the record, which alone leads to them.
  if (volumes || config.auto_remove) {
    RETURN_IF_ERROR(RemoveAnonymousVolumes(options_, config, state));
  }
  RETURN_IF_ERROR(std::move(*record).Remove());
  LogEvent(options_.root, config, "destroy");
  return absl::OkStatus();
}

}  // namespace tiny::runtime
