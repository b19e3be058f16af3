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
  int fd = -1;  // with `path`: where there is one to copy
  const char* path = "";
  mount_attr attributes = {};  // that copies of it need
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
  cover.fd = static_cast<int>(tree);
  return 0;
}

constexpr unsigned long kEmptyFlags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

// An empty directory that nobody can write to, whatever its capabilities: the first one.
long PlaceEmpty(Cover& cover, const char* data, const Place& place, const Spot& spot,
                ApplyState& state) noexcept {
  long error = 0;
  if (place.anchor != kNoAnchor && spot.path[0] != '\0') {
    error = ChangeDirectory(state, spot.fd);
    if (error == 0) error = RawSyscall(SYS_mount, "tmpfs", spot.path, "tmpfs", kEmptyFlags, data);
    if (error == 0) {
      cover.fd = spot.fd;
      cover.path = spot.path;
    }
  } else {
    if (cover.fd < 0) {
      const long mount = MountOverRoot("tmpfs", "tmpfs", kEmptyFlags, data);
      if (mount < 0) return mount;
      cover.fd = static_cast<int>(mount);
    }
    error = MoveMount(cover.fd, spot.fd, spot.path);
  }
  cover.placed = error == 0;
  return error;
}

long PlaceNull(Cover& cover, const Spot& spot) noexcept {
  if (cover.fd < 0) {
    if (const long error = OpenNullTree(cover); error < 0) return error;
  }
  const long error = MoveMount(cover.fd, spot.fd, spot.path);
  cover.placed = error == 0;
  return error;
}

long Copy(const Cover& cover, const Place& place, const Spot& spot, ApplyState& state) noexcept {
  if (place.anchor != kNoAnchor && cover.beneath[place.anchor] != nullptr) {
    const long error = ChangeDirectory(state, spot.fd);
    if (error < 0) return error;
    return RawSyscall(SYS_mount, cover.beneath[place.anchor], spot.path, 0, MS_BIND, 0);
  }
  const unsigned flags = cover.path[0] == '\0' ? kEmptyPath : 0;
  const long tree = CloneTree(cover.fd, cover.path, flags, cover.attributes);
  if (tree < 0) return tree;
  const long error = MoveMount(static_cast<int>(tree), spot.fd, spot.path);
  CloseIfMany(tree);
  return error;
}

struct Covers {
  Cover null;
  Cover empty;
  const char* empty_data = nullptr;  // for mount(2)
};

long Put(Covers& covers, bool directory, const Place& place, const Spot& spot,
         ApplyState& state) noexcept {
  Cover& cover = directory ? covers.empty : covers.null;
  const long error = cover.placed ? Copy(cover, place, spot, state)
                     : directory  ? PlaceEmpty(cover, covers.empty_data, place, spot, state)
                                  : PlaceNull(cover, spot);
  if (error == 0 && place.anchor != kNoAnchor) cover.beneath[place.anchor] = spot.path;
  return error;
}

// A directory can't be covered by a file, nor a file by a directory.
bool IsOtherKind(long error) noexcept { return error == -EINVAL || error == -ENOTDIR; }

// One descriptor from the copy to its place: whatever is mounted is what was made read-only.
long MakeReadonly(const Spot& spot) noexcept {
  const unsigned flags = kRecursive | (spot.path[0] == '\0' ? kEmptyPath : 0);
  const long tree = CloneTree(spot.fd, spot.path, flags, Attributes(MOUNT_ATTR_RDONLY));
  if (tree < 0) return tree;
  const long error = MoveMount(static_cast<int>(tree), spot.fd, spot.path);
  CloseIfMany(tree);
  return error;
}

// A bind mount of a mount that is read-only is so, too: all paths in it share the two calls that
// make it read-only and writable again.
class BorrowedReadonly {
 public:
  explicit BorrowedReadonly(ApplyState& state) noexcept : state_(state) {}

  long Make(const Place& place, const Spot& spot) noexcept {
    if (anchor_ != place.anchor) {
      if (const long error = GiveBack(); error < 0) return error;
      const long error = MountSetattr(spot.fd, "", kEmptyPath, Attributes(MOUNT_ATTR_RDONLY));
      if (error < 0) return error;
      anchor_ = place.anchor;
    }
    const long error = ChangeDirectory(state_, spot.fd);
    return error < 0 ? error : RawSyscall(SYS_mount, spot.path, spot.path, 0, MS_BIND | MS_REC, 0);
  }

  long GiveBack() noexcept {
    if (anchor_ == kNoAnchor) return 0;
    const int fd = state_.anchors[anchor_];
    anchor_ = kNoAnchor;
    return MountSetattr(fd, "", kEmptyPath, Attributes(0, MOUNT_ATTR_RDONLY));
  }

 private:
  ApplyState& state_;
  int anchor_ = kNoAnchor;
};

}  // namespace

ChildResult MaskPaths(const CompiledMounts& mounts, ApplyState& state) noexcept {
  Covers covers{.null = {.fd = mounts.null_tree}, .empty_data = mounts.mask_data};
  if (const Place& device = mounts.null_device; device.anchor != kNoAnchor) {
    covers.null = {.fd = state.anchors[device.anchor],
                   .path = device.relative,
                   .attributes = Attributes(MOUNT_ATTR_RDONLY),
                   .placed = true};
  }
  for (const PathStep& path : mounts.masked) {
    const Spot spot = FindExisting(state, path.place);
    long error = spot.error;
    if (error == 0) error = Put(covers, path.probably_directory, path.place, spot, state);
    if (spot.error == 0 && IsOtherKind(error)) {
      error = Put(covers, !path.probably_directory, path.place, spot, state);
    }
    // Only what is not there needs no mask. A parent that is a file leaves nothing to mask, too.
    if (error < 0 && error != -ENOENT) return ChildError(error, "mask", path.place.path);
    if (path.place.anchor == kNoAnchor) CloseIfMany(spot.fd);
  }
  // Where none of the directories was there, it still lies over the root.
  if (covers.empty.fd >= 0 && !covers.empty.placed) {
    const long error = RawSyscall(SYS_umount2, "/..", static_cast<long>(MNT_DETACH));
    if (error < 0) return ChildError(error, "unmount the cover for masked directories");
  }
  return {};
}

ChildResult MakePathsReadonly(const CompiledMounts& mounts, ApplyState& state) noexcept {
  BorrowedReadonly borrowed(state);
  for (const PathStep& path : mounts.readonly) {
    const Spot spot = FindExisting(state, path.place);
    long error = spot.error;
    if (error == 0) {
      error = path.in_bare_anchor ? borrowed.Make(path.place, spot) : MakeReadonly(spot);
    }
    if (error < 0 && error != -ENOENT) {
      return ChildError(error, "make read-only", path.place.path);
    }
    if (path.place.anchor == kNoAnchor) CloseIfMany(spot.fd);
  }
  const long error = borrowed.GiveBack();
  return error < 0 ? ChildError(error, "make read-only paths' mount writable again")
                   : ChildResult();
}

}  // namespace tiny::fs
