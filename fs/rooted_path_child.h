// Path resolution within a root, by raw system calls: for the child before it executes, and beneath
// RootedDir. Results are the kernel's: a descriptor, or -errno. Async-signal-safe.
#ifndef TINY_FS_ROOTED_PATH_CHILD_H_
#define TINY_FS_ROOTED_PATH_CHILD_H_

#include <sys/types.h>

namespace tiny::fs {

enum class Symlinks { kFollowInRoot, kRefuse };

// openat2(2) with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS; O_CLOEXEC is added. A lookup that
// raced with a rename (EAGAIN) is repeated some times.
long OpenInRoot(int root, const char* path, int flags, mode_t mode, Symlinks symlinks) noexcept;

// Makes the directory `path` and what is missing above it, each component by mkdirat(2) on its
// parent's descriptor; or, with `file`, an empty regular file in such a directory. `path` holds no
// ".." and is shorter than PATH_MAX. Returns an O_PATH descriptor of it. -ELOOP or -ENOTDIR where a
// dangling symbolic link is in the way.
long MakePathInRoot(int root, const char* path, mode_t mode, bool file) noexcept;

}  // namespace tiny::fs

#endif  // TINY_FS_ROOTED_PATH_CHILD_H_
