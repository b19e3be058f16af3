// The parts of ApplyMountsInChild. Async-signal-safe, as base/child_step.h wants it.
#ifndef TINY_FS_APPLY_CHILD_H_
#define TINY_FS_APPLY_CHILD_H_

#include <fcntl.h>
#include <sys/syscall.h>

#include "base/child_step.h"
#include "base/raw_syscall.h"
#include "fs/compiled_mounts.h"

namespace tiny::fs {

struct ApplyState {
  int root = -1;                     // the new root's mount
  int anchors[kMaxAnchors] = {};     // valid from when their mounts are made
  int working_directory = AT_FDCWD;  // where fchdir(2) has been
};

// A descriptor and a path relative to it that needs no further checks: "" for the descriptor
// itself.
struct Spot {
  int fd = -1;
  const char* path = "";
  long error = 0;  // negative errno
};

// execve(2) closes all that the child has opened: only where they are many are they closed before.
inline void CloseIfMany(long fd) noexcept {
  if (fd >= 256) RawSyscall(SYS_close, fd);
}

// root_child.cc: mounts the root over "/" or at its path, and opens it.
ChildResult MountRoot(const RootStep& root, ApplyState& state) noexcept;

// devices_child.cc
ChildResult MakeDevices(const CompiledMounts& mounts, ApplyState& state) noexcept;
ChildResult MakeLinks(const CompiledMounts& mounts, ApplyState& state) noexcept;
ChildResult OpenConsole(const ConsoleStep& console, ApplyState& state) noexcept;

// mask_child.cc
ChildResult MaskPaths(const CompiledMounts& mounts, ApplyState& state) noexcept;
ChildResult MakePathsReadonly(const CompiledMounts& mounts, ApplyState& state) noexcept;

// copy_up_child.cc: copies what the directory `from` holds into the empty one `to`; other mounts
// and devices are left out. 0 or -errno.
long CopyTree(int from, int to) noexcept;

// target_child.cc: the mount target at `place`, made (as an empty file or a directory) where
// nothing is there and it can be.
Spot FindTarget(const ApplyState& state, const Place& place, bool file, bool ordinary_directory,
                bool may_be_in_proc) noexcept;
// Where `place` is, without making anything.
Spot FindExisting(const ApplyState& state, const Place& place) noexcept;
// The directory that holds `place`, and its last name. Symbolic links on the way are refused.
Spot FindParent(const ApplyState& state, const Place& place) noexcept;
// fchdir(2), unless that is where the child is.
long ChangeDirectory(ApplyState& state, int directory) noexcept;

}  // namespace tiny::fs

#endif  // TINY_FS_APPLY_CHILD_H_
