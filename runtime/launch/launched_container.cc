#include "runtime/launch/launched_container.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/timeline.h"
#include "base/unix_socket.h"
#include "runtime/launch/memory_policy.h"

namespace tiny::runtime {
namespace {

constexpr char kProgramUrl[] = "tiny/program";
constexpr char kNotify[] = "SCMP_ACT_NOTIFY";

// The stub's own words for a program that can't be executed (init/execute.cc).
absl::Status MarkProgramError(absl::Status status) {
  if (!status.ok() && (absl::StartsWith(status.message(), "exec") ||
                       absl::StartsWith(status.message(), "executable file not found"))) {
    status.SetPayload(kProgramUrl, absl::Cord("1"));
  }
  return status;
}

// Hands the seccomp listener that is `number` in a process to the agent, with the container's
// process state: runtime-spec, config-linux.md, "Seccomp", listenerPath.
absl::Status PassListener(const SeccompAgent& agent, pid_t pid, int pidfd, int number) {
  const UniqueFd listener(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, number, 0)));
  if (!listener) return PosixStatus(errno, "take the seccomp listener of the container");
  absl::StatusOr<UniqueFd> fd = ConnectUnixSocket(agent.path, SOCK_STREAM);
  if (!fd.ok()) return Annotate(fd.status(), "linux.seccomp.listenerPath");
  const std::string state = oci::SerializeProcessState(agent.state, pid, agent.metadata);
  const absl::StatusOr<size_t> sent = SendWithDescriptor(fd->get(), state, listener.get());
  if (!sent.ok()) {
    return Annotate(sent.status(), absl::StrCat("seccomp listener to ", agent.path));
  }
  return WriteAll(fd->get(), absl::string_view(state).substr(*sent), agent.path);
}

absl::Status CheckListenerPassed(const SeccompAgent& agent, bool passed) {
  if (passed || agent.path.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "linux.seccomp: the filter denies the calls by which its listener is handed on");
}

}  // namespace

LaunchedContainer::Impl::~Impl() {
  if (released) {
    net_devices.Keep();
    return;
  }
  if (child.has_value()) child.reset();  // kills and reaps
  if (remove_intel_rdt != nullptr) remove_intel_rdt();
  // Removing takes a few descriptors, and to have none left may be why this is destroyed.
  mounts.reset();
  stub.Reset();
  cgroup_files.clear();
  if (owns_cgroup && cgroup.has_value()) cgroup->Remove().IgnoreError();
}

void LaunchedContainer::Impl::PlaceDescriptors(const int (&stdio)[3], bool terminal,
                                               const std::vector<int>& preserved) {
  for (int fd = 0; fd < 3; ++fd) plan.descriptors.push_back(terminal ? fd : stdio[fd]);
  plan.descriptors.insert(plan.descriptors.end(), preserved.begin(), preserved.end());
}

void LaunchedContainer::Impl::OwnStreams(const int (&stdio)[3], const oci::Spec& spec,
                                         uint32_t uid) {
  for (const oci::IdMapping& mapping : spec.linux_.uid_mappings) {
    if (uid < mapping.container_id || uid - mapping.container_id >= mapping.size) continue;
    const uint32_t owner = mapping.host_id + (uid - mapping.container_id);
    for (const int fd : stdio) {
      struct stat status;
      // Devices, such as the host's terminal and /dev/null, stay whose they are.
      if (fstat(fd, &status) != 0 || S_ISCHR(status.st_mode) || status.st_uid == owner) continue;
      if (fchown(fd, owner, static_cast<gid_t>(-1)) != 0) return;  // not privileged: as it is, then
    }
  }
}

int LaunchedContainer::Impl::HighestDescriptor() const {
  return std::max(static_cast<int>(plan.descriptors.size()), stub.get());
}

void LaunchedContainer::Impl::AddStep(const char* name, ChildResult (*run)(const void*) noexcept,
                                      const void* argument) {
  plan.steps.push_back({name, run, argument});
}

absl::Status LaunchedContainer::Impl::AddCgroupStep(bool unshare, const std::vector<int>& further) {
  ASSIGN_OR_RETURN(cgroup_files, cgroup->OpenLegacyTasks());
  for (const UniqueFd& file : cgroup_files) cgroup_fds.push_back(file.get());
  cgroup_fds.insert(cgroup_fds.end(), further.begin(), further.end());
  cgroups = {cgroup_fds.data(), cgroup_fds.size(), unshare};
  AddStep("cgroup", EnterCgroupsInChild, &cgroups);
  return absl::OkStatus();
}

absl::Status LaunchedContainer::Impl::AddMemoryPolicy(const oci::Spec& spec) {
  if (!spec.linux_.memory_policy.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(memory_policy, PlanMemoryPolicy(*spec.linux_.memory_policy));
  AddStep("memory policy", SetMemoryPolicyInChild, &memory_policy);
  return absl::OkStatus();
}

absl::Status LaunchedContainer::Impl::SetConsoleSize() const {
  if (!console_size.has_value()) return absl::OkStatus();
  winsize size = {};
  size.ws_row = console_size->height;
  size.ws_col = console_size->width;
  if (ioctl(console.get(), TIOCSWINSZ, &size) == 0) return absl::OkStatus();
  return PosixStatus(errno, "set the size of the terminal");
}

void LaunchedContainer::Impl::SetProgram(const oci::Process& process) {
  console_size = process.console_size;
  for (const std::string& argument : process.args) plan.argv.push_back(argument.c_str());
  for (const std::string& variable : process.env) plan.envp.push_back(variable.c_str());
}

absl::Status LaunchedContainer::Impl::OnMessage(const init::InitMessage& message,
                                                UniqueFd descriptor) {
  switch (message.kind) {
    case init::MessageKind::kDescriptor:
      if (message.value == kUpperDescriptor) {
        upper = std::move(descriptor);
        return absl::OkStatus();
      }
      console = std::move(descriptor);
      return SetConsoleSize();
    case init::MessageKind::kBarrier:
      if (on_barrier == nullptr) return absl::InternalError("an unexpected barrier");
      RETURN_IF_ERROR(on_barrier());
      return child->PassBarrier();
    case init::MessageKind::kSeccompListener:
      agent_has_listener = true;
      RETURN_IF_ERROR(PassListener(agent, child->pid(), child->pidfd(), message.value));
      return child->PassBarrier();
    default:
      return absl::OkStatus();
  }
}

absl::Status LaunchedContainer::Impl::WaitUntilReady() {
  return child->WaitUntilReady([this](const init::InitMessage& message, UniqueFd descriptor) {
    return OnMessage(message, std::move(descriptor));
  });
}

absl::Status LaunchedContainer::Impl::ConfigureAndWait() {
  RETURN_IF_ERROR(child->Configure(init_config));
  return child->WaitUntilExecuted([this](const init::InitMessage& message, UniqueFd descriptor) {
    return OnMessage(message, std::move(descriptor));
  });
}

absl::Status LaunchedContainer::Impl::Execute() {
  if (start_hooks.has_value()) RETURN_IF_ERROR(RunStartHooks(*start_hooks, child->pidfd()));
  RETURN_IF_ERROR(MarkProgramError(ConfigureAndWait()));
  RETURN_IF_ERROR(CheckListenerPassed(agent, agent_has_listener));
  Timeline::Stamp("credentials, seccomp, program executed");
  released = true;
  child->Detach();
  return absl::OkStatus();
}

LaunchedContainer::LaunchedContainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LaunchedContainer::LaunchedContainer(LaunchedContainer&&) noexcept = default;
LaunchedContainer& LaunchedContainer::operator=(LaunchedContainer&&) noexcept = default;
LaunchedContainer::~LaunchedContainer() = default;

pid_t LaunchedContainer::pid() const { return impl_->child->pid(); }
int LaunchedContainer::pidfd() const { return impl_->child->pidfd(); }
cgroup::Cgroup* LaunchedContainer::cgroup() const {
  return impl_->owns_cgroup ? &*impl_->cgroup : nullptr;
}
UniqueFd LaunchedContainer::TakeConsole() { return std::move(impl_->console); }
UniqueFd LaunchedContainer::TakeUpper() { return std::move(impl_->upper); }
UniqueFd LaunchedContainer::TakePidfd() { return impl_->child->TakePidfd(); }

absl::Status LaunchedContainer::Start() {
  if (impl_->waits_on_socket) {
    return absl::FailedPreconditionError("the container waits on a socket to be started");
  }
  return impl_->released ? absl::OkStatus() : impl_->Execute();
}

void LaunchedContainer::Detach() {
  impl_->released = true;
  impl_->child->Detach();
}

SeccompAgent AgentOf(const oci::Spec& spec, oci::State state) {
  if (!spec.linux_.seccomp.has_value()) return {};
  const oci::Seccomp& seccomp = *spec.linux_.seccomp;
  bool notifies = seccomp.default_action == kNotify;
  for (const oci::SeccompRule& rule : seccomp.syscalls) notifies |= rule.action == kNotify;
  if (!notifies) return {};
  return {seccomp.listener_path, seccomp.listener_metadata, std::move(state)};
}

absl::Status StartWaiting(absl::string_view start_socket, const SeccompAgent& agent) {
  absl::StatusOr<UniqueFd> connection = ConnectUnixSocket(start_socket, SOCK_SEQPACKET);
  if (!connection.ok()) {
    const std::optional<int> error = GetErrno(connection.status());
    if (error == ECONNREFUSED || error == ENOENT) {
      return absl::FailedPreconditionError("the container does not wait to be started");
    }
    return connection.status();
  }
  init::InitMessage message;
  bool passed = false;
  while (true) {
    UniqueFd none;
    ASSIGN_OR_RETURN(const size_t size,
                     ReceiveWithDescriptor(connection->get(), &message, sizeof(message), &none));
    if (size == 0) return CheckListenerPassed(agent, passed);
    if (message.kind == init::MessageKind::kSeccompListener) {
      ASSIGN_OR_RETURN(const UniqueFd process, OpenPidfd(agent.state.pid));
      RETURN_IF_ERROR(PassListener(agent, agent.state.pid, process.get(), message.value));
      RETURN_IF_ERROR(WriteAll(connection->get(), "b", "the container's socket"));
      passed = true;
    }
    if (message.kind != init::MessageKind::kFailed) continue;
    message.result.detail[sizeof(message.result.detail) - 1] = '\0';
    return MarkProgramError(PosixStatus(message.result.error_number, message.result.detail));
  }
}

int ExitCodeOfStartError(const absl::Status& status) {
  if (!status.GetPayload(kProgramUrl).has_value()) return 125;
  const std::optional<int> error = GetErrno(status);
  return error == ENOENT || error == ENOTDIR ? 127 : 126;
}

int ExitCodeOfExecError(const absl::Status& status) {
  if (!GetErrno(status).has_value() && !absl::StartsWith(status.message(), "--user")) return 1;
  const int code = ExitCodeOfStartError(status);
  return code == 125 ? 126 : code;
}

}  // namespace tiny::runtime
