#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"
#include "fs/apply_child.h"
#include "fs/mount_syscalls_child.h"
#include "fs/rooted_path_child.h"

namespace tiny::fs {
namespace {

ChildResult MakeUpper(const RootStep& root) noexcept {
  long error = RawSyscall(SYS_mount, "tmpfs", "/", "tmpfs", 0, "mode=755");
  if (error < 0) return ChildError(error, "mount a tmpfs for the overlay's upper directory");
  error = RawSyscall(SYS_mkdirat, AT_FDCWD, "/../work", 0700);
  if (error == 0) error = RawSyscall(SYS_mkdirat, AT_FDCWD, "/../upper", root.upper_mode);
  if (error == 0 && (root.upper_uid != 0 || root.upper_gid != 0)) {
    error = RawSyscall(SYS_fchownat, AT_FDCWD, "/../upper", root.upper_uid, root.upper_gid, 0);
  }
  if (error == 0 && root.upper_descriptor != nullptr) {
    error = RawSyscall(SYS_openat, AT_FDCWD, "/../upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
    *root.upper_descriptor = static_cast<int>(error);
  }
  return error < 0 ? ChildError(error, "make the overlay's upper directory") : ChildResult();
}

ChildResult MountOverlay(const RootStep& root, ApplyState& state) noexcept {
  if (root.upper_on_tmpfs) {
    if (ChildResult result = MakeUpper(root); !result.ok()) return result;
  }
  long error = root.lower_by_descriptor ? RawSyscall(SYS_chdir, "/proc/self/fd") : 0;
  if (error == 0) error = MountOverRoot("overlay", "overlay", 0, root.overlay_data);
  if (error < 0) return ChildError(error, "mount the root file system's overlay");
  state.root = static_cast<int>(error);
  return {};
}

}  // namespace

ChildResult MountRoot(const RootStep& root, ApplyState& state) noexcept {
  if (root.overlay) return MountOverlay(root, state);
  long tree = root.tree;
  if (tree < 0) tree = CloneTree(AT_FDCWD, root.path, kRecursive, root.attributes);
  if (tree < 0) return ChildError(tree, "bind the root file system", root.path);
  state.root = static_cast<int>(tree);
  const long error = MoveMount(state.root, AT_FDCWD, root.in_place ? root.path : "/");
  return error < 0 ? ChildError(error, "mount the root file system", root.path) : ChildResult();
}

ChildResult PivotRootInChild(const void* argument) noexcept {
  const auto& mounts = *static_cast<const CompiledMounts*>(argument);
  if (mounts.no_pivot) {
    if (mounts.root.in_place) {
      const long error = RawSyscall(SYS_mount, ".", "/", nullptr, MS_MOVE, nullptr);
      if (error < 0) return ChildError(error, "move the root file system to /");
    }
    if (long error = RawSyscall(SYS_chroot, "."); error < 0) return ChildError(error, "chroot");
  } else {
    // Stacks the old root on the new one, and takes it off again: pivot_root(2), NOTES.
    long error = RawSyscall(SYS_pivot_root, ".", ".");
    if (error < 0) {
      return ChildError(error, "pivot_root",
                        error == -EINVAL ? "(is the host's root an initramfs?)" : nullptr);
    }
    // Topmost on the old root is the tmpfs of the overlay's upper directory, if there is one: what
    // is left of the stack could be reached by setns(2) to the container's own mount namespace.
    const int stacked = mounts.root.overlay && mounts.root.upper_on_tmpfs ? 2 : 1;
    for (int i = 0; i < stacked; ++i) {
      error = RawSyscall(SYS_umount2, ".", static_cast<long>(MNT_DETACH));
      if (error < 0) return ChildError(error, "unmount the host's root");
    }
  }
  if (mounts.working_directory != nullptr) {
    // Whether it can be used is seen when it is: here only what is missing counts.
    long fd = OpenInRoot(AT_FDCWD, mounts.working_directory, O_PATH | O_DIRECTORY, 0,
                         Symlinks::kFollowInRoot);
    if (fd == -ENOENT) {
      fd = MakePathInRoot(AT_FDCWD, mounts.working_directory, 0755, false);
      if (fd < 0) return ChildError(fd, "mkdir", mounts.working_directory);
    }
    if (fd >= 0) CloseIfMany(fd);
  }
  if (mounts.root_readonly) {
    const long error = MountSetattr(AT_FDCWD, "/", 0, Attributes(MOUNT_ATTR_RDONLY));
    if (error < 0) return ChildError(error, "make the root file system read-only");
  }
  const Propagation& propagation = mounts.root_propagation;
  if (propagation.type != 0 && (propagation.type != MS_PRIVATE || propagation.recursive)) {
    const unsigned long flags = propagation.type | (propagation.recursive ? MS_REC : 0);
    const long error = RawSyscall(SYS_mount, 0, "/", 0, flags, 0);
    if (error < 0) return ChildError(error, "set the propagation of the root file system");
  }
  return {};
}

}  // namespace tiny::fs
