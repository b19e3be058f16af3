#include "fs/copy_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "fs/source_entry.h"

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
  uid_t OwnerOf(const struct stat& file) const {
    return options_.keep_owner ? file.st_uid : options_.uid;
  }
  gid_t GroupOf(const struct stat& file) const {
    return options_.keep_owner ? file.st_gid : options_.gid;
  }
  mode_t ModeOf(const struct stat& file) const;
  absl::Status CopyNode(int to, const std::string& to_name, const struct stat& file) const;
  absl::Status CopyFile(int from, const std::string& from_name, int to, const std::string& to_name);
  absl::Status CopyLink(int from, const std::string& from_name, int to, const std::string& to_name,
                        const struct stat& file);
  absl::Status CopyDirectory(int from, const std::string& from_name, int to,
                             const std::string& to_name, int depth);

  const CopyTreeOptions& options_;
};

// What is to be replaced; a directory is not.
absl::Status MakeRoom(int directory, const std::string& name) {
  if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno == EISDIR) {
    return absl::FailedPreconditionError(
        absl::StrCat("copy to ", name, ": a directory is in the place of a file"));
  }
  return PosixStatus(errno, absl::StrCat("replace ", name));
}

// A new file, or a mount point (which can't be replaced) without its content.
absl::StatusOr<UniqueFd> CreateFile(int directory, const std::string& name) {
  const absl::Status room = MakeRoom(directory, name);
  if (GetErrno(room) != EBUSY) {
    RETURN_IF_ERROR(room);
    return OpenFileAt(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  }
  ASSIGN_OR_RETURN(UniqueFd fd, OpenFileAt(directory, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat file = {};
  if (fstat(fd.get(), &file) != 0 || !S_ISREG(file.st_mode) || ftruncate(fd.get(), 0) != 0) {
    return room;
  }
  return fd;
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

mode_t Copier::ModeOf(const struct stat& file) const {
  const mode_t mode = file.st_mode & 07777;
  constexpr auto kCallers = static_cast<uid_t>(-1);
  const uid_t uid = options_.uid == kCallers ? geteuid() : options_.uid;
  const gid_t gid = options_.gid == kCallers ? getegid() : options_.gid;
  const bool same_owner = options_.keep_owner || (uid == file.st_uid && gid == file.st_gid);
  if (same_owner || options_.trusted) return mode;
  const bool device = S_ISCHR(file.st_mode) || S_ISBLK(file.st_mode);
  return mode & (device ? 0700 : 01777);
}

absl::Status Copier::SetMetadata(int fd, const struct stat& file, const std::string& name) const {
  const timespec times[2] = {file.st_atim, file.st_mtim};
  // Owner first: a change of owner clears the set-user-ID bit.
  if (fchown(fd, OwnerOf(file), GroupOf(file)) != 0) {
    return PosixStatus(errno, absl::StrCat("chown ", name));
  }
  if (fchmod(fd, ModeOf(file)) != 0 || futimens(fd, times) != 0) {
    return PosixStatus(errno, absl::StrCat("chmod ", name));
  }
  return absl::OkStatus();
}

absl::Status Copier::CopyFile(int from, const std::string& from_name, int to,
                              const std::string& to_name) {
  ASSIGN_OR_RETURN(
      const UniqueFd in,
      OpenSourceEntry(from, from_name, O_RDONLY | O_NONBLOCK | O_NOCTTY, options_.cross_mounts));
  if (!in) return absl::OkStatus();
  struct stat file = {};
  if (fstat(in.get(), &file) != 0) return PosixStatus(errno, absl::StrCat("stat ", from_name));
  if (!S_ISREG(file.st_mode)) {
    return absl::AbortedError(absl::StrCat("copy ", from_name, ": it has changed meanwhile"));
  }
  ASSIGN_OR_RETURN(const UniqueFd out, CreateFile(to, to_name));
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
      fchownat(to, to_name.c_str(), OwnerOf(file), GroupOf(file), AT_SYMLINK_NOFOLLOW) != 0) {
    return PosixStatus(errno, absl::StrCat("symlink ", to_name));
  }
  return absl::OkStatus();
}

// A fifo or a device. A change of its mode could hit what somebody has put in its place meanwhile:
// it is made with the right one.
absl::Status Copier::CopyNode(int to, const std::string& to_name, const struct stat& file) const {
  RETURN_IF_ERROR(MakeRoom(to, to_name));
  const mode_t old_mask = umask(0);
  const int made = mknodat(to, to_name.c_str(), (file.st_mode & S_IFMT) | ModeOf(file),
                           S_ISFIFO(file.st_mode) ? 0 : file.st_rdev);
  const int error = errno;
  umask(old_mask);
  if (made != 0) {
    return PosixStatus(
        error,
        absl::StrCat(S_ISFIFO(file.st_mode) ? "make the fifo " : "make the device ", to_name));
  }
  const timespec times[2] = {file.st_atim, file.st_mtim};
  if (fchownat(to, to_name.c_str(), OwnerOf(file), GroupOf(file), AT_SYMLINK_NOFOLLOW) != 0 ||
      utimensat(to, to_name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return PosixStatus(errno, absl::StrCat("chown ", to_name));
  }
  return absl::OkStatus();
}

absl::Status Copier::CopyDirectory(int from, const std::string& from_name, int to,
                                   const std::string& to_name, int depth) {
  if (depth == kMaxDepth) {
    return absl::OutOfRangeError(absl::StrCat("copy ", from_name, ": nested too deeply"));
  }
  ASSIGN_OR_RETURN(const UniqueFd in,
                   OpenSourceEntry(from, from_name, kDirectoryFlags, options_.cross_mounts));
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
    case S_IFSOCK:
      return absl::OkStatus();
    default:
      return CopyNode(to, to_name, file);
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
