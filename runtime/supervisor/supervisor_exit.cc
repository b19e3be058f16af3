#include <sys/wait.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "cgroup/cgroup.h"
#include "runtime/event_log.h"
#include "runtime/release.h"
#include "runtime/run_directory.h"
#include "runtime/supervisor/exit_info.h"
#include "runtime/supervisor/supervisor.h"

namespace tiny::runtime {
namespace {

constexpr absl::Duration kDrainLimit = absl::Seconds(2);
// Where only the pidfd tells, and its parent, the machine's init as a rule, reaps at once.
constexpr absl::Duration kReapPatience = absl::Seconds(2);

// Whether something in the container was killed for want of memory, asked before its cgroup goes.
// With `kill`, what is left in it is killed too.
bool AskCgroup(const state::ContainerConfig& config, const state::ContainerState& state,
               bool kill) {
  const absl::StatusOr<cgroup::Hierarchy> hierarchy = cgroup::Hierarchy::Detect();
  if (!hierarchy.ok()) return false;
  absl::StatusOr<cgroup::Cgroup> cgroup = cgroup::Cgroup::Open(*hierarchy, state.cgroup_path);
  if (!cgroup.ok()) return false;
  if (kill) cgroup->Kill().IgnoreError();
  return (config.resources.memory > 0 || state.exit_code == 137) &&
         cgroup->OomKills().value_or(0) > 0;
}

}  // namespace

// The container's first process has ended. In an order that lets no one see a container that runs
// without a process, or miss its last byte: output, record, those who wait, and only then what the
// kernel and the disk still hold of it.
void Supervisor::OnExit() {
  poller_.Remove(pidfd_.get());
  upper_.Reset();
  if (streams_.out() >= 0) poller_.Remove(streams_.out());
  if (streams_.err() >= 0) poller_.Remove(streams_.err());
  if (stdin_blocked_ && !streams_.tty() && streams_.in() >= 0) poller_.Remove(streams_.in());
  resolver_.reset();
  relay_.reset();
  probe_.Abandon();
  state_.error.clear();
  if (adopted_) {
    const std::optional<int> code = ExitCodeOfStranger(state_.init, pidfd_.get(), kReapPatience);
    state_.exit_code = code.value_or(-1);
    if (!code.has_value()) state_.error = "supervisor died: nothing saw the exit code";
  } else {
    state_.exit_code = ReapChild(pidfd_.get()).value_or(-1);
  }
  // Only a process namespace ends with its first process.
  const bool shares_pids = !config_.pid_mode.empty();
  if (shares_pids || config_.resources.memory > 0 || state_.exit_code == 137) {
    state_.oom_killed = AskCgroup(config_, state_, shares_pids);
  }
  phase_ = Phase::kDraining;
  if (DrainStreams()) FinishLog();
  RecordExit();
  ContinueDraining();
}

// Gives everything that the container has written to the log and the clients; false where a client
// makes us wait.
bool Supervisor::DrainStreams() {
  while (!server_.busy()) {
    if (!PumpOnce(streams_.out(), FrameType::kStdout) &&
        (server_.busy() || !PumpOnce(streams_.err(), FrameType::kStderr))) {
      return !server_.busy();
    }
  }
  return false;
}

void Supervisor::LogEnd() const {
  std::vector<state::Event> events = NetworkEvents(config_, "disconnect");
  events.insert(events.begin(),
                ContainerEvent(config_, "die", {{"exitCode", absl::StrCat(state_.exit_code)}}));
  if (state_.oom_killed) events.insert(events.begin(), ContainerEvent(config_, "oom"));
  LogEvents(task_.options.root, std::move(events));
}

absl::Status Supervisor::Release(const state::ContainerState& ended) {
  return ReleaseResources({task_.options, networks_.get(), cgroup_ ? &*cgroup_ : nullptr},
                          config_.id, ended);
}

// Records the end and decides about a restart; then lets go of what this run had. The container's
// lock is held until all is gone, so that a start by somebody else finds it so.
void Supervisor::RecordExit() {
  absl::StatusOr<state::LockedContainer> record = LockRecord();
  if (record.ok()) {
    // What commands have changed meanwhile.
    config_ = record->config();
    const state::ContainerState& recorded = record->state();
    state_.manually_stopped = recorded.manually_stopped;
    state_.volumes = recorded.volumes;
    state_.endpoints = recorded.endpoints;
    state_.ports = recorded.ports;
  }
  restart_ = record.ok() &&
             ShouldRestart(config_.restart_policy, {.exit_code = state_.exit_code,
                                                    .manually_stopped = state_.manually_stopped,
                                                    .restart_count = state_.restart_count});
  const state::ContainerState ended = state_;
  state_.status = restart_ ? state::Status::kRestarting : state::Status::kExited;
  state_.finished_at = WallNow();
  state_.init = {};
  state_.endpoints.clear();
  state_.ports.clear();
  if (!state_.health.status.empty()) state_.health.status = "unhealthy";
  LogEnd();
  if (restart_) {
    record->CommitState(state_).IgnoreError();
    restart_at_ = BootNow() + backoff_.Next(BootNow() - run_started_);
    drain_ends_ = BootNow() + kDrainLimit;
    server_.TellWatchers(state_.exit_code, /*final=*/false);
    ContinueDraining();
    Release(ended).IgnoreError();
    port_holders_.clear();
    return;
  }
  state_.supervisor = {};
  std::optional<absl::Status> released;
  if (record.ok() && config_.auto_remove) {
    // What only the record leads to goes before it.
    RemoveAnonymousVolumes(task_.options, config_, ended).IgnoreError();
    if (!config_.cgroup_parent.empty()) released = Release(ended);
    std::move(*record).Remove().IgnoreError();
  } else if (record.ok()) {
    record->CommitState(state_).IgnoreError();
  }
  server_.TellWatchers(state_.exit_code, /*final=*/true);
  ContinueDraining();
  if (!released.has_value()) released = Release(ended);
  port_holders_.clear();
  if (config_.auto_remove) LogEvent("destroy");
  if (released->ok()) return LeaveRunDirectory();
  // The directory tells the next command that there is something to release.
  server_.StopListening();
  lock_.Reset();
}

absl::StatusOr<state::LockedContainer> Supervisor::LockRecord() {
  ASSIGN_OR_RETURN(const state::ContainerId id, state::ContainerId::Parse(config_.id));
  absl::StatusOr<state::LockedContainer> record = task_.store->Lock(id);
  // Held for so long by a command that is stopped, or on a disk that hangs: once more.
  if (absl::IsDeadlineExceeded(record.status())) record = task_.store->Lock(id);
  return record;
}

// With the container's lock held: whoever starts it next makes the directory anew.
void Supervisor::LeaveRunDirectory() {
  server_.StopListening();
  RemoveRunDirectory(task_.options.run_root, config_.id).IgnoreError();
  lock_.Reset();
}

// What clients are still to get, piece by piece, and then the exit code.
void Supervisor::ContinueDraining() {
  if (phase_ != Phase::kDraining || server_.busy() || !DrainStreams()) return;
  if (!exit_offered_) {
    exit_offered_ = true;
    FinishLog();
    server_.OfferExited(state_.exit_code);
    if (server_.busy()) return;
  }
  phase_ = restart_ ? Phase::kWaiting : Phase::kDone;
}

void Supervisor::FinishLog() {
  if (log_.has_value()) log_->Finish(WallNow());
}

void Supervisor::RestartNow() {
  restart_at_ = absl::InfiniteDuration();
  absl::StatusOr<state::LockedContainer> record = LockRecord();
  if (!record.ok() || record->state().manually_stopped) return GiveUpRestart(record);
  const int count = state_.restart_count + 1;
  state::ContainerState state = record->state();
  state.restart_count = count;
  if (absl::Status status = record->CommitState(state); !status.ok()) return GiveUpRestart(record);
  if (absl::Status status = Start(*record); !status.ok()) {
    RecordFailedStart(*record, status);
    return GiveUpRestart(record);
  }
  OnStarted();
}

// A container that waited for its restart stays down.
void Supervisor::GiveUpRestart(absl::StatusOr<state::LockedContainer>& record) {
  restart_ = false;
  phase_ = Phase::kDone;
  if (record.ok()) {
    state::ContainerState state = record->state();
    state.status = state::Status::kExited;
    state.supervisor = {};
    record->CommitState(state).IgnoreError();
  }
  server_.TellWatchers(state_.exit_code, /*final=*/true);
  LeaveRunDirectory();
}

}  // namespace tiny::runtime
