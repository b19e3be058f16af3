#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny {
namespace {

// By getdents64(2): readdir(3) would take a few system calls more for its stream.
absl::StatusOr<std::vector<std::string>> ListOpenDirectory(int fd, absl::string_view what) {
  std::vector<std::string> names;
  alignas(dirent64) char entries[8192];
  while (true) {
    const ssize_t size = getdents64(fd, entries, sizeof(entries));
    if (size < 0) return PosixStatus(errno, absl::StrCat("list ", what));
    if (size == 0) break;
    for (ssize_t offset = 0; offset < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + offset);
      const absl::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      offset += entry->d_reclen;
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The directory `name`, which is no symbolic link and no mount point.
absl::StatusOr<UniqueFd> OpenToEmpty(int directory, const std::string& name) {
  open_how how = {};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  // A path may lead through mounts.
  how.resolve = directory == AT_FDCWD ? 0 : RESOLVE_NO_XDEV;
  UniqueFd fd(static_cast<int>(syscall(SYS_openat2, directory, name.c_str(), &how, sizeof(how))));
  if (fd) return fd;
  if (errno == EXDEV) return PosixStatus(EBUSY, absl::StrCat("remove ", name, ", a mount point"));
  return PosixStatus(errno, absl::StrCat("open ", name));
}

// Whoever fills a tree may nest it as deep as he likes: what is too deep for a descriptor and a
// stack frame for each level is moved up into the outermost directory, and removed from there.
class TreeRemover {
 public:
  absl::Status Remove(int directory, const std::string& name, int depth) {
    if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
    if (errno != EISDIR) return PosixStatus(errno, absl::StrCat("remove ", name));
    if (depth == kMaxDepth) return MoveUp(directory, name);
    {
      ASSIGN_OR_RETURN(const UniqueFd fd, OpenToEmpty(directory, name));
      if (depth == 0) outermost_ = fd.get();
      int moved = 0;
      do {
        if (moved_ > 0 && depth == 0) lseek(fd.get(), 0, SEEK_SET);
        moved = moved_;
        ASSIGN_OR_RETURN(const std::vector<std::string> names, ListOpenDirectory(fd.get(), name));
        for (const std::string& child : names) {
          RETURN_IF_ERROR(Remove(fd.get(), child, depth + 1));
        }
      } while (depth == 0 && moved != moved_);
    }
    if (unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      return PosixStatus(errno, absl::StrCat("rmdir ", name));
    }
    return absl::OkStatus();
  }

 private:
  static constexpr int kMaxDepth = 64;

  absl::Status MoveUp(int directory, const std::string& name) {
    do {
      const std::string next = absl::StrCat(".deep-", ++moved_);
      if (renameat(directory, name.c_str(), outermost_, next.c_str()) == 0) return absl::OkStatus();
    } while (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
    return PosixStatus(errno, absl::StrCat("move up ", name));
  }

  int outermost_ = -1;
  int moved_ = 0;
};

}  // namespace

absl::StatusOr<UniqueFd> OpenFileAt(int directory, absl::string_view path, int flags, mode_t mode) {
  UniqueFd fd(openat(directory, std::string(path).c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return PosixStatus(errno, absl::StrCat("open ", path));
  return fd;
}

absl::StatusOr<UniqueFd> OpenFile(absl::string_view path, int flags, mode_t mode) {
  return OpenFileAt(AT_FDCWD, path, flags, mode);
}

namespace {

enum class ShortRead { kMayBeAny, kIsTheLast };

absl::StatusOr<std::string> ReadAll(int fd, absl::string_view what, size_t limit,
                                    ShortRead short_read) {
  std::string contents;
  size_t used = 0;
  while (true) {
    if (contents.size() - used < 4096) contents.resize(std::max<size_t>(4096, contents.size() * 2));
    const size_t wanted = contents.size() - used;
    const ssize_t count = read(fd, contents.data() + used, wanted);
    if (count < 0) {
      if (errno == EINTR) continue;
      return PosixStatus(errno, absl::StrCat("read ", what));
    }
    if (count == 0) break;
    used += static_cast<size_t>(count);
    if (used > limit) {
      return absl::OutOfRangeError(absl::StrCat("read ", what, ": more than ", limit, " bytes"));
    }
    if (short_read == ShortRead::kIsTheLast && static_cast<size_t>(count) < wanted) break;
  }
  contents.resize(used);
  return contents;
}

}  // namespace

absl::StatusOr<std::string> ReadFd(int fd, absl::string_view what, size_t limit) {
  return ReadAll(fd, what, limit, ShortRead::kMayBeAny);
}

absl::StatusOr<std::string> ReadRegularFile(absl::string_view path, size_t limit) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(path, O_RDONLY));
  return ReadRegularFd(fd.get(), path, limit);
}

absl::StatusOr<std::string> ReadRegularFd(int fd, absl::string_view what, size_t limit) {
  return ReadAll(fd, what, limit, ShortRead::kIsTheLast);
}

absl::StatusOr<std::string> ReadFileAt(int directory, absl::string_view path, size_t limit) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenFileAt(directory, path, O_RDONLY));
  return ReadFd(fd.get(), path, limit);
}

absl::StatusOr<std::string> ReadFile(absl::string_view path, size_t limit) {
  return ReadFileAt(AT_FDCWD, path, limit);
}

absl::Status WriteAll(int fd, absl::string_view contents, absl::string_view what) {
  while (!contents.empty()) {
    const ssize_t count = write(fd, contents.data(), contents.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return PosixStatus(errno, absl::StrCat("write ", what));
    }
    contents.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status WriteControlFileAt(int directory, absl::string_view path, absl::string_view value) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenFileAt(directory, path, O_WRONLY));
  if (write(fd.get(), value.data(), value.size()) < 0) {
    return PosixStatus(errno, absl::StrCat("write \"", value, "\" to ", path));
  }
  return absl::OkStatus();
}

absl::Status WriteControlFile(absl::string_view path, absl::string_view value) {
  return WriteControlFileAt(AT_FDCWD, path, value);
}

absl::Status ReplaceFileAtomically(int directory, absl::string_view name,
                                   absl::string_view contents, mode_t mode, bool sync) {
  static std::atomic<unsigned> serial{0};
  const std::string target(name);
  const std::string temporary =
      absl::StrCat(".", name, ".", getpid(), ".", serial.fetch_add(1, std::memory_order_relaxed));
  const auto write_and_rename = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const UniqueFd fd,
                     OpenFileAt(directory, temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
    RETURN_IF_ERROR(WriteAll(fd.get(), contents, temporary));
    if (sync && fsync(fd.get()) != 0) return PosixStatus(errno, absl::StrCat("fsync ", temporary));
    if (renameat(directory, temporary.c_str(), directory, target.c_str()) != 0) {
      return PosixStatus(errno, absl::StrCat("rename ", temporary, " to ", name));
    }
    return absl::OkStatus();
  };
  if (absl::Status status = write_and_rename(); !status.ok()) {
    unlinkat(directory, temporary.c_str(), 0);
    return status;
  }
  if (sync && fsync(directory) != 0) {
    return PosixStatus(errno, absl::StrCat("fsync the directory of ", name));
  }
  return absl::OkStatus();
}

absl::Status MakeDirs(absl::string_view path, mode_t mode) {
  const std::string whole(path);
  // As a rule only the last one is missing, if any.
  if (mkdir(whole.c_str(), mode) == 0) return absl::OkStatus();
  if (errno == ENOENT) {
    const size_t slash = whole.find_last_of('/', whole.find_last_not_of('/'));
    const size_t end = slash == std::string::npos ? slash : whole.find_last_not_of('/', slash);
    if (end != std::string::npos) {
      RETURN_IF_ERROR(MakeDirs(path.substr(0, end + 1), mode));
      if (mkdir(whole.c_str(), mode) == 0) return absl::OkStatus();
    }
  }
  if (errno != EEXIST) return PosixStatus(errno, absl::StrCat("mkdir ", path));
  struct stat info;
  if (stat(whole.c_str(), &info) != 0) return PosixStatus(errno, absl::StrCat("stat ", path));
  if (!S_ISDIR(info.st_mode)) return PosixStatus(ENOTDIR, absl::StrCat("mkdir ", path));
  return absl::OkStatus();
}

absl::Status RemoveTreeAt(int directory, absl::string_view name) {
  return TreeRemover().Remove(directory, std::string(name), 0);
}

absl::Status RemoveTree(absl::string_view path) { return RemoveTreeAt(AT_FDCWD, path); }

absl::StatusOr<std::vector<std::string>> ListDirectoryAt(int directory, absl::string_view path) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenFileAt(directory, path, O_RDONLY | O_DIRECTORY));
  return ListOpenDirectory(fd.get(), path);
}

absl::StatusOr<std::vector<std::string>> ListDirectory(absl::string_view path) {
  return ListDirectoryAt(AT_FDCWD, path);
}

bool PathExists(absl::string_view path) {
  return faccessat(AT_FDCWD, std::string(path).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace tiny
