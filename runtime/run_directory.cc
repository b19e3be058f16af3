#include "runtime/run_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

std::string NetworkSharedMark(absl::string_view run_root, absl::string_view id) {
  return absl::StrCat(RunDirectory(run_root, id), "/network.shared");
}

}  // namespace

std::string RunDirectory(absl::string_view run_root, absl::string_view id) {
  return absl::StrCat(run_root, "/", id);
}

std::string AttachSocket(absl::string_view run_root, absl::string_view id) {
  return absl::StrCat(run_root, "/", id, "/attach.sock");
}

absl::StatusOr<UniqueFd> OpenRunDirectory(absl::string_view run_root, absl::string_view id) {
  return OpenFile(RunDirectory(run_root, id), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

absl::StatusOr<UniqueFd> MakeRunDirectory(absl::string_view run_root, absl::string_view id) {
  const std::string path = RunDirectory(run_root, id);
  if (mkdir(path.c_str(), 0700) != 0) {
    if (errno != EEXIST && errno != ENOENT) return PosixStatus(errno, absl::StrCat("mkdir ", path));
    // What is there is of a run whose supervisor was killed: whoever starts the container has its
    // lock.
    RETURN_IF_ERROR(errno == ENOENT ? MakeDirs(run_root, 0700) : RemoveTree(path));
    if (mkdir(path.c_str(), 0700) != 0) return PosixStatus(errno, absl::StrCat("mkdir ", path));
  }
  return OpenRunDirectory(run_root, id);
}

absl::Status RemoveRunDirectory(absl::string_view run_root, absl::string_view id) {
  return RemoveTree(RunDirectory(run_root, id));
}

absl::Status MarkNetworkShared(absl::string_view run_root, absl::string_view id) {
  return OpenFile(NetworkSharedMark(run_root, id), O_WRONLY | O_CREAT | O_NOFOLLOW, 0600).status();
}

bool TakeNetworkSharedMark(absl::string_view run_root, absl::string_view id) {
  return unlink(NetworkSharedMark(run_root, id).c_str()) == 0;
}

absl::StatusOr<UniqueFd> TakeSupervisorLock(int run_directory) {
  ASSIGN_OR_RETURN(UniqueFd fd,
                   OpenFileAt(run_directory, "supervisor.lock", O_RDWR | O_CREAT, 0600));
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  if (fcntl(fd.get(), F_SETLK, &lock) == 0) return fd;
  if (errno != EAGAIN && errno != EACCES) return PosixStatus(errno, "lock supervisor.lock");
  fcntl(fd.get(), F_GETLK, &lock);
  return absl::AlreadyExistsError(
      absl::StrCat("the container has a supervisor already (pid ", lock.l_pid, ")"));
}

}  // namespace tiny::runtime
