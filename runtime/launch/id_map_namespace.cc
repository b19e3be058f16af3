#include "runtime/launch/id_map_namespace.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "base/posix_status.h"
#include "base/raw_syscall.h"
#include "base/status_macros.h"
#include "ns/namespaces.h"

namespace tiny::runtime {

absl::StatusOr<UniqueFd> MakeIdMapNamespace(const ns::IdMaps& maps) {
  clone_args args = {};
  args.flags = CLONE_NEWUSER;
  args.exit_signal = SIGCHLD;
  const long pid = RawSyscall(SYS_clone3, &args, sizeof(args));
  if (pid == 0) {
    for (;;) RawSyscall(SYS_pause);
  }
  if (pid < 0) return PosixStatus(static_cast<int>(-pid), "make a user namespace for id maps");
  const absl::Cleanup end = [pid] {
    kill(static_cast<pid_t>(pid), SIGKILL);
    while (waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {
    }
  };
  RETURN_IF_ERROR(ns::WriteIdMaps(static_cast<pid_t>(pid), maps));
  return ns::OpenNamespace(static_cast<pid_t>(pid), ns::Kind::kUser);
}

}  // namespace tiny::runtime
