#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/raw_syscall.h"
#include "fs/apply_child.h"
#include "fs/rooted_path_child.h"

namespace tiny::fs {
namespace {

constexpr long kProcMagic = 0x9fa0;

Spot ToSpot(long fd) noexcept {
  Spot spot;
  if (fd < 0) {
    spot.error = fd;
  } else {
    spot.fd = static_cast<int>(fd);
  }
  return spot;
}

// In a file system that only this child has written to, names mean what they say: each directory
// of the path is made by name. What exists is found so without a lookup before.
long MakeInAnchor(int anchor, const char* path, bool file) noexcept {
  const long made = file ? RawSyscall(SYS_mknodat, anchor, path, S_IFREG | 0644, 0)
                         : RawSyscall(SYS_mkdirat, anchor, path, 0755);
  if (made != -ENOENT) return made == -EEXIST ? 0 : made;
  const long fd = MakePathInRoot(anchor, path, file ? 0644 : 0755, file);
  if (fd < 0) return fd;
  RawSyscall(SYS_close, fd);
  return 0;
}

}  // namespace

Spot FindTarget(const ApplyState& state, const Place& place, bool file, bool ordinary_directory,
                bool may_be_in_proc) noexcept {
  if (place.anchor != kNoAnchor) {
    Spot spot = {.fd = state.anchors[place.anchor], .path = place.relative};
    if (place.anchor_is_writable) spot.error = MakeInAnchor(spot.fd, spot.path, file);
    return spot;
  }
  const int flags = O_PATH | (ordinary_directory ? O_DIRECTORY : 0);
  long fd = OpenInRoot(state.root, place.path, flags, 0, Symlinks::kRefuse);
  if (fd == -ENOENT) {
    fd = MakePathInRoot(state.root, place.path, file ? 0644 : 0755, file);
  } else if (fd != -ELOOP || ordinary_directory) {
    return ToSpot(fd);
  } else {
    fd = OpenInRoot(state.root, place.path, flags, 0, Symlinks::kFollowInRoot);
    if (fd == -ENOENT) fd = MakePathInRoot(state.root, place.path, file ? 0644 : 0755, file);
  }
  // Only by a symbolic link can the path be in procfs without saying so.
  struct statfs file_system = {};
  if (fd >= 0 && !may_be_in_proc && RawSyscall(SYS_fstatfs, fd, &file_system) == 0 &&
      file_system.f_type == kProcMagic) {
    RawSyscall(SYS_close, fd);
    fd = -EPERM;
  }
  return ToSpot(fd);
}

Spot FindExisting(const ApplyState& state, const Place& place) noexcept {
  if (place.anchor != kNoAnchor) {
    return {.fd = state.anchors[place.anchor], .path = place.relative};
  }
  return ToSpot(OpenInRoot(state.root, place.path, O_PATH, 0, Symlinks::kFollowInRoot));
}

Spot FindParent(const ApplyState& state, const Place& place) noexcept {
  if (place.anchor != kNoAnchor) {
    Spot spot = {.fd = state.anchors[place.anchor], .path = place.relative};
    // Only the parents are wanted.
    char parent[PATH_MAX];
    size_t length = 0;
    size_t slash = 0;
    for (; place.relative[length] != '\0' && length < sizeof(parent) - 1; ++length) {
      parent[length] = place.relative[length];
      if (parent[length] == '/') slash = length;
    }
    if (slash == 0) return spot;
    parent[slash] = '\0';
    if (place.anchor_is_writable) spot.error = MakeInAnchor(spot.fd, parent, false);
    return spot;
  }
  char parent[PATH_MAX];
  size_t slash = 0;
  size_t length = 0;
  for (; place.path[length] != '\0' && length < sizeof(parent) - 1; ++length) {
    parent[length] = place.path[length];
    if (parent[length] == '/') slash = length;
  }
  parent[slash == 0 ? 1 : slash] = '\0';
  long fd = OpenInRoot(state.root, parent, O_PATH | O_DIRECTORY, 0, Symlinks::kRefuse);
  if (fd == -ENOENT) fd = MakePathInRoot(state.root, parent, 0755, false);
  Spot spot = ToSpot(fd);
  spot.path = place.path + slash + 1;
  return spot;
}

long ChangeDirectory(ApplyState& state, int directory) noexcept {
  if (state.working_directory == directory) return 0;
  const long error = RawSyscall(SYS_fchdir, directory);
  if (error == 0) state.working_directory = directory;
  return error;
}

}  // namespace tiny::fs
