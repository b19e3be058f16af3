#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/files/container_files.h"

namespace tiny::runtime {
namespace {

constexpr unsigned kRecursive = 0x8000;  // AT_RECURSIVE

// In a child that shares the parent's descriptors: the tree takes the place's number.
int CloneInNamespace(int pidfd, int place) {
  if (setns(pidfd, CLONE_NEWNS) != 0) return errno;
  const long tree = syscall(SYS_open_tree, place, "",
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | kRecursive);
  if (tree < 0) return errno;
  const bool moved = dup3(static_cast<int>(tree), place, O_CLOEXEC) >= 0;
  const int error = moved ? 0 : errno;
  close(static_cast<int>(tree));
  return error;
}

}  // namespace

absl::StatusOr<fs::RootedDir> OpenProcessRoot(pid_t pid, int pidfd) {
  ASSIGN_OR_RETURN(UniqueFd root,
                   OpenFile(absl::StrCat("/proc/", pid, "/root"), O_PATH | O_DIRECTORY));
  // A process that is still there has had its pid all the while.
  if (syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) != 0) {
    return PosixStatus(errno, absl::StrCat("process ", pid));
  }
  return fs::RootedDir(std::move(root));
}

absl::StatusOr<UniqueFd> CloneMounts(int pidfd, UniqueFd place) {
  constexpr char kStep[] = "clone the mounts of another container";
  const auto child =
      static_cast<pid_t>(syscall(SYS_clone, CLONE_FILES, nullptr, nullptr, nullptr, nullptr));
  if (child < 0) return PosixStatus(errno, kStep);
  if (child == 0) _exit(CloneInNamespace(pidfd, place.get()));
  int status = 0;
  while (waitpid(child, &status, __WALL) < 0) {
    if (errno != EINTR) return PosixStatus(errno, kStep);
  }
  if (!WIFEXITED(status))
    return absl::InternalError(absl::StrCat(kStep, ": the helper was killed"));
  if (WEXITSTATUS(status) != 0) return PosixStatus(WEXITSTATUS(status), kStep);
  return place;
}

}  // namespace tiny::runtime
