#include "fs/source_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"

namespace tiny::fs {
namespace {

absl::StatusOr<UniqueFd> OpenBeneath(int from, const std::string& name, int flags,
                                     uint64_t resolve) {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | resolve;
  const long fd = syscall(SYS_openat2, from, name.c_str(), &how, sizeof(how));
  if (fd < 0) return PosixStatus(errno, absl::StrCat("open ", name));
  return UniqueFd(static_cast<int>(fd));
}

bool IsKernelsOwn(int fd) {
  struct statfs file_system = {};
  if (fstatfs(fd, &file_system) != 0) return true;
  switch (static_cast<unsigned long>(file_system.f_type)) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEVPTS_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
    case BPF_FS_MAGIC:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<UniqueFd> OpenSourceEntry(int directory, const std::string& name, int flags,
                                         bool cross_mounts) {
  absl::StatusOr<UniqueFd> fd = OpenBeneath(directory, name, flags, RESOLVE_NO_XDEV);
  if (GetErrno(fd.status()) != EXDEV) return fd;
  if (!cross_mounts) return UniqueFd();
  fd = OpenBeneath(directory, name, flags, 0);
  if (fd.ok() && IsKernelsOwn(fd->get())) return UniqueFd();
  return fd;
}

}  // namespace tiny::fs
