// Hooks that run inside a container: createContainer and startContainer.
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
#include "runtime/hooks/hooks.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/unprivileged.h"
#include "security/caller.h"

namespace tiny::runtime {
namespace {

// Of the machine's root, whose hooks keep its user namespace.
constexpr uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWCGROUP;

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

// In the forked child: joins, runs, and says in text what failed.
[[noreturn]] void RunJoined(absl::string_view kind, const std::vector<oci::Hook>& hooks,
                            const std::string& state, int root, int container_pidfd,
                            uint64_t namespaces, int result) {
  absl::Status status;
  // setns(2) goes to the topmost mount of "/", where the container's process may not be yet.
  if (syscall(SYS_setns, container_pidfd, namespaces) != 0 || fchdir(root) != 0 ||
      chroot(".") != 0) {
    status = PosixStatus(errno, "join the container");
  } else {
    status = RunHooks(kind, hooks, state);
  }
  WriteAll(result, std::string(status.message()), "pipe").IgnoreError();
  _exit(status.ok() ? 0 : 1);
}

}  // namespace

absl::Status RunContainerHooks(absl::string_view kind, const std::vector<oci::Hook>& hooks,
                               oci::State& state, int container_pidfd) {
  if (hooks.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const UniqueFd root,
                   OpenFile(absl::StrCat("/proc/", state.pid, "/root"), O_PATH | O_DIRECTORY));
  uint64_t namespaces = kNamespaces;
  if (const security::Caller caller; !caller.IsMachineRoot()) {
    ASSIGN_OR_RETURN(namespaces, NamespacesToJoin(state.pid, caller));
  }
  state.pid = InnermostPid(state.pid);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return PosixStatus(errno, "make a pipe");
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t child = fork();
  if (child == 0)
    RunJoined(kind, hooks, oci::SerializeState(state), root.get(), container_pidfd, namespaces,
              write_end.get());
  if (child < 0) return PosixStatus(errno, "fork for hooks");
  write_end.Reset();
  const absl::StatusOr<std::string> message = ReadFd(read_end.get(), "what the hooks said");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return absl::OkStatus();
  return absl::InternalError(
      message.ok() && !message->empty() ? *message : absl::StrCat("the ", kind, " hooks died"));
}

}  // namespace tiny::runtime
