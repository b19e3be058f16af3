#include "state/liveness.h"

#include "absl/status/statusor.h"

namespace tiny::state {
namespace {

bool IsAlive(const ProcessIdentity& identity) {
  if (identity.pid <= 0 || identity.boot_id != BootId()) return false;
  const absl::StatusOr<ProcessStat> stat = ReadProcessStat(identity.pid);
  return stat.ok() && stat->start_time == identity.start_time && stat->state != 'Z' &&
         stat->state != 'X';
}

}  // namespace

bool IsActive(Status status) {
  switch (status) {
    case Status::kRunning:
    case Status::kPaused:
    case Status::kRestarting:
      return true;
    case Status::kCreated:
    case Status::kRemoving:
    case Status::kExited:
    case Status::kDead:
      return false;
  }
  return false;
}

Liveness ProbeLiveness(const ContainerState& recorded) {
  Liveness liveness;
  liveness.init_alive = IsAlive(recorded.init);
  liveness.supervisor_alive = IsAlive(recorded.supervisor);
  const ProcessIdentity& named = recorded.init.pid > 0 ? recorded.init : recorded.supervisor;
  liveness.same_boot = named.pid > 0 && named.boot_id == BootId();
  return liveness;
}

ContainerState Reconcile(const ContainerState& recorded, const Liveness& liveness) {
  ContainerState state = recorded;
  if (liveness.init_alive || liveness.supervisor_alive) return state;
  if (IsActive(recorded.status)) {
    state.status = Status::kExited;
    state.exit_code = -1;
    state.error = liveness.same_boot ? "its supervisor was killed: the exit code is not known"
                                     : "lost when the machine went down";
  } else if (recorded.status == Status::kRemoving) {
    state.status = Status::kDead;
  }
  if (state.status != recorded.status) {
    state.init = {};
    state.supervisor = {};
  }
  return state;
}

}  // namespace tiny::state
