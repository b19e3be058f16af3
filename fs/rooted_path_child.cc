#include "fs/rooted_path_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>

#include "base/raw_syscall.h"

namespace tiny::fs {
namespace {

constexpr int kLookupAttempts = 128;
constexpr int kMostLinks = 8;

long OpenAt2(int directory, const char* path, int flags, mode_t mode, uint64_t resolve) noexcept {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve;
  long result = -EAGAIN;
  for (int i = 0; i < kLookupAttempts && result == -EAGAIN; ++i) {
    result = RawSyscall(SYS_openat2, directory, path, &how, sizeof(how));
  }
  return result;
}

void Close(long fd) noexcept { RawSyscall(SYS_close, fd); }

// Makes `name` in `parent` and opens it, without following it.
long MakeComponent(long parent, const char* name, mode_t mode, bool file) noexcept {
  const long made = file ? RawSyscall(SYS_mknodat, parent, name, S_IFREG | mode, 0)
                         : RawSyscall(SYS_mkdirat, parent, name, mode);
  // Somebody else may have made it: what counts is what is opened now.
  if (made < 0 && made != -EEXIST) return made;
  // (O_NOFOLLOW would make an exception from RESOLVE_NO_SYMLINKS for the last name.)
  const int flags = O_PATH | (file ? 0 : O_DIRECTORY);
  return OpenAt2(static_cast<int>(parent), name, flags, 0,
                 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

}  // namespace

long OpenInRoot(int root, const char* path, int flags, mode_t mode, Symlinks symlinks) noexcept {
  uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  if (symlinks == Symlinks::kRefuse) resolve |= RESOLVE_NO_SYMLINKS;
  return OpenAt2(root, path, flags, mode, resolve);
}

namespace {

// Makes the path, whose slashes become NULs on the way. -ELOOP: its last name is a symbolic link to
// what does not exist.
long MakeUnlinked(int root, char* buffer, size_t length, mode_t mode, bool file) noexcept {
  // Cut components off the end until the rest exists; '/' becomes NUL at each cut.
  size_t end = length;
  long current = -ENOENT;
  while (current == -ENOENT) {
    while (end > 0 && buffer[end - 1] != '/') --end;
    while (end > 0 && buffer[end - 1] == '/') buffer[--end] = '\0';
    current =
        OpenInRoot(root, end > 0 ? buffer : "/", O_PATH | O_DIRECTORY, 0, Symlinks::kFollowInRoot);
    if (end == 0) break;
  }
  if (current < 0) return current;

  while (end < length) {
    while (end < length && (buffer[end] == '\0' || buffer[end] == '/')) ++end;
    const char* name = buffer + end;
    while (end < length && buffer[end] != '\0' && buffer[end] != '/') ++end;
    const bool last = end == length;
    buffer[end] = '\0';
    const long next = MakeComponent(current, name, last ? mode : 0755, file && last);
    Close(current);
    if (next < 0) return next;
    current = next;
  }
  return current;
}

// Puts in the place of the path that to which its last name is a link, as seen in the root; returns
// its length.
long ReplaceByTarget(int root, char* buffer, size_t length) noexcept {
  for (size_t i = 0; i < length; ++i) {
    if (buffer[i] == '\0') buffer[i] = '/';
  }
  size_t name = length;
  while (name > 0 && buffer[name - 1] != '/') --name;
  char target[PATH_MAX];
  const char kept = buffer[name];
  buffer[name] = '\0';
  const long parent =
      OpenInRoot(root, name > 0 ? buffer : "/", O_PATH | O_DIRECTORY, 0, Symlinks::kFollowInRoot);
  buffer[name] = kept;
  if (parent < 0) return parent;
  const long size = RawSyscall(SYS_readlinkat, parent, buffer + name, target, sizeof(target) - 1);
  Close(parent);
  if (size <= 0) return size < 0 ? size : -ENOENT;
  const size_t from = target[0] == '/' ? 0 : name;
  if (from + static_cast<size_t>(size) >= PATH_MAX) return -ENAMETOOLONG;
  for (long i = 0; i < size; ++i) buffer[from + static_cast<size_t>(i)] = target[i];
  const size_t total = from + static_cast<size_t>(size);
  buffer[total] = '\0';
  return static_cast<long>(total);
}

}  // namespace

long MakePathInRoot(int root, const char* path, mode_t mode, bool file) noexcept {
  char buffer[PATH_MAX];
  size_t length = 0;
  for (; path[length] != '\0'; ++length) {
    if (length == sizeof(buffer) - 1) return -ENAMETOOLONG;
    buffer[length] = path[length];
  }
  // A link to what does not exist yet (/etc/resolv.conf on a machine with systemd-resolved) is
  // followed, and its target made: within the root, as all of it.
  for (int links = 0; links < kMostLinks; ++links) {
    while (length > 0 && buffer[length - 1] == '/') --length;
    buffer[length] = '\0';
    const long made = MakeUnlinked(root, buffer, length, mode, file);
    if (made != -ELOOP) return made;
    const long target = ReplaceByTarget(root, buffer, length);
    if (target < 0) return target == -EINVAL ? -ELOOP : target;
    length = static_cast<size_t>(target);
  }
  return -ELOOP;
}

}  // namespace tiny::fs
