#include <errno.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstddef>

#include "base/raw_syscall.h"
#include "fs/apply_child.h"

namespace tiny::fs {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kSendLimit = 0x7ffff000;

// getdents64(2)
struct DirectoryEntry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

void Close(long fd) noexcept {
  if (fd >= 0) RawSyscall(SYS_close, fd);
}

// -EXDEV for what is another mount.
long OpenHere(int directory, const char* name, int flags) noexcept {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  return RawSyscall(SYS_openat2, directory, name, &how, sizeof(how));
}

bool IsDot(const char* name) noexcept {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// Owner first: a change of owner clears the set-user-ID bit.
long SetMetadata(long fd, const struct stat& file) noexcept {
  long error = RawSyscall(SYS_fchown, fd, file.st_uid, file.st_gid);
  if (error == -EINVAL) error = 0;  // an id that this user namespace does not have
  if (error == 0) error = RawSyscall(SYS_fchmod, fd, file.st_mode & 07777);
  const timespec times[2] = {file.st_atim, file.st_mtim};
  return error < 0 ? error : RawSyscall(SYS_utimensat, fd, 0, times, 0);
}

long CopyFile(int from, int to, const char* name, const struct stat& file) noexcept {
  const long in = OpenHere(from, name, O_RDONLY | O_NONBLOCK);
  if (in < 0) return in == -EXDEV ? 0 : in;
  const long out = RawSyscall(SYS_openat, to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  long result = out < 0 ? out : 1;
  while (result > 0) result = RawSyscall(SYS_sendfile, out, in, 0, kSendLimit);
  if (result == 0) result = SetMetadata(out, file);
  Close(out);
  Close(in);
  return result;
}

[[gnu::noinline]] long CopySymlink(int from, int to, const char* name) noexcept {
  char target[4096];
  const long length = RawSyscall(SYS_readlinkat, from, name, target, sizeof(target) - 1);
  if (length < 0) return length;
  target[length] = '\0';
  return RawSyscall(SYS_symlinkat, target, to, name);
}

// Where it may not be made, as in a user namespace, a device is left out. Nobody else is in the
// tmpfs yet, so that the name still stands for what was made.
long CopyNode(int to, const char* name, const struct stat& file) noexcept {
  const long made = RawSyscall(SYS_mknodat, to, name, file.st_mode, file.st_rdev);
  if (made < 0) return made == -EPERM ? 0 : made;
  constexpr int kFlags = AT_SYMLINK_NOFOLLOW;
  const long error = RawSyscall(SYS_fchownat, to, name, file.st_uid, file.st_gid, kFlags);
  if (error < 0 && error != -EINVAL) return error;
  const timespec times[2] = {file.st_atim, file.st_mtim};
  return RawSyscall(SYS_utimensat, to, name, times, kFlags);
}

long CopyDirectory(int from, int to, int depth) noexcept;

long CopySubdirectory(int from, int to, const char* name, const struct stat& file,
                      int depth) noexcept {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  long result = RawSyscall(SYS_mkdirat, to, name, 0700);
  if (result < 0) return result;
  const long in = OpenHere(from, name, O_RDONLY | O_DIRECTORY);
  if (in < 0) return in == -EXDEV ? 0 : in;
  const long out = RawSyscall(SYS_openat, to, name, kFlags);
  result = out < 0 ? out : CopyDirectory(static_cast<int>(in), static_cast<int>(out), depth);
  if (result == 0) result = SetMetadata(out, file);
  Close(out);
  Close(in);
  return result;
}

long CopyEntry(int from, int to, const char* name, int depth) noexcept {
  struct stat file = {};
  const long error = RawSyscall(SYS_newfstatat, from, name, &file, AT_SYMLINK_NOFOLLOW);
  if (error < 0) return error;
  if (S_ISREG(file.st_mode)) return CopyFile(from, to, name, file);
  if (S_ISLNK(file.st_mode)) return CopySymlink(from, to, name);
  if (S_ISDIR(file.st_mode)) return CopySubdirectory(from, to, name, file, depth + 1);
  return S_ISSOCK(file.st_mode) ? 0 : CopyNode(to, name, file);
}

long CopyDirectory(int from, int to, int depth) noexcept {
  if (depth > kMaxDepth) return -ELOOP;
  alignas(DirectoryEntry) char buffer[1024];
  long length = 0;
  while ((length = RawSyscall(SYS_getdents64, from, buffer, sizeof(buffer))) > 0) {
    for (long offset = 0; offset < length;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + offset);
      offset += entry->length;
      if (IsDot(entry->name)) continue;
      const long error = CopyEntry(from, to, entry->name, depth);
      if (error < 0) return error;
    }
  }
  return length;
}

}  // namespace

long CopyTree(int from, int to) noexcept {
  struct stat file = {};
  long error = RawSyscall(SYS_newfstatat, from, "", &file, AT_EMPTY_PATH);
  if (error == 0) error = CopyDirectory(from, to, 0);
  return error < 0 ? error : SetMetadata(to, file);
}

}  // namespace tiny::fs
