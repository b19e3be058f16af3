#include "runtime/launch/container_hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cgroup/cgroup.h"
#include "runtime/hooks/hooks.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/unprivileged.h"
#include "security/caller.h"

namespace tiny::runtime {
namespace {

// The pid that a process has in its own pid namespace: the last one of "NSpid:\t4711\t1\n" in
// proc_pid_status(5).
pid_t InnermostPid(pid_t pid) {
  const absl::StatusOr<std::string> status = ReadFile(absl::StrCat("/proc/", pid, "/status"));
  const char* at = status.ok() ? strstr(status->c_str(), "\nNSpid:") : nullptr;
  if (at == nullptr) return pid;
  while (*++at != '\n' && *at != '\0') {
    if (*at == '\t') pid = atoi(at + 1);
  }
  return pid;
}

// What a process joins to be in the container before it has pivoted.
struct JoinPlan {
  const cgroup::Cgroup* cgroup = nullptr;
  int pidfd = -1;
  uint64_t namespaces = 0;
  int root = -1;
};

absl::Status Join(const JoinPlan& plan) {
  if (plan.cgroup != nullptr) RETURN_IF_ERROR(plan.cgroup->Enter(getpid()));
  if (syscall(SYS_setns, plan.pidfd, plan.namespaces) != 0) {
    return PosixStatus(errno, "join the container's namespaces");
  }
  if ((plan.namespaces & CLONE_NEWUSER) != 0 &&
      (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)) {
    return PosixStatus(errno, "become root of the container's user namespace");
  }
  // setns(2) goes to the topmost mount of "/", where the container's process may not be yet.
  if (fchdir(plan.root) != 0 || chroot(".") != 0) {
    return PosixStatus(errno, "go to the container's root");
  }
  return absl::OkStatus();
}

// In the forked child: joins, runs, and says in text what failed.
[[noreturn]] void RunJoined(const oci::Spec& spec, const std::string& state, const JoinPlan& plan,
                            int result) {
  absl::Status status = Join(plan);
  if (status.ok()) {
    status = RunHooks("createContainer", spec.hooks.create_container, state, spec.root->path);
  }
  WriteAll(result, std::string(status.message()), "pipe").IgnoreError();
  _exit(status.ok() ? 0 : 1);
}

// As one more process of the container's, which is what it is.
absl::StatusOr<HookProcess> SpawnInContainer(const StartHooks& hooks, int container_pidfd,
                                             const oci::Hook& hook, int input, int errors) {
  oci::Process process = *hooks.spec.process;
  process.args = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
  process.env = hook.env;
  process.terminal = false;
  process.console_size.reset();
  process.exec_cpu_affinity.reset();
  ExecRequest request;
  request.id = hooks.id;
  request.container_pid = hooks.state.pid;
  request.container_pidfd = container_pidfd;
  request.process = &process;
  request.path = hook.path;
  request.spec = &hooks.spec;
  request.state = hooks.state;
  request.cgroup_path = hooks.cgroup_path;
  request.stdio[STDIN_FILENO] = input;
  request.stdio[STDOUT_FILENO] = STDERR_FILENO;
  request.stdio[STDERR_FILENO] = errors;
  ASSIGN_OR_RETURN(LaunchedContainer launched, LaunchExec(request));
  RETURN_IF_ERROR(launched.Start());
  return HookProcess{launched.pid(), launched.TakePidfd()};
}

}  // namespace

absl::Status RunCreateContainerHooks(const oci::Spec& spec, oci::State state, int container_pidfd,
                                     const cgroup::Cgroup* cgroup) {
  if (spec.hooks.create_container.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const UniqueFd root,
                   OpenFile(absl::StrCat("/proc/", state.pid, "/root"), O_PATH | O_DIRECTORY));
  JoinPlan plan = {.cgroup = cgroup, .pidfd = container_pidfd, .root = root.get()};
  ASSIGN_OR_RETURN(plan.namespaces, NamespacesToJoin(state.pid, security::Caller()));
  state.pid = InnermostPid(state.pid);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return PosixStatus(errno, "make a pipe");
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t child = fork();
  if (child == 0) RunJoined(spec, oci::SerializeState(state), plan, write_end.get());
  if (child < 0) return PosixStatus(errno, "fork for hooks");
  write_end.Reset();
  const absl::StatusOr<std::string> message = ReadFd(read_end.get(), "what the hooks said");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return absl::OkStatus();
  return absl::InternalError(message.ok() && !message->empty() ? *message
                                                               : "the createContainer hooks died");
}

absl::Status RunStartHooks(const StartHooks& hooks, int container_pidfd) {
  oci::State told = hooks.state;
  told.pid = InnermostPid(told.pid);
  return RunHooksBy("startContainer", hooks.spec.hooks.start_container, oci::SerializeState(told),
                    [&](const oci::Hook& hook, int input, int errors) {
                      return SpawnInContainer(hooks, container_pidfd, hook, input, errors);
                    });
}

}  // namespace tiny::runtime
