// The system calls of Linux's mount interface, raw. Each returns what the kernel does: a result of
// 0 or more, or -errno. Async-signal-safe.
#ifndef TINY_FS_MOUNT_SYSCALLS_CHILD_H_
#define TINY_FS_MOUNT_SYSCALLS_CHILD_H_

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/raw_syscall.h"

namespace tiny::fs {

inline constexpr long kOpenTreeAttrNumber = 467;  // Linux 6.15
inline constexpr unsigned kRecursive = 0x8000;    // AT_RECURSIVE
inline constexpr unsigned kEmptyPath = 0x1000;    // AT_EMPTY_PATH

inline mount_attr Attributes(uint64_t set, uint64_t clear = 0, uint64_t propagation = 0) noexcept {
  mount_attr attributes = {};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  return attributes;
}

inline bool IsEmpty(const mount_attr& attributes) noexcept {
  return (attributes.attr_set | attributes.attr_clr | attributes.propagation) == 0;
}

inline long MountSetattr(int fd, const char* path, unsigned flags,
                         const mount_attr& attributes) noexcept {
  return RawSyscall(SYS_mount_setattr, fd, path, flags, &attributes, sizeof(attributes));
}

// Until it turns out to be older than 6.15.
inline std::atomic<bool> kernel_has_open_tree_attr = true;

// A detached copy of the mount at `path` (with kRecursive: and of those beneath) that has
// `attributes`. One system call where the kernel can, else two.
inline long CloneTree(int fd, const char* path, unsigned flags,
                      const mount_attr& attributes) noexcept {
  const unsigned open_flags = flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  if (IsEmpty(attributes)) return RawSyscall(SYS_open_tree, fd, path, open_flags);
  long tree = -ENOSYS;
  if (kernel_has_open_tree_attr.load(std::memory_order_relaxed)) {
    tree = RawSyscall(kOpenTreeAttrNumber, fd, path, open_flags, &attributes, sizeof(attributes));
    if (tree != -ENOSYS) return tree;
    kernel_has_open_tree_attr.store(false, std::memory_order_relaxed);
  }
  tree = RawSyscall(SYS_open_tree, fd, path, open_flags);
  if (tree < 0) return tree;
  const long error =
      MountSetattr(static_cast<int>(tree), "", kEmptyPath | (flags & kRecursive), attributes);
  if (error == 0) return tree;
  RawSyscall(SYS_close, tree);
  return error;
}

// Attaches the mount `tree` at `path`, relative to `fd`; an empty path is `fd` itself. A symbolic
// link at the end of the path is not followed.
inline long MoveMount(int tree, int fd, const char* path) noexcept {
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (*path == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0);
  return RawSyscall(SYS_move_mount, tree, "", fd, path, flags);
}

// Mounts a new file system over "/", on top of all that is mounted there, and opens its root: to be
// moved to where it belongs, which is the place of nobody's but the caller's mount namespace until
// then. Two system calls, where fsopen(2), a call for each parameter and fsmount(2) take four and
// more.
inline long MountOverRoot(const char* source, const char* type, unsigned long flags,
                          const char* data) noexcept {
  const long error = RawSyscall(SYS_mount, source, "/", type, flags, data);
  if (error < 0) return error;
  // From the root directory, ".." leads nowhere but to what is mounted over it.
  return RawSyscall(SYS_openat, AT_FDCWD, "/..", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

// Gives an SELinux label to the root directory of what MountOverRoot has mounted.
inline long SetLabelOverRoot(std::string_view label) noexcept {
  return RawSyscall(SYS_setxattr, "/..", "security.selinux", label.data(), label.size(), 0);
}

}  // namespace tiny::fs

#endif  // TINY_FS_MOUNT_SYSCALLS_CHILD_H_
