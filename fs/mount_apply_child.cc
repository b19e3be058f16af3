#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"
#include "base/timeline.h"
#include "fs/apply_child.h"
#include "fs/mount_syscalls_child.h"

namespace tiny::fs {
namespace {

ChildResult TargetError(const MountStep& step, long error) noexcept {
  if (step.ordinary_directory && (error == -ELOOP || error == -ENOTDIR)) {
    return ChildError(error, step.what, "(must be mounted on an ordinary directory)");
  }
  if (error == -EPERM && !step.may_cover_proc) {
    return ChildError(error, step.what, "(the target leads into procfs)");
  }
  return ChildError(error, step.what);
}

// The kernel tells which option it does not like to its log alone.
ChildResult MountError(const MountStep& step, long error) noexcept {
  // Nothing that a mount over it hides is shown to a user namespace by a new one.
  if (error == -EPERM && step.ordinary_directory) {
    return ChildError(error, step.what,
                      "(in a user namespace another one has to be visible whole)");
  }
  const bool refused = error == -EINVAL && step.data != nullptr;
  return ChildError(error, step.what, refused ? step.data : nullptr);
}

// The options with "mode=" before them; as they are where that is too long.
const char* WithMode(const char* options, mode_t mode, char* text, size_t capacity) noexcept {
  size_t length = 0;
  for (const char* c = "mode="; *c != '\0'; ++c) text[length++] = *c;
  for (int shift = 9; shift >= 0; shift -= 3) {
    text[length++] = static_cast<char>('0' + (mode >> shift & 7));
  }
  if (options != nullptr) text[length++] = ',';
  for (const char* c = options; c != nullptr && *c != '\0'; ++c) {
    if (length == capacity - 1) return options;
    text[length++] = *c;
  }
  text[length] = '\0';
  return text;
}

// Not inlined: its text would be on the stack of those that need none.
[[gnu::noinline]] ChildResult MountWithModeOfCovered(
    const MountStep& step, ApplyState& state,
    ChildResult (*mount)(const MountStep&, ApplyState&) noexcept) noexcept {
  char text[4096];
  MountStep told = step;
  const Spot spot = FindExisting(state, step.target);
  struct stat covered = {};
  if (spot.error == 0 &&
      RawSyscall(SYS_newfstatat, spot.fd, spot.path, &covered,
                 AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(covered.st_mode)) {
    told.data = WithMode(step.data, covered.st_mode, text, sizeof(text));
  }
  if (spot.error == 0 && step.target.anchor == kNoAnchor) CloseIfMany(spot.fd);
  return mount(told, state);
}

long CopyUp(int target, int mount) noexcept {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  const long from = RawSyscall(SYS_openat, target, ".", kFlags);
  if (from < 0) return from;
  const long to = RawSyscall(SYS_openat, mount, ".", kFlags);
  const long error = to < 0 ? to : CopyTree(static_cast<int>(from), static_cast<int>(to));
  if (to >= 0) RawSyscall(SYS_close, to);
  RawSyscall(SYS_close, from);
  return error;
}

// The name of a place that is right beneath the root, or null.
const char* NameInRoot(const Place& place) noexcept {
  if (place.anchor != kNoAnchor) return nullptr;
  const char* end = place.path + 1;
  while (*end != '\0' && *end != '/') ++end;
  return *end == '\0' ? place.path + 1 : nullptr;
}

// The content of the directory that the new mount is going to cover goes into it.
long FillFromBeneath(const Spot& target, int mount) noexcept {
  const int covered = target.path[0] == '\0'
                          ? target.fd
                          : static_cast<int>(RawSyscall(SYS_openat, target.fd, target.path,
                                                        O_PATH | O_DIRECTORY | O_CLOEXEC));
  return CopyUp(covered, mount);
}

ChildResult MountMoved(const MountStep& step, ApplyState& state) noexcept {
  const bool changed = step.copy_up || !step.label.empty();
  const unsigned long flags =
      changed ? step.flags & ~static_cast<unsigned long>(MS_RDONLY) : step.flags;
  const long mounted = MountOverRoot(step.source, step.type, flags, step.data);
  if (mounted < 0) return MountError(step, mounted);
  const int mount = static_cast<int>(mounted);
  if (step.slot != kNoAnchor) state.anchors[step.slot] = mount;
  if (!step.label.empty()) {
    const long error = SetLabelOverRoot(step.label);
    if (error < 0) return ChildError(error, step.what, step.label.data());
  }
  if (!IsEmpty(step.first)) {
    if (long error = MountSetattr(mount, "", kEmptyPath, step.first); error < 0) {
      return ChildError(error, step.what);
    }
  }

  // A name without a slash leads out of the root by no link: only a directory can take the mount.
  const char* name = step.copy_up ? nullptr : NameInRoot(step.target);
  if (name == nullptr || MoveMount(mount, state.root, name) < 0) {
    const Spot target =
        FindTarget(state, step.target, false, step.ordinary_directory, step.may_cover_proc);
    if (target.error < 0) return TargetError(step, target.error);
    long error = step.copy_up ? FillFromBeneath(target, mount) : 0;
    if (error < 0) return ChildError(error, step.what, "(tmpcopyup)");
    error = MoveMount(mount, target.fd, target.path);
    if (error < 0) return ChildError(error, step.what);
    if (step.target.anchor == kNoAnchor) CloseIfMany(target.fd);
  }
  if (changed && (step.flags & MS_RDONLY) != 0) {
    const long error = MountSetattr(mount, "", kEmptyPath, Attributes(MOUNT_ATTR_RDONLY));
    if (error < 0) return ChildError(error, step.what, "(read-only)");
  }
  if (step.slot == kNoAnchor) CloseIfMany(mount);
  return {};
}

// One mount(2) on the working directory, which is the target itself, or an anchor above it: either
// way there is nothing left to resolve.
ChildResult MountNew(const MountStep& step, ApplyState& state) noexcept {
  const Spot target =
      FindTarget(state, step.target, false, step.ordinary_directory, step.may_cover_proc);
  if (target.error < 0) return TargetError(step, target.error);
  long error = ChangeDirectory(state, target.fd);
  if (error == 0) {
    error = RawSyscall(SYS_mount, step.source, target.path[0] == '\0' ? "." : target.path,
                       step.type, step.flags, step.data);
  }
  if (error < 0) return MountError(step, error);
  // The descriptor may be closed now, so its number no longer says where the child is.
  if (step.target.anchor == kNoAnchor) {
    state.working_directory = AT_FDCWD;
    CloseIfMany(target.fd);
  }
  return {};
}

ChildResult MountTree(const MountStep& step, ApplyState& state) noexcept {
  int tree = step.tree;
  if (tree < 0) {
    const long cloned = CloneTree(AT_FDCWD, step.source, step.clone_flags, step.first);
    if (cloned < 0) return ChildError(cloned, step.what);
    tree = static_cast<int>(cloned);
    if (!IsEmpty(step.second)) {
      if (long error = MountSetattr(tree, "", kEmptyPath, step.second); error < 0) {
        return ChildError(error, step.what);
      }
    }
  }
  const Spot target =
      FindTarget(state, step.target, step.target_is_file, false, step.may_cover_proc);
  if (target.error < 0) return TargetError(step, target.error);
  if (long error = MoveMount(tree, target.fd, target.path); error < 0) {
    return ChildError(error, step.what);
  }
  CloseIfMany(tree);
  if (step.target.anchor == kNoAnchor) CloseIfMany(target.fd);
  return {};
}

ChildResult MakeSymlink(const MountStep& step, ApplyState& state) noexcept {
  const Spot place = FindParent(state, step.target);
  long error = place.error;
  if (error == 0) error = RawSyscall(SYS_symlinkat, step.source, place.fd, place.path);
  return error < 0 ? ChildError(error, step.what) : ChildResult();
}

ChildResult Apply(const MountStep& step, ApplyState& state) noexcept {
  switch (step.kind) {
    case MountStep::Kind::kTree:
      return MountTree(step, state);
    case MountStep::Kind::kNew:
      return step.takes_mode ? MountWithModeOfCovered(step, state, MountNew)
                             : MountNew(step, state);
    case MountStep::Kind::kMoved:
      return step.takes_mode ? MountWithModeOfCovered(step, state, MountMoved)
                             : MountMoved(step, state);
    case MountStep::Kind::kSymlink:
      return MakeSymlink(step, state);
  }
  return {};
}

ChildResult MakeLateReadonly(const CompiledMounts& mounts, const ApplyState& state) noexcept {
  for (const MountStep& step : mounts.mounts) {
    if (!step.late_readonly) continue;
    const bool has_slot = step.slot != kNoAnchor;
    const int fd = state.anchors[has_slot ? step.slot : step.target.anchor];
    const long error = MountSetattr(fd, has_slot ? "" : step.target.relative,
                                    has_slot ? kEmptyPath : 0, Attributes(MOUNT_ATTR_RDONLY));
    if (error < 0) return ChildError(error, step.what, "(read-only)");
  }
  return {};
}

}  // namespace

ChildResult ApplyMountsInChild(const void* argument) noexcept {
  const auto& mounts = *static_cast<const CompiledMounts*>(argument);
  ApplyState state;
  RawSyscall(SYS_umask, 0);  // the init stub sets that of the program
  // Nothing that is mounted here shall be seen by the host; what the host unmounts goes here too.
  if (long error = RawSyscall(SYS_mount, 0, "/", 0, MS_REC | MS_SLAVE, 0); error < 0) {
    return ChildError(error, "make the mounts private");
  }
  ChildResult result = MountRoot(mounts.root, state);
  Timeline::Stamp("mount the root file system");
  for (const MountStep& step : mounts.mounts) {
    if (!result.ok()) return result;
    result = Apply(step, state);
    Timeline::Stamp(step.what);
  }
  if (result.ok()) result = MakeDevices(mounts, state);
  if (result.ok()) result = MakeLinks(mounts, state);
  Timeline::Stamp("make devices and links in /dev");
  if (result.ok() && mounts.console.master != nullptr) result = OpenConsole(mounts.console, state);
  if (result.ok()) result = MaskPaths(mounts, state);
  if (result.ok()) result = MakePathsReadonly(mounts, state);
  if (result.ok()) result = MakeLateReadonly(mounts, state);
  if (!result.ok()) return result;
  Timeline::Stamp("mask paths, make paths read-only");
  if (long error = ChangeDirectory(state, state.root); error < 0) {
    return ChildError(error, "change into the root file system");
  }
  return {};
}

}  // namespace tiny::fs
