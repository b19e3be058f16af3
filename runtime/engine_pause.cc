#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cgroup/cgroup.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"

namespace tiny::runtime {
namespace {

absl::StatusOr<cgroup::Cgroup> OpenCgroup(const state::ContainerState& state) {
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  return cgroup::Cgroup::Open(hierarchy, state.cgroup_path);
}

}  // namespace

absl::Status EngineImpl::Pause(absl::string_view reference) {
  ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(reference));
  const std::string& name = record.config().name;
  if (record.state().status == state::Status::kPaused) {
    return absl::FailedPreconditionError(absl::StrCat("container ", name, " is already paused"));
  }
  if (record.state().status != state::Status::kRunning) {
    return absl::FailedPreconditionError(absl::StrCat("container ", name, " is not running"));
  }
  ASSIGN_OR_RETURN(cgroup::Cgroup cgroup, OpenCgroup(record.state()));
  absl::Status status = cgroup.SetFrozen(true);
  if (status.ok()) {
    state::ContainerState state = record.state();
    state.status = state::Status::kPaused;
    status = record.CommitState(std::move(state));
  }
  if (!status.ok()) {
    cgroup.SetFrozen(false).IgnoreError();
    return status;
  }
  LogEvent(options_.root, record.config(), "pause");
  return absl::OkStatus();
}

absl::Status EngineImpl::Unpause(absl::string_view reference) {
  ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(reference));
  if (record.state().status != state::Status::kPaused) {
    return absl::FailedPreconditionError(
        absl::StrCat("container ", record.config().name, " is not paused"));
  }
  ASSIGN_OR_RETURN(cgroup::Cgroup cgroup, OpenCgroup(record.state()));
  RETURN_IF_ERROR(cgroup.SetFrozen(false));
  state::ContainerState state = record.state();
  state.status = state::Status::kRunning;
  RETURN_IF_ERROR(record.CommitState(std::move(state)));
  LogEvent(options_.root, record.config(), "unpause");
  return absl::OkStatus();
}

absl::Status EngineImpl::Thaw(const Container& container) {
  ASSIGN_OR_RETURN(cgroup::Cgroup cgroup, OpenCgroup(container.state));
  return cgroup.SetFrozen(false);
}

}  // namespace tiny::runtime
