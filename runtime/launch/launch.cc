#include "runtime/launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sys/statfs.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/timeline.h"
#include "base/unix_socket.h"
#include "init/image.h"
#include "oci/state.h"
#include "runtime/cgroup_resources.h"
#include "runtime/hooks/hooks.h"
#include "runtime/launch/container_hooks.h"
#include "runtime/launch/id_map_namespace.h"
#include "runtime/launch/intel_rdt.h"
#include "runtime/launch/launched_container.h"
#include "runtime/launch/mount_hint.h"
#include "runtime/launch/plan_init.h"
#include "runtime/launch/plan_mounts.h"
#include "runtime/launch/process_limits.h"
#include "runtime/launch/unprivileged.h"
#include "security/caller.h"
#include "security/lsm.h"

namespace tiny::runtime {
namespace {

// Where the kernel kills for want of memory it kills all who share it, so that with a limit this
// tight the child gets a copy.
constexpr int64_t kTightMemory = int64_t{32} << 20;

// One launch, in the order in which its methods stand here.
class Launcher {
 public:
  Launcher(const LaunchRequest& request, LaunchedContainer::Impl& container)
      : request_(request), spec_(*request.spec), container_(container) {}

  absl::Status Plan();
  absl::Status Run();

 private:
  absl::Status PlanCgroup();
  absl::Status MakeCgroup(cgroup::Resources resources);
  void PlanCgroupView(CgroupView& view) const;
  absl::Status PlanSysctls();
  absl::Status PlanMountSteps();
  absl::Status PlanProgram();
  absl::StatusOr<int> NewNetwork(UniqueFd& opened) const;
  absl::Status MoveDevices();
  absl::Status AssignIntelRdt();
  absl::Status ConfigureNetwork();
  absl::Status RunCreateHooks();
  void JoinMadeNetwork();
  bool NeedsReadyStub() const;
  absl::Status CallOnCreated() const;
  oci::State StateAs(absl::string_view status) const;

  const LaunchRequest& request_;
  const oci::Spec& spec_;
  LaunchedContainer::Impl& container_;
  cgroup::Hierarchy hierarchy_;  // looked at once, where there is a cgroup
};

absl::Status Launcher::Plan() {
  if (!spec_.process.has_value() || !spec_.root.has_value()) {
    return absl::InvalidArgumentError("the spec has no process or no root");
  }
  ns::LaunchPlan& plan = container_.plan;
  ASSIGN_OR_RETURN(container_.namespaces, PlanNamespaces(spec_, request_.caller));
  RETURN_IF_ERROR(CheckMayLaunch(container_.namespaces, request_.caller));
  plan.new_namespaces = container_.namespaces.fresh;
  for (const NamespacePlan::Joined& joined : container_.namespaces.joined) {
    plan.join.push_back({joined.kind, joined.fd.get()});
  }
  plan.hostname = spec_.hostname;
  plan.domainname = spec_.domainname;
  plan.time_offsets = container_.namespaces.time_offsets;
  RETURN_IF_ERROR(PlanCgroup());
  Timeline::Stamp("cgroup made, limits written");
  RETURN_IF_ERROR(container_.AddMemoryPolicy(spec_));
  RETURN_IF_ERROR(PlanSysctls());
  RETURN_IF_ERROR(PlanMountSteps());
  return PlanProgram();
}

bool IsRefused(const absl::Status& status) {
  const int error = GetErrno(status).value_or(0);
  return error == EACCES || error == EPERM || error == EROFS;
}

// Nothing is mounted, or it lacks a controller.
bool IsMissing(const absl::Status& status) { return absl::IsFailedPrecondition(status); }

absl::Status Launcher::MakeCgroup(cgroup::Resources resources) {
  const auto make = [&]() -> absl::Status {
    const auto make = request_.adopt_cgroup ? cgroup::Cgroup::Adopt : cgroup::Cgroup::Create;
    ASSIGN_OR_RETURN(container_.cgroup, make(hierarchy_, request_.cgroup_path, resources));
    return absl::OkStatus();
  };
  absl::Status made = make();
  security::Caller* caller = request_.caller;
  if (caller == nullptr) return made;
  // The kernel takes device rules of the machine's root alone. Others can't make nodes either.
  if (made.ok() && !resources.devices.empty()) caller->KnowAsMachineRoot();
  if (!IsRefused(made) || caller->IsMachineRoot()) return made;
  resources.devices.clear();
  resources.count_usage = false;
  return make();
}

absl::Status Launcher::PlanCgroup() {
  if (request_.cgroup_path.empty()) return absl::OkStatus();
  ns::LaunchPlan& plan = container_.plan;
  oci::Resources wanted = spec_.linux_.resources.value_or(oci::Resources());
  // The child makes its device nodes from within; as in runc, nodes of others may be made later,
  // too, though not opened.
  if (!wanted.devices.empty()) {
    for (const char* type : {"c", "b"}) {
      oci::DeviceRule rule;
      rule.allow = true;
      rule.type = type;
      rule.access = "m";
      wanted.devices.push_back(std::move(rule));
    }
  }
  ASSIGN_OR_RETURN(cgroup::Resources resources, CgroupResources(wanted));
  resources.count_usage = request_.count_usage;
  absl::StatusOr<cgroup::Hierarchy> detected = cgroup::Hierarchy::Detect();
  if (detected.ok()) hierarchy_ = *std::move(detected);
  const absl::Status made = detected.ok() ? MakeCgroup(resources) : detected.status();
  if (!made.ok()) {
    const bool asks = request_.go_without_cgroup != nullptr;
    return asks && (IsRefused(made) || IsMissing(made)) ? request_.go_without_cgroup(made) : made;
  }
  container_.owns_cgroup = true;
  plan.cgroup_fd = container_.cgroup->dir_fd();
  plan.share_memory = resources.memory_limit.value_or(kTightMemory) >= kTightMemory ||
                      resources.memory_limit.value_or(0) < 0;
  if (!container_.cgroup->has_legacy()) return absl::OkStatus();
  plan.new_namespaces &= ~uint64_t{CLONE_NEWCGROUP};
  return container_.AddCgroupStep(container_.namespaces.IsFresh(ns::Kind::kCgroup));
}

absl::Status Launcher::PlanSysctls() {
  if (spec_.linux_.sysctl.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(container_.sysctl_directory, OpenFile("/proc/sys", O_PATH | O_DIRECTORY));
  struct statfs file_system;
  if (fstatfs(container_.sysctl_directory.get(), &file_system) != 0 ||
      file_system.f_type != PROC_SUPER_MAGIC) {
    return absl::FailedPreconditionError("/proc/sys is not of a procfs");
  }
  for (const auto& [key, value] : spec_.linux_.sysctl) {
    // Interface names may hold dots: then the slashes are written.
    const bool slashes = absl::string_view(key).find('/') != absl::string_view::npos;
    container_.texts.push_back(slashes ? key : absl::StrReplaceAll(key, {{".", "/"}}));
    container_.sysctl_values.push_back(
        {container_.texts.back().c_str(), value.c_str(), value.size()});
  }
  container_.sysctls = {container_.sysctl_directory.get(), container_.sysctl_values.data(),
                        container_.sysctl_values.size()};
  container_.AddStep("sysctl", WriteSysctlsInChild, &container_.sysctls);
  return absl::OkStatus();
}

// Where it has no cgroup of its own, it sees those that it is in.
void Launcher::PlanCgroupView(CgroupView& view) const {
  view.own_namespace = container_.namespaces.IsFresh(ns::Kind::kCgroup);
  if (hierarchy_.unified().empty() && hierarchy_.legacy().empty()) return;
  view.unified = hierarchy_.mode() == cgroup::Mode::kUnified;
  view.unified_path = hierarchy_.unified();
  const bool has_cgroup = container_.cgroup.has_value();
  for (const cgroup::LegacyTree& tree :
       has_cgroup ? container_.cgroup->LegacyTrees() : hierarchy_.legacy()) {
    view.legacy.push_back({tree.mount_point, tree.controllers});
  }
  if (has_cgroup) view.path = request_.cgroup_path;
}

absl::Status Launcher::PlanMountSteps() {
  RETURN_IF_ERROR(security::CheckSelinuxLabel(spec_.linux_.mount_label));
  MountInputs inputs;
  inputs.spec = &spec_;
  inputs.bundle = request_.bundle;
  inputs.overlay = request_.overlay.empty() ? nullptr : &request_.overlay[0];
  inputs.no_pivot = request_.no_pivot;
  inputs.caller = request_.caller;
  PlanCgroupView(inputs.cgroup);
  const auto id_maps = [this](const std::vector<oci::IdMapping>& uids,
                              const std::vector<oci::IdMapping>& gids) -> absl::StatusOr<int> {
    ASSIGN_OR_RETURN(UniqueFd fd, MakeIdMapNamespace({IdMapOf(uids), IdMapOf(gids), false}));
    container_.id_map_namespaces.push_back(std::move(fd));
    return container_.id_map_namespaces.back().get();
  };
  ASSIGN_OR_RETURN(fs::MountPlan mounts, PlanMounts(inputs, id_maps));
  const bool terminal = spec_.process->terminal;
  if (terminal) {
    mounts.console_master = &container_.console_master.fd;
    mounts.console_slave = &container_.console_slave;
  }
  const bool upper_on_tmpfs = !request_.overlay.empty() && request_.overlay[0].upper_dir.empty();
  if (upper_on_tmpfs) mounts.root.upper_descriptor = &container_.overlay_upper.fd;
  const oci::Hooks& hooks = spec_.hooks;
  const bool has_create_hooks =
      !hooks.prestart.empty() || !hooks.create_runtime.empty() || !hooks.create_container.empty();
  mounts.root.in_place = has_create_hooks;
  ASSIGN_OR_RETURN(container_.mounts, fs::Compile(mounts));
  container_.AddStep("mounts", fs::ApplyMountsInChild, container_.mounts.get());
  if (upper_on_tmpfs) {
    container_.AddStep("upper", ns::SendDescriptorStep, &container_.overlay_upper);
  }
  if (has_create_hooks) {
    container_.on_barrier = [this] { return RunCreateHooks(); };
    container_.AddStep("hooks", ns::BarrierStep, &container_.barrier);
  }
  container_.AddStep("pivot_root", fs::PivotRootInChild, container_.mounts.get());
  if (terminal) {
    container_.AddStep("terminal", ns::SendDescriptorStep, &container_.console_master);
    container_.AddStep("terminal", UseTerminalInChild, &container_.console_slave);
  }
  return absl::OkStatus();
}

absl::Status Launcher::PlanProgram() {
  ns::LaunchPlan& plan = container_.plan;
  ASSIGN_OR_RETURN(container_.stub, init::OpenStub());
  plan.image_fd = container_.stub.get();
  container_.SetProgram(*spec_.process);
  container_.PlaceDescriptors(request_.stdio, spec_.process->terminal, request_.preserve_fds);
  if (!spec_.process->terminal) {
    container_.OwnStreams(request_.stdio, spec_, spec_.process->user.uid);
  }
  if (!request_.start_socket.empty()) {
    ASSIGN_OR_RETURN(container_.start_socket, ListenUnixSocket(request_.start_socket));
    plan.start_fd = container_.start_socket.get();
    container_.waits_on_socket = true;
  }
  InitInputs inputs;
  inputs.process = &*spec_.process;
  inputs.spec = &spec_;
  if (!request_.no_new_keyring) inputs.keyring = absl::StrCat("_ses.", request_.id);
  inputs.default_seccomp = request_.default_seccomp;
  inputs.reaper = request_.init_reaper;
  inputs.new_root = true;
  inputs.may_set_groups = MaySetGroups(container_.namespaces, request_.caller);
  inputs.check_program = container_.waits_on_socket;
  if (container_.waits_on_socket) inputs.start_fd = static_cast<int>(plan.descriptors.size()) + 1;
  ASSIGN_OR_RETURN(container_.init_config, PlanInit(inputs));
  return absl::OkStatus();
}

oci::State Launcher::StateAs(absl::string_view status) const {
  oci::State state;
  state.id = request_.id;
  state.status = std::string(status);
  state.pid = container_.child->pid();
  state.bundle = request_.bundle;
  state.annotations = spec_.annotations;
  return state;
}

// -1: it has none of its own. One that was made ahead is not the child's before it has joined it.
absl::StatusOr<int> Launcher::NewNetwork(UniqueFd& opened) const {
  if (!container_.namespaces.IsFresh(ns::Kind::kNetwork)) return -1;
  if (container_.network.fd) return container_.network.fd.get();
  ASSIGN_OR_RETURN(opened, ns::OpenNamespace(container_.child->pid(), ns::Kind::kNetwork));
  return opened.get();
}

absl::Status Launcher::MoveDevices() {
  if (spec_.linux_.net_devices.empty()) return absl::OkStatus();
  UniqueFd opened;
  ASSIGN_OR_RETURN(int network, NewNetwork(opened));
  for (const NamespacePlan::Joined& joined : container_.namespaces.joined) {
    if (joined.kind == ns::Kind::kNetwork) network = joined.fd.get();
  }
  return container_.net_devices.Move(spec_.linux_.net_devices, network);
}

absl::Status Launcher::AssignIntelRdt() {
  if (!spec_.linux_.intel_rdt.has_value()) return absl::OkStatus();
  container_.remove_intel_rdt = [rdt = *spec_.linux_.intel_rdt, id = request_.id] {
    RemoveIntelRdt(rdt, id).IgnoreError();
  };
  return ApplyIntelRdt(*spec_.linux_.intel_rdt, request_.id, container_.child->pid());
}

absl::Status Launcher::ConfigureNetwork() {
  if (request_.configure_network == nullptr) return absl::OkStatus();
  UniqueFd opened;
  ASSIGN_OR_RETURN(const int network, NewNetwork(opened));
  return request_.configure_network(container_.child->identity(), network);
}

absl::Status Launcher::RunCreateHooks() {
  const oci::State state = StateAs("creating");
  const std::string text = oci::SerializeState(state);
  RETURN_IF_ERROR(RunHooks("prestart", spec_.hooks.prestart, text, request_.bundle));
  RETURN_IF_ERROR(RunHooks("createRuntime", spec_.hooks.create_runtime, text, request_.bundle));
  return RunCreateContainerHooks(spec_, state, container_.child->pidfd(),
                                 container_.cgroup.has_value() ? &*container_.cgroup : nullptr);
}

// What was begun ahead and failed is done by the clone, whose errors are explained. What is new
// belongs to the user namespace that the container is in.
void Launcher::JoinMadeNetwork() {
  const NamespacePlan& namespaces = container_.namespaces;
  if (request_.network_maker == nullptr || !namespaces.IsFresh(ns::Kind::kNetwork) ||
      namespaces.IsFresh(ns::Kind::kUser) || namespaces.Joins(ns::Kind::kUser)) {
    return;
  }
  absl::StatusOr<ns::NetworkMaker::Made> made = request_.network_maker->Take();
  if (!made.ok()) return;
  container_.network = *std::move(made);
  container_.plan.new_namespaces &= ~uint64_t{CLONE_NEWNET};
  container_.plan.join.push_back({ns::Kind::kNetwork, container_.network.fd.get()});
}

// Whether something has to be done between the child's exec of the stub and that of the program. A
// child that is killed for want of memory is told from a program that is only where it reports.
bool Launcher::NeedsReadyStub() const {
  if (container_.on_barrier != nullptr || !container_.plan.share_memory) return true;
  if (!MayBeSetEarly(*spec_.process, container_.HighestDescriptor())) return true;
  if (container_.waits_on_socket) return false;
  return !request_.starts || spec_.process->terminal || !spec_.hooks.start_container.empty();
}

absl::Status Launcher::CallOnCreated() const {
  if (request_.on_created == nullptr) return absl::OkStatus();
  const bool is_complete = container_.plan.reports_ready || container_.waits_on_socket;
  return request_.on_created(
      {.process = {.pid = container_.child->pid(), .start_time = container_.child->start_time()},
       .cgroup = container_.cgroup.has_value() ? &*container_.cgroup : nullptr,
       .is_complete = is_complete});
}

absl::Status Launcher::Run() {
  JoinMadeNetwork();
  container_.plan.reports_ready = NeedsReadyStub();
  {
    absl::StatusOr<ns::PendingChild> child = ns::CloneChild(container_.plan);
    if (!child.ok()) {
      return ExplainRefusedClone(child.status(), container_.namespaces,
                                 container_.plan.cgroup_fd >= 0, request_.caller);
    }
    container_.child.emplace(*std::move(child));
  }
  if (container_.namespaces.IsFresh(ns::Kind::kUser)) {
    RETURN_IF_ERROR(
        WriteIdMaps(container_.child->pid(), container_.namespaces.id_maps, request_.caller));
    RETURN_IF_ERROR(container_.child->AllowUserNamespace());
  }
  if (const absl::Status network = ConfigureNetwork(); !network.ok()) {
    // Where the child has failed meanwhile, its network namespace is gone: its own error is the
    // reason.
    RETURN_IF_ERROR(container_.child->EarlyFailure());
    return network;
  }
  RETURN_IF_ERROR(MoveDevices());
  RETURN_IF_ERROR(AssignIntelRdt());
  Timeline::Stamp("network set up");
  if (container_.plan.reports_ready) RETURN_IF_ERROR(container_.WaitUntilReady());
  RETURN_IF_ERROR(SetProcessLimits(container_.child->pid(), *spec_.process, request_.caller));
  Timeline::Stamp("init waits, limits set");
  if (!spec_.hooks.start_container.empty()) {
    container_.start_hooks = {spec_, request_.id, StateAs("created"),
                              container_.cgroup.has_value() ? request_.cgroup_path : ""};
  }
  if (spec_.linux_.seccomp.has_value()) container_.agent = AgentOf(spec_, StateAs("created"));
  if (container_.waits_on_socket) {
    container_.start_socket.Reset();
    RETURN_IF_ERROR(container_.ConfigureAndWait());
  }
  RETURN_IF_ERROR(CallOnCreated());
  return request_.starts ? container_.Execute() : absl::OkStatus();
}

}  // namespace

absl::StatusOr<LaunchedContainer> Launch(const LaunchRequest& request) {
  auto impl = std::make_unique<LaunchedContainer::Impl>();
  Launcher launcher(request, *impl);
  RETURN_IF_ERROR(launcher.Plan());
  Timeline::Stamp("plan compiled");
  if (absl::Status status = launcher.Run(); !status.ok()) {
    if (!absl::IsInternal(status) || impl->plan.share_memory) {
      return ExplainMount(std::move(status), request);
    }
    return WithHint(std::move(status), "its memory limit is perhaps too low to start anything");
  }
  return LaunchedContainer(std::move(impl));
}

}  // namespace tiny::runtime
