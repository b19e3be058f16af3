#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/files/container_files.h"

namespace tiny::runtime {

absl::StatusOr<fs::RootedDir> OpenProcessRoot(pid_t pid, int pidfd) {
  ASSIGN_OR_RETURN(UniqueFd root,
                   OpenFile(absl::StrCat("/proc/", pid, "/root"), O_PATH | O_DIRECTORY));
  // A process that is still there has had its pid all the while.
  if (syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) != 0) {
    return PosixStatus(errno, absl::StrCat("process ", pid));
  }
  return fs::RootedDir(std::move(root));
}

}  // namespace tiny::runtime
