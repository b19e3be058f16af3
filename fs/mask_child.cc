#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"
#include "fs/apply_child.h"
#include "fs/mount_syscalls_child.h"

namespace tiny::fs {
namespace {

constexpr dev_t kNull = 1 << 8 | 3;

// Mounts that hide: copies of one mount, each made when the one before it has found its place.
struct Cover {
  int original = -1;
  int next = -1;  // detached, ready to be used
};

long Prepare(Cover& cover) noexcept {
  if (cover.next >= 0) return 0;
  const long tree = CloneTree(cover.original, "", kEmptyPath, {});
  if (tree < 0) return tree;
  cover.next = static_cast<int>(tree);
  return 0;
}

long OpenNullTree(Cover& cover) noexcept {
  const long tree =
      CloneTree(AT_FDCWD, "/dev/null", 0, Attributes(MOUNT_ATTR_RDONLY, 0, MS_PRIVATE));
  if (tree < 0) return tree;
  struct stat file = {};
  const long error = RawSyscall(SYS_newfstatat, tree, "", &file, AT_EMPTY_PATH);
  if (error < 0) return error;
  if (!S_ISCHR(file.st_mode) || file.st_rdev != kNull) return -ENODEV;
  cover.original = cover.next = static_cast<int>(tree);
  return 0;
}

// An empty directory that nobody can write to, whatever its capabilities.
long OpenEmptyTree(Cover& cover) noexcept {
  const long context = RawSyscall(SYS_fsopen, "tmpfs", static_cast<long>(FSOPEN_CLOEXEC));
  if (context < 0) return context;
  long error = RawSyscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, "ro", 0, 0);
  if (error == 0) error = RawSyscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
  if (error < 0) return error;
  constexpr long kAttributes =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const long tree =
      RawSyscall(SYS_fsmount, context, static_cast<long>(FSMOUNT_CLOEXEC), kAttributes);
  if (tree < 0) return tree;
  cover.original = cover.next = static_cast<int>(tree);
  return 0;
}

long Put(Cover& cover, const Spot& spot) noexcept {
  if (long error = Prepare(cover); error < 0) return error;
  const long error = MoveMount(cover.next, spot.fd, spot.path);
  if (error == 0) {
    if (cover.next != cover.original) CloseIfMany(cover.next);
    cover.next = -1;
  }
  return error;
}

// A directory can't be covered by a file, nor a file by a directory.
bool IsOtherKind(long error) noexcept { return error == -EINVAL || error == -ENOTDIR; }

}  // namespace

ChildResult MaskPaths(const CompiledMounts& mounts, ApplyState& state) noexcept {
  Cover null{.original = mounts.null_tree, .next = mounts.null_tree};
  Cover empty;
  for (const PathStep& path : mounts.masked) {
    const Spot spot = FindExisting(state, path.place);
    long error = spot.error;
    if (error == 0 && path.probably_directory && empty.original < 0) error = OpenEmptyTree(empty);
    if (error == 0 && null.original < 0) error = OpenNullTree(null);
    if (error == 0) error = Put(path.probably_directory ? empty : null, spot);
    if (spot.error == 0 && IsOtherKind(error)) {
      error = empty.original < 0 ? OpenEmptyTree(empty) : 0;
      if (error == 0) error = Put(path.probably_directory ? null : empty, spot);
    }
    // Only what is not there needs no mask. A parent that is a file leaves nothing to mask, too.
    if (error < 0 && error != -ENOENT) return ChildError(error, "mask", path.place.path);
    if (path.place.anchor == kNoAnchor) CloseIfMany(spot.fd);
  }
  return {};
}

ChildResult MakePathsReadonly(const CompiledMounts& mounts, ApplyState& state) noexcept {
  for (const PathStep& path : mounts.readonly) {
    const Spot spot = FindExisting(state, path.place);
    long error = spot.error;
    if (error == 0) {
      // One descriptor from the copy to its place: whatever is mounted is what was made read-only.
      const unsigned flags = kRecursive | (spot.path[0] == '\0' ? kEmptyPath : 0);
      const long tree = CloneTree(spot.fd, spot.path, flags, Attributes(MOUNT_ATTR_RDONLY));
      error = tree < 0 ? tree : MoveMount(static_cast<int>(tree), spot.fd, spot.path);
      CloseIfMany(tree);
    }
    if (error < 0 && error != -ENOENT) {
      return ChildError(error, "make read-only", path.place.path);
    }
    if (path.place.anchor == kNoAnchor) CloseIfMany(spot.fd);
  }
  return {};
}

}  // namespace tiny::fs
