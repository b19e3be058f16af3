#include <utility>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cgroup/cgroup.h"
#include "runtime/cgroup_resources.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"
#include "runtime/host_devices.h"
#include "runtime/spec/build_spec.h"

namespace tiny::runtime {
namespace {

absl::Status UpdateCgroup(const std::string& path, const oci::Resources& resources) {
  ASSIGN_OR_RETURN(const cgroup::Resources limits, CgroupResources(resources));
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  ASSIGN_OR_RETURN(cgroup::Cgroup cgroup, cgroup::Cgroup::Open(hierarchy, path));
  return cgroup.Update(limits);
}

}  // namespace

absl::Status EngineImpl::Update(
    absl::string_view reference,
    const std::function<absl::Status(state::ContainerConfig&)>& change) {
  ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(reference));
  const state::ContainerConfig before = record.config();
  state::ContainerConfig config = before;
  RETURN_IF_ERROR(change(config));
  if (config.auto_remove && config.restart_policy.name != "no") {
    return absl::InvalidArgumentError(absl::StrCat(
        "container ", config.name, " is removed when it exits: it can't have a restart policy"));
  }
  ASSIGN_OR_RETURN(oci::Resources resources,
                   BuildResources(config.resources, NamedHostDevices(config)));
  // A start has no limit to lift.
  if (before.resources.pids_limit > 0 && config.resources.pids_limit < 0) {
    resources.pids_limit = -1;
  }
  // The record first: limits that the kernel refuses are taken back from it.
  RETURN_IF_ERROR(record.CommitConfig(config));
  if (record.state().status == state::Status::kRunning ||
      record.state().status == state::Status::kPaused) {
    absl::Status status = UpdateCgroup(record.state().cgroup_path, resources);
    if (!status.ok()) {
      record.CommitConfig(before).IgnoreError();
      return Annotate(status, absl::StrCat("update ", config.name));
    }
  }
  LogEvent(options_.root, config, "update");
  return absl::OkStatus();
}

}  // namespace tiny::runtime
