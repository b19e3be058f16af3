// A directory tree that nothing leads out of: the only way in which tiny touches files inside a
// root file system or a volume.
//
//   ASSIGN_OR_RETURN(RootedDir root, RootedDir::Open("/srv/rootfs"));
//   ASSIGN_OR_RETURN(std::string passwd, root.ReadFile("/etc/passwd", 1 << 20));
//
// Paths are the container's: absolute symbolic links and ".." stay within the root
// (openat2(2), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), even while somebody else moves
// directories about. What changes something does so by *at() calls on the parent's descriptor and
// the last name, which is never followed. A path that ends in "..", or "." or is the root itself is
// kInvalidArgument there. Errors are PosixStatus with the path. Thread-safe.
#ifndef TINY_FS_ROOTED_DIR_H_
#define TINY_FS_ROOTED_DIR_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::fs {

class RootedDir {
 public:
  static absl::StatusOr<RootedDir> Open(absl::string_view host_path);
  // `directory` may be O_PATH.
  explicit RootedDir(UniqueFd directory) : fd_(std::move(directory)) {}

  int fd() const { return fd_.get(); }

  // openat2(2) within the root, with O_CLOEXEC added. Follows symbolic links (unless O_NOFOLLOW),
  // so O_CREAT without O_EXCL is refused: kInvalidArgument.
  absl::StatusOr<UniqueFd> OpenIn(absl::string_view path, int flags, mode_t mode = 0) const;

  // The O_PATH descriptor of the directory that holds `path`, and its last name.
  struct Parent {
    UniqueFd directory;
    std::string name;
  };
  absl::StatusOr<Parent> OpenParent(absl::string_view path) const;

  // mkdir -p, one component at a time. A component that is a dangling symbolic link is kNotFound
  // or kAlreadyExists, never followed out.
  absl::Status MakeDirs(absl::string_view path, mode_t mode) const;

  // Makes an empty regular file (and its parents, 0755) unless there is something already.
  absl::Status CreateFile(absl::string_view path, mode_t mode) const;

  // The content of a regular file; anything else (a fifo, a device) is kFailedPrecondition, more
  // than `limit` bytes kOutOfRange.
  absl::StatusOr<std::string> ReadFile(absl::string_view path, size_t limit) const;

  // Replaces what the name stands for, never writing through a symbolic link.
  absl::Status WriteFile(absl::string_view path, absl::string_view contents, mode_t mode) const;
  absl::Status Symlink(absl::string_view path, absl::string_view target) const;

  // rm -rf; ok where there is nothing.
  absl::Status Remove(absl::string_view path) const;

 private:
  UniqueFd fd_;
};

}  // namespace tiny::fs

#endif  // TINY_FS_ROOTED_DIR_H_
