#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"
#include "fs/apply_child.h"
#include "fs/mount_syscalls_child.h"

namespace tiny::fs {
namespace {

constexpr dev_t kNull = 1 << 8 | 3;

// A mount that hides, and its copies. Where a copy is to go beneath the same anchor as one before,
// it is made from that one by a single mount(2): both paths are the kernel's own there.
struct Cover {
  int mount = -1;
  bool placed = false;
  const char* beneath[kMaxAnchors] = {};  // where it is already, relative to each anchor
};

long OpenNullTree(Cover& cover) noexcept {
  const long tree =
      CloneTree(AT_FDCWD, "/dev/null", 0, Attributes(MOUNT_ATTR_RDONLY, 0, MS_PRIVATE));
  if (tree < 0) return tree;
  struct stat file = {};
  const long error = RawSyscall(SYS_newfstatat, tree, "", &file, AT_EMPTY_PATH);
  if (error < 0) return error;
  if (!S_ISCHR(file.st_mode) || file.st_rdev != kNull) return -ENODEV;
  cover.mount = static_cast<int>(tree);
  return 0;
}

// An empty directory that nobody can write to, whatever its capabilities.
long OpenEmptyTree(Cover& cover) noexcept {
  const long mount =
      MountOverRoot("tmpfs", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  if (mount < 0) return mount;
  cover.mount = static_cast<int>(mount);
  return 0;
}

long Copy(Cover& cover, const Place& place, const Spot& spot, ApplyState& state) noexcept {
  if (!cover.placed) {
    const long error = MoveMount(cover.mount, spot.fd, spot.path);
    cover.placed = error == 0;
    return error;
  }
  if (place.anchor != kNoAnchor && cover.beneath[place.anchor] != nullptr) {
    const long error = ChangeDirectory(state, spot.fd);
    if (error < 0) return error;
    return RawSyscall(SYS_mount, cover.beneath[place.anchor], spot.path, 0, MS_BIND, 0);
  }
  const long tree = CloneTree(cover.mount, "", kEmptyPath, {});
  if (tree < 0) return tree;
  const long error = MoveMount(static_cast<int>(tree), spot.fd, spot.path);
  CloseIfMany(tree);
  return error;
}

long Put(Cover& cover, const Place& place, const Spot& spot, ApplyState& state) noexcept {
  const long error = Copy(cover, place, spot, state);
  if (error == 0 && place.anchor != kNoAnchor) cover.beneath[place.anchor] = spot.path;
  return error;
}

// A directory can't be covered by a file, nor a file by a directory.
bool IsOtherKind(long error) noexcept { return error == -EINVAL || error == -ENOTDIR; }

}  // namespace

ChildResult MaskPaths(const CompiledMounts& mounts, ApplyState& state) noexcept {
  Cover null{.mount = mounts.null_tree};
  Cover empty;
  for (const PathStep& path : mounts.masked) {
    const Spot spot = FindExisting(state, path.place);
    long error = spot.error;
    if (error == 0 && path.probably_directory && empty.mount < 0) error = OpenEmptyTree(empty);
    if (error == 0 && null.mount < 0) error = OpenNullTree(null);
    if (error == 0) error = Put(path.probably_directory ? empty : null, path.place, spot, state);
    if (spot.error == 0 && IsOtherKind(error)) {
      error = empty.mount < 0 ? OpenEmptyTree(empty) : 0;
      if (error == 0) error = Put(path.probably_directory ? null : empty, path.place, spot, state);
    }
    // Only what is not there needs no mask. A parent that is a file leaves nothing to mask, too.
    if (error < 0 && error != -ENOENT) return ChildError(error, "mask", path.place.path);
    if (path.place.anchor == kNoAnchor) CloseIfMany(spot.fd);
  }
  // Where none of the directories was there, it still lies over the root.
  if (empty.mount >= 0 && !empty.placed) {
    const long error = RawSyscall(SYS_umount2, "/..", static_cast<long>(MNT_DETACH));
    if (error < 0) return ChildError(error, "unmount the cover for masked directories");
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
