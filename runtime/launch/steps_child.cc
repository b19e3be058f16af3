#include "runtime/launch/steps_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"

namespace tiny::runtime {
namespace {

constexpr long kDevptsMagic = 0x1cd1;
constexpr long kManyDescriptors = 256;

}  // namespace

ChildResult WriteSysctlsInChild(const void* step) noexcept {
  const auto& sysctls = *static_cast<const SysctlStep*>(step);
  for (size_t i = 0; i < sysctls.count; ++i) {
    const SysctlStep::Value& sysctl = sysctls.values[i];
    open_how how = {};
    how.flags = O_WRONLY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
    const long fd = RawSyscall(SYS_openat2, sysctls.directory, sysctl.path, &how, sizeof(how));
    if (fd < 0) return ChildError(fd, "open /proc/sys of", sysctl.path);
    const long written = RawSyscall(SYS_write, fd, sysctl.value, sysctl.size);
    if (fd >= kManyDescriptors) RawSyscall(SYS_close, fd);  // the exec closes the others
    if (written < 0) return ChildError(written, "write sysctl", sysctl.path);
  }
  return {};
}

ChildResult EnterCgroupsInChild(const void* step) noexcept {
  const auto& cgroups = *static_cast<const CgroupStep*>(step);
  for (size_t i = 0; i < cgroups.count; ++i) {
    const long written = RawSyscall(SYS_write, cgroups.tasks[i], "0", 1);
    if (written < 0) return ChildError(written, "enter a version 1 cgroup");
  }
  if (!cgroups.unshare) return {};
  const long made = RawSyscall(SYS_unshare, CLONE_NEWCGROUP);
  return made < 0 ? ChildError(made, "unshare a cgroup namespace") : ChildResult();
}

ChildResult SetMemoryPolicyInChild(const void* step) noexcept {
  const auto& policy = *static_cast<const MemoryPolicyStep*>(step);
  // The kernel takes one bit less than it is told of.
  const long set = RawSyscall(SYS_set_mempolicy, policy.mode, policy.nodes.__bits, CPU_SETSIZE + 1);
  return set < 0 ? ChildError(set, "set_mempolicy as linux.memoryPolicy has it") : ChildResult();
}

ChildResult UseTerminalInChild(const void* slave) noexcept {
  const int terminal = *static_cast<const int*>(slave);
  for (int fd = 0; fd < 3; ++fd) {
    const long placed = fd == terminal ? RawSyscall(SYS_fcntl, fd, F_SETFD, 0)
                                       : RawSyscall(SYS_dup3, terminal, fd, 0);
    if (placed < 0) return ChildError(placed, "place the terminal");
  }
  return {};
}

// The container's /dev/pts is not trusted to be what it should: it is looked at before it is used
// (CVE-2025-52565).
ChildResult OpenTerminalInChild(const void* step) noexcept {
  const auto& terminal = *static_cast<const TerminalStep*>(step);
  open_how how = {};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const long directory = RawSyscall(SYS_openat2, AT_FDCWD, "/dev/pts", &how, sizeof(how));
  if (directory < 0) return ChildError(directory, "open /dev/pts of the container");
  struct statfs file_system = {};
  long result = RawSyscall(SYS_fstatfs, directory, &file_system);
  if (result == 0 && file_system.f_type != kDevptsMagic) result = -ENODEV;
  if (result < 0) return ChildError(result, "look at /dev/pts of the container");
  constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  const long master = RawSyscall(SYS_openat, directory, "ptmx", kFlags | O_NOFOLLOW);
  RawSyscall(SYS_close, directory);
  if (master < 0) return ChildError(master, "open /dev/pts/ptmx of the container");
  int lock = 0;
  result = RawSyscall(SYS_ioctl, master, TIOCSPTLCK, &lock);
  const long slave = result < 0 ? result : RawSyscall(SYS_ioctl, master, TIOCGPTPEER, kFlags);
  if (slave < 0) return ChildError(slave, "open the terminal of a pty of the container");
  *terminal.master = static_cast<int>(master);
  *terminal.slave = static_cast<int>(slave);
  return {};
}

}  // namespace tiny::runtime
