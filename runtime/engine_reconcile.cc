#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"
#include "runtime/prepare.h"
#include "runtime/release.h"
#include "runtime/run_directory.h"
#include "runtime/supervisor/restart.h"
#include "state/liveness.h"

namespace tiny::runtime {
namespace {

// A start or an end in progress holds the lock for some milliseconds; what it leads to will do.
constexpr absl::Duration kSettlePatience = absl::Seconds(5);

}  // namespace

absl::StatusOr<Container> EngineImpl::Settle(const state::ContainerId& id) {
  ASSIGN_OR_RETURN(state::ContainerRecord record, store_.Read(id));
  return SettleRecord(std::move(record));
}

absl::StatusOr<Container> EngineImpl::SettleRecord(Container record) {
  if (!IsActive(record.state.status)) return record;
  if (state::ProbeLiveness(record.state).supervisor_alive) return record;
  // Nobody watches it. Looked at again with the lock, as somebody else may be mending it.
  ASSIGN_OR_RETURN(const state::ContainerId id, state::ContainerId::Parse(record.config.id));
  {
    ASSIGN_OR_RETURN(state::LockedContainer locked, store_.Lock(id, kSettlePatience));
    const state::Liveness liveness = state::ProbeLiveness(locked.state());
    if (IsActive(locked.state().status) && !liveness.supervisor_alive) {
      const state::ContainerState reconciled = state::Reconcile(locked.state(), liveness);
      RETURN_IF_ERROR(Mend(std::move(locked), reconciled, liveness));
    }
  }
  return store_.Read(id);
}

absl::Status EngineImpl::Mend(state::LockedContainer record,
                              const state::ContainerState& reconciled,
                              const state::Liveness& liveness) {
  if (liveness.init_alive) {
    absl::StatusOr<UniqueFd> socket =
        ForkSupervisor(SupervisorTask::Kind::kAdopt, std::move(record), {});
    if (!socket.ok()) return socket.status();
    return AwaitStarted(socket->get());
  }
  const state::ContainerConfig config = record.config();
  const state::ContainerState before = record.state();
  LogEvent(options_.root, config, "die", {{"exitCode", absl::StrCat(reconciled.exit_code)}});
  ReleaseRemains(record.id(), before);
  if (config.auto_remove) {
    RemoveAnonymousVolumes(options_, config, before).IgnoreError();
    RETURN_IF_ERROR(std::move(record).Remove());
    LogEvent(options_.root, config, "destroy");
    return absl::NotFoundError(absl::StrCat("no such container: ", config.name));
  }
  state::ContainerState ended = reconciled;
  ended.supervisor = {};
  if (ended.finished_at == absl::InfinitePast()) ended.finished_at = WallNow();
  ended.endpoints.clear();
  ended.ports.clear();
  const bool restart =
      liveness.same_boot &&
      ShouldRestart(config.restart_policy, {.exit_code = ended.exit_code,
                                            .manually_stopped = ended.manually_stopped,
                                            .restart_count = ended.restart_count});
  if (restart) {
    // As its supervisor would have done. The status tells the start that it is no start by hand.
    ended.status = state::Status::kRestarting;
    ++ended.restart_count;
  }
  RETURN_IF_ERROR(record.CommitState(ended));
  if (!restart) return absl::OkStatus();
  absl::StatusOr<UniqueFd> socket =
      ForkSupervisor(SupervisorTask::Kind::kStart, std::move(record), {});
  if (!socket.ok()) return socket.status();
  // One that can't be started is recorded as exited, and why: no failure of who looks at it.
  AwaitStarted(socket->get()).IgnoreError();
  return absl::OkStatus();
}

absl::StatusOr<Container> EngineImpl::Find(absl::string_view reference) {
  if (created_.has_value() && created_->id().value() == reference) {
    return Container{created_->config(), created_->state()};
  }
  ASSIGN_OR_RETURN(const state::ContainerId id, store_.Find(reference));
  return Settle(id);
}

absl::StatusOr<state::LockedContainer> EngineImpl::FindAndLock(absl::string_view reference) {
  created_.reset();
  ASSIGN_OR_RETURN(const state::ContainerId id, store_.Find(reference));
  RETURN_IF_ERROR(Settle(id).status());
  return store_.Lock(id);
}

absl::StatusOr<Container> EngineImpl::Inspect(absl::string_view reference) {
  return Find(reference);
}

absl::Status EngineImpl::Visit(Which which, absl::FunctionRef<void(Container&)> visit,
                               std::vector<std::string>* damaged) {
  std::vector<state::DamagedRecord> unread;
  std::set<std::string> active;
  const auto settle_and_visit = [&](Container& container) {
    if (IsActive(container.state.status)) {
      absl::StatusOr<Container> settled = SettleRecord(container);
      if (absl::IsNotFound(settled.status())) return;
      if (settled.ok()) container = *std::move(settled);  // else as it is recorded
      if (IsActive(container.state.status)) {
        active.insert(container.config.id);
      } else if (which == Which::kActive) {
        return;
      }
    }
    visit(container);
  };
  RETURN_IF_ERROR(store_.Visit(
      which == Which::kAll ? state::StateStore::Which::kAll : state::StateStore::Which::kActive,
      settle_and_visit, &unread));
  if (damaged != nullptr) {
    for (const state::DamagedRecord& record : unread) {
      damaged->push_back(absl::StrCat(record.id, ": ", record.status.message()));
    }
  }
  const absl::StatusOr<bool> swept = SweepRunRoot(active);
  if (swept.ok() && *swept) SweepNetworks().IgnoreError();
  return absl::OkStatus();
}

// What a killed command or supervisor left of the run of a container that does not run: a run
// directory tells that there is something. With the container's lock held, or with no container.
void EngineImpl::ReleaseRemains(const state::ContainerId& id, state::ContainerState state) {
  if (!ReleaseResources({options_}, id.value(), state).ok()) return;  // the next one tries again
  RemoveRunDirectory(options_.run_root, id.value()).IgnoreError();
}

bool EngineImpl::SweepRunDirectory(const state::ContainerId& id) {
  const absl::StatusOr<state::LockedContainer> record = store_.Lock(id, absl::ZeroDuration());
  state::ContainerState state;
  state.cgroup_path = absl::StrCat("/tiny/", id.value());
  if (record.ok()) {
    if (IsActive(record->state().status)) return false;
    state = record->state();
    state.cgroup_path = CgroupPathOf(record->config());
  } else if (!absl::IsNotFound(record.status())) {
    return false;  // somebody is at it
  }
  ReleaseRemains(id, std::move(state));
  return true;
}

absl::StatusOr<bool> EngineImpl::SweepRunRoot(const std::set<std::string>& active) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(options_.run_root));
  bool swept = false;
  for (const std::string& name : names) {
    if (active.contains(name)) continue;
    const absl::StatusOr<state::ContainerId> id = state::ContainerId::Parse(name);
    if (id.ok() && SweepRunDirectory(*id)) swept = true;
  }
  return swept;
}

absl::Status EngineImpl::SweepNetworks() {
  ASSIGN_OR_RETURN(const std::unique_ptr<NetworkManager> networks, OpenNetworks());
  return networks->Sweep();
}

absl::Status EngineImpl::Sweep() {
  created_.reset();
  RETURN_IF_ERROR(Visit(
      Which::kAll, [](const Container&) {}, nullptr));
  RETURN_IF_ERROR(store_.Sweep());
  return SweepNetworks();
}

}  // namespace tiny::runtime
