#include "fs/copy_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace tiny::fs {
namespace {

constexpr int kMaxDepth = 200;  // two descriptors each
constexpr size_t kChunk = size_t{1} << 30;
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

class Copier {
 public:
  explicit Copier(const CopyTreeOptions& options) : options_(options) {}

  absl::Status CopyEntry(int from, const std::string& from_name, int to, const std::string& to_name,
                         int depth);
  absl::Status CopyContents(int from, int to, int depth);
  absl::Status SetMetadata(int fd, const struct stat& file, const std::string& name) const;

 private:
  absl::StatusOr<UniqueFd> OpenSource(int from, const std::string& name, int flags) const;
  absl::Status CopyFile(int from, const std::string& from_name, int to, const std::string& to_name);
  absl::Status CopyLink(int from, const std::string& from_name, int to, const std::string& to_name,
                        const struct stat& file);
  absl::Status CopyDirectory(int from, const std::string& from_name, int to,
                             const std::string& to_name, int depth);

  const CopyTreeOptions& options_;
};

absl::StatusOr<UniqueFd> OpenBeneath(int from, const std::string& name, int flags,
                                     uint64_t resolve) {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | resolve;
  const long fd = syscall(SYS_openat2, from, name.c_str(), &how, sizeof(how));
  if (fd < 0) return PosixStatus(errno, absl::StrCat("open ", name));
  return UniqueFd(static_cast<int>(fd));
}

bool IsKernelsOwn(int fd) {
  struct statfs file_system = {};
  if (fstatfs(fd, &file_system) != 0) return true;
  switch (static_cast<unsigned long>(file_system.f_type)) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEVPTS_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
    case BPF_FS_MAGIC:
      return true;
    default:
      return false;
  }
}

// What is to be replaced; a directory is not.
absl::Status MakeRoom(int directory, const std::string& name) {
  if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno == EISDIR) {
    return absl::FailedPreconditionError(
        absl::StrCat("copy to ", name, ": a directory is in the place of a file"));
  }
  return PosixStatus(errno, absl::StrCat("replace ", name));
}

absl::Status CopyData(int from, int to, const std::string& name) {
  ssize_t copied = 0;
  while ((copied = copy_file_range(from, nullptr, to, nullptr, kChunk, 0)) > 0) {
  }
  if (copied == 0) return absl::OkStatus();
  // Not between these two file systems; nothing has been copied then.
  while ((copied = sendfile(to, from, nullptr, kChunk)) > 0) {
  }
  return copied == 0 ? absl::OkStatus() : PosixStatus(errno, absl::StrCat("copy ", name));
}

// No descriptor where the entry is to be left out.
absl::StatusOr<UniqueFd> Copier::OpenSource(int from, const std::string& name, int flags) const {
  absl::StatusOr<UniqueFd> fd = OpenBeneath(from, name, flags, RESOLVE_NO_XDEV);
  if (GetErrno(fd.status()) != EXDEV) return fd;
  if (!options_.cross_mounts) return UniqueFd();
  fd = OpenBeneath(from, name, flags, 0);
  if (fd.ok() && IsKernelsOwn(fd->get())) return UniqueFd();
  return fd;
}

absl::Status Copier::SetMetadata(int fd, const struct stat& file, const std::string& name) const {
  // Owner first: a change of owner clears the set-user-ID bit.
  if (options_.keep_owner && fchown(fd, file.st_uid, file.st_gid) != 0) {
    return PosixStatus(errno, absl::StrCat("chown ", name));
  }
  const timespec times[2] = {file.st_atim, file.st_mtim};
  if (fchmod(fd, file.st_mode & 07777) != 0 || futimens(fd, times) != 0) {
    return PosixStatus(errno, absl::StrCat("chmod ", name));
  }
  return absl::OkStatus();
}

absl::Status Copier::CopyFile(int from, const std::string& from_name, int to,
                              const std::string& to_name) {
  ASSIGN_OR_RETURN(const UniqueFd in,
                   OpenSource(from, from_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!in) return absl::OkStatus();
  struct stat file = {};
  if (fstat(in.get(), &file) != 0) return PosixStatus(errno, absl::StrCat("stat ", from_name));
  if (!S_ISREG(file.st_mode)) {
    return absl::AbortedError(absl::StrCat("copy ", from_name, ": it has changed meanwhile"));
  }
  RETURN_IF_ERROR(MakeRoom(to, to_name));
  ASSIGN_OR_RETURN(const UniqueFd out, OpenFileAt(to, to_name, O_WRONLY | O_CREAT | O_EXCL, 0600));
  RETURN_IF_ERROR(CopyData(in.get(), out.get(), from_name));
  return SetMetadata(out.get(), file, to_name);
}

absl::Status Copier::CopyLink(int from, const std::string& from_name, int to,
                              const std::string& to_name, const struct stat& file) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = readlinkat(from, from_name.c_str(), target.data(), target.size());
  if (length < 0) return PosixStatus(errno, absl::StrCat("readlink ", from_name));
  target.resize(static_cast<size_t>(length));
  RETURN_IF_ERROR(MakeRoom(to, to_name));
  if (symlinkat(target.c_str(), to, to_name.c_str()) != 0 ||
      (options_.keep_owner &&
       fchownat(to, to_name.c_str(), file.st_uid, file.st_gid, AT_SYMLINK_NOFOLLOW) != 0)) {
    return PosixStatus(errno, absl::StrCat("symlink ", to_name));
  }
  return absl::OkStatus();
}

absl::Status Copier::CopyDirectory(int from, const std::string& from_name, int to,
                                   const std::string& to_name, int depth) {
  if (depth == kMaxDepth) {
    return absl::OutOfRangeError(absl::StrCat("copy ", from_name, ": nested too deeply"));
  }
  ASSIGN_OR_RETURN(const UniqueFd in, OpenSource(from, from_name, kDirectoryFlags));
  if (!in) return absl::OkStatus();
  struct stat file = {};
  if (fstat(in.get(), &file) != 0) return PosixStatus(errno, absl::StrCat("stat ", from_name));
  const bool made = mkdirat(to, to_name.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return PosixStatus(errno, absl::StrCat("mkdir ", to_name));
  absl::StatusOr<UniqueFd> out = OpenFileAt(to, to_name, kDirectoryFlags);
  if (!out.ok() && (GetErrno(out.status()) == ENOTDIR || GetErrno(out.status()) == ELOOP)) {
    return absl::FailedPreconditionError(
        absl::StrCat("copy to ", to_name, ": a file is in the place of a directory"));
  }
  RETURN_IF_ERROR(out.status());
  RETURN_IF_ERROR(CopyContents(in.get(), out->get(), depth));
  return SetMetadata(out->get(), file, to_name);
}

absl::Status Copier::CopyEntry(int from, const std::string& from_name, int to,
                               const std::string& to_name, int depth) {
  struct stat file = {};
  if (fstatat(from, from_name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    return PosixStatus(errno, absl::StrCat("stat ", from_name));
  }
  switch (file.st_mode & S_IFMT) {
    case S_IFREG:
      return CopyFile(from, from_name, to, to_name);
    case S_IFDIR:
      return CopyDirectory(from, from_name, to, to_name, depth + 1);
    case S_IFLNK:
      return CopyLink(from, from_name, to, to_name, file);
    default:
      return absl::OkStatus();
  }
}

absl::Status Copier::CopyContents(int from, int to, int depth) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectoryAt(from, "."));
  for (const std::string& name : names) {
    RETURN_IF_ERROR(CopyEntry(from, name, to, name, depth));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CopyTreeAt(int from, const std::string& from_name, int to, const std::string& to_name,
                        const CopyTreeOptions& options) {
  return Copier(options).CopyEntry(from, from_name, to, to_name, 0);
}

absl::Status CopyDirectoryContents(int from, int to, const CopyTreeOptions& options) {
  ASSIGN_OR_RETURN(const UniqueFd in, OpenFileAt(from, ".", kDirectoryFlags));
  ASSIGN_OR_RETURN(const UniqueFd out, OpenFileAt(to, ".", kDirectoryFlags));
  struct stat file = {};
  if (fstat(in.get(), &file) != 0) return PosixStatus(errno, "stat the directory to copy");
  Copier copier(options);
  RETURN_IF_ERROR(copier.CopyContents(in.get(), out.get(), 0));
  return copier.SetMetadata(out.get(), file, "the copied directory");
}

}  // namespace tiny::fs
