// One more process in a running container.
#include <errno.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "init/image.h"
#include "ns/namespaces.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/launched_container.h"
#include "runtime/launch/plan_init.h"
#include "runtime/launch/process_limits.h"
#include "runtime/launch/unprivileged.h"
#include "security/caller.h"

namespace tiny::runtime {
namespace {

absl::Status PlanExec(const ExecRequest& request, const security::Caller& caller,
                      LaunchedContainer::Impl& process) {
  ns::LaunchPlan& plan = process.plan;
  plan.join_pidfd = request.container_pidfd;
  ASSIGN_OR_RETURN(plan.join_flags, NamespacesToJoin(request.container_pid, caller));
  if (!request.cgroup_path.empty()) {
    absl::StatusOr<cgroup::Hierarchy> detected;
    if (request.hierarchy == nullptr) {
      detected = cgroup::Hierarchy::Detect();
      RETURN_IF_ERROR(detected.status());
    }
    const cgroup::Hierarchy& hierarchy = request.hierarchy ? *request.hierarchy : *detected;
    ASSIGN_OR_RETURN(process.cgroup, cgroup::Cgroup::Open(hierarchy, request.cgroup_path));
    plan.cgroup_fd = process.cgroup->dir_fd();
    if (process.cgroup->has_legacy()) {
      RETURN_IF_ERROR(process.AddCgroupStep(/*unshare=*/false, request.cgroup_tasks));
    }
  }
  RETURN_IF_ERROR(process.AddMemoryPolicy(*request.spec));
  if (request.process->terminal) {
    process.terminal = {&process.console_master.fd, &process.console_slave};
    process.AddStep("terminal", OpenTerminalInChild, &process.terminal);
    process.AddStep("terminal", ns::SendDescriptorStep, &process.console_master);
    process.AddStep("terminal", UseTerminalInChild, &process.console_slave);
  }
  ASSIGN_OR_RETURN(process.stub, init::OpenStub());
  plan.image_fd = process.stub.get();
  process.SetProgram(*request.process);
  process.PlaceDescriptors(request.stdio, request.process->terminal, request.preserve_fds);
  if (!request.process->terminal) {
    process.OwnStreams(request.stdio, *request.spec, request.process->user.uid);
  }
  InitInputs inputs;
  inputs.process = request.process;
  inputs.spec = request.spec;
  inputs.keyring = absl::StrCat("_ses.", request.id);
  inputs.path = request.path;
  inputs.default_seccomp = request.default_seccomp;
  inputs.may_set_groups = MaySetGroupsOf(
      request.container_pid, (plan.join_flags & ns::CloneFlag(ns::Kind::kUser)) != 0, caller);
  if (inputs.spec->linux_.seccomp.has_value()) {
    process.agent = AgentOf(*inputs.spec, request.state);
  }
  ASSIGN_OR_RETURN(process.init_config, PlanInit(inputs));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LaunchedContainer> LaunchExec(const ExecRequest& request) {
  auto impl = std::make_unique<LaunchedContainer::Impl>();
  const security::Caller caller;
  RETURN_IF_ERROR(PlanExec(request, caller, *impl));
  impl->plan.reports_ready = !request.starts || request.process->terminal ||
                             !MayBeSetEarly(*request.process, impl->HighestDescriptor());
  absl::StatusOr<ns::PendingChild> child = ns::CloneChild(impl->plan);
  UniqueFd cgroup;
  if (GetErrno(child.status()) == EBUSY && impl->cgroup.has_value()) {
    // The container has cgroups of its own: to where its first process is.
    ASSIGN_OR_RETURN(cgroup, impl->cgroup->OpenCgroupOf(request.container_pid));
    impl->plan.cgroup_fd = cgroup.get();
    child = ns::CloneChild(impl->plan);
  }
  RETURN_IF_ERROR(child.status());
  impl->child.emplace(*std::move(child));
  if (impl->plan.reports_ready) RETURN_IF_ERROR(impl->WaitUntilReady());
  RETURN_IF_ERROR(SetProcessLimits(impl->child->pid(), *request.process, &caller));
  if (request.on_created != nullptr) RETURN_IF_ERROR(request.on_created(impl->child->pid()));
  if (request.starts) RETURN_IF_ERROR(impl->Execute());
  return LaunchedContainer(std::move(impl));
}

}  // namespace tiny::runtime
