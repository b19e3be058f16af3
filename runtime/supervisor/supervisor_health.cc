#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "runtime/prepare.h"
#include "runtime/supervisor/supervisor.h"

namespace tiny::runtime {

void Supervisor::StartProbe() {
  const absl::StatusOr<state::ContainerId> id = state::ContainerId::Parse(config_.id);
  const absl::StatusOr<state::ContainerRecord> record = task_.store->Read(*id);
  // A frozen container would not answer, which says nothing about its health.
  if (record.ok() && record->state.status == state::Status::kPaused) {
    health_->Postpone(BootNow());
    return;
  }
  ExecOptions options;
  options.command = HealthCommand(config_.health);
  absl::Status status;
  {
    absl::StatusOr<std::unique_ptr<PreparedExec>> prepared =
        PrepareExec(config_, state_, options, pidfd_.get());
    status = prepared.ok() ? probe_.Start((*prepared)->request, BootNow() + config_.health.timeout)
                           : prepared.status();
  }
  if (status.ok()) {
    poller_.Add(probe_.output(), EPOLLIN, kProbeOutputTag).IgnoreError();
    poller_.Add(probe_.pidfd(), EPOLLIN, kProbeExitTag).IgnoreError();
    return;
  }
  state::HealthProbe failed;
  failed.start = failed.end = absl::Now();
  failed.exit_code = ExitCodeOfStartError(status);
  failed.output = std::string(status.message());
  CommitProbe(std::move(failed));
}

void Supervisor::OnProbeOutput() {
  probe_.OnOutput();
  // At its end the descriptor is closed, which takes it out of the poller.
}

void Supervisor::OnProbeExit() {
  if (!probe_.running()) return;
  if (std::optional<state::HealthProbe> result = probe_.Collect()) CommitProbe(*std::move(result));
}

void Supervisor::OnProbeTimeOut() { CommitProbe(probe_.TimeOut(config_.health.timeout)); }

void Supervisor::CommitProbe(state::HealthProbe result) {
  const bool changed = health_->Record(std::move(result), BootNow());
  state_.health = health_->state();
  if (absl::StatusOr<state::LockedContainer> record = LockRecord(); record.ok()) {
    state::ContainerState state = record->state();
    state.health = state_.health;
    record->CommitState(state).IgnoreError();
  }
  if (changed) LogEvent(absl::StrCat("health_status: ", state_.health.status));
}

}  // namespace tiny::runtime
