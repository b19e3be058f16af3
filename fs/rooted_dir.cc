#include "fs/rooted_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "fs/clean_path.h"
#include "fs/rooted_path_child.h"

namespace tiny::fs {
namespace {

absl::StatusOr<UniqueFd> ToFd(long result, absl::string_view operation, absl::string_view path) {
  if (result < 0) {
    return PosixStatus(static_cast<int>(-result), absl::StrCat(operation, " ", path));
  }
  return UniqueFd(static_cast<int>(result));
}

// A C string of a path: one with a NUL byte would be another path.
absl::StatusOr<std::string> ToCString(absl::string_view path) {
  if (path.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("path with a NUL byte");
  }
  return std::string(path);
}

}  // namespace

absl::StatusOr<RootedDir> RootedDir::Open(absl::string_view host_path) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(host_path, O_PATH | O_DIRECTORY));
  return RootedDir(std::move(fd));
}

absl::StatusOr<UniqueFd> RootedDir::OpenIn(absl::string_view path, int flags, mode_t mode) const {
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("open ", path, ": O_CREAT without O_EXCL"));
  }
  ASSIGN_OR_RETURN(const std::string name, ToCString(path));
  return ToFd(OpenInRoot(fd_.get(), name.c_str(), flags, mode, Symlinks::kFollowInRoot), "open",
              path);
}

absl::StatusOr<RootedDir::Parent> RootedDir::OpenParent(absl::string_view path) const {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  const absl::string_view directory =
      slash == absl::string_view::npos ? "/" : path.substr(0, slash + 1);
  const absl::string_view name = slash == absl::string_view::npos ? path : path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") {
    return absl::InvalidArgumentError(absl::StrCat("path ", path, ": no name at its end"));
  }
  Parent parent;
  ASSIGN_OR_RETURN(parent.directory, OpenIn(directory, O_PATH | O_DIRECTORY));
  ASSIGN_OR_RETURN(parent.name, ToCString(name));
  return parent;
}

absl::Status RootedDir::MakeDirs(absl::string_view path, mode_t mode) const {
  ASSIGN_OR_RETURN(const std::string clean, CleanPath(absl::StrCat("/", path)));
  return ToFd(MakePathInRoot(fd_.get(), clean.c_str(), mode, false), "mkdir", path).status();
}

absl::Status RootedDir::CreateFile(absl::string_view path, mode_t mode) const {
  ASSIGN_OR_RETURN(const std::string clean, CleanPath(absl::StrCat("/", path)));
  if (OpenIn(clean, O_PATH).ok()) return absl::OkStatus();
  return ToFd(MakePathInRoot(fd_.get(), clean.c_str(), mode, true), "create", path).status();
}

absl::StatusOr<std::string> RootedDir::ReadFile(absl::string_view path, size_t limit) const {
  // O_NONBLOCK: a fifo must not make this wait for a writer.
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenIn(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat file = {};
  if (fstat(fd.get(), &file) != 0) return PosixStatus(errno, absl::StrCat("fstat ", path));
  if (!S_ISREG(file.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat("read ", path, ": not a regular file"));
  }
  return ReadRegularFd(fd.get(), path, limit);
}

absl::Status RootedDir::WriteFile(absl::string_view path, absl::string_view contents,
                                  mode_t mode) const {
  ASSIGN_OR_RETURN(const Parent parent, OpenParent(path));
  return ReplaceFileAtomically(parent.directory.get(), parent.name, contents, mode, false);
}

absl::Status RootedDir::Symlink(absl::string_view path, absl::string_view target) const {
  ASSIGN_OR_RETURN(const Parent parent, OpenParent(path));
  ASSIGN_OR_RETURN(const std::string text, ToCString(target));
  if (symlinkat(text.c_str(), parent.directory.get(), parent.name.c_str()) != 0) {
    return PosixStatus(errno, absl::StrCat("symlink ", path));
  }
  return absl::OkStatus();
}

absl::Status RootedDir::Remove(absl::string_view path) const {
  absl::StatusOr<Parent> parent = OpenParent(path);
  if (absl::IsNotFound(parent.status())) return absl::OkStatus();
  RETURN_IF_ERROR(parent.status());
  return RemoveTreeAt(parent->directory.get(), parent->name);
}

}  // namespace tiny::fs
