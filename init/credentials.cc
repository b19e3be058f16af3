// Who the program becomes: capabilities(7), credentials(7), seccomp(2).
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "init/stub.h"

namespace tiny::init {
namespace {

constexpr uint64_t kSysAdmin = uint64_t{1} << CAP_SYS_ADMIN;
constexpr unsigned long kTiocsctty = 0x540E;
constexpr int kLastKnownCapability = 63;
constexpr unsigned long kNullDevice = 0x103;  // makedev(1, 3)

struct FilterProgram {  // struct sock_fprog
  unsigned short length;
  const void* filter;
};

long SetCapabilities(uint64_t permitted, uint64_t effective, uint64_t inheritable) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  for (int half = 0; half < 2; ++half) {
    data[half].permitted = static_cast<uint32_t>(permitted >> (32 * half));
    data[half].effective = static_cast<uint32_t>(effective >> (32 * half));
    data[half].inheritable = static_cast<uint32_t>(inheritable >> (32 * half));
  }
  return RawSyscall(SYS_capset, &header, data);
}

// A filter may be installed with no_new_privs or CAP_SYS_ADMIN only.
bool KeepsSysAdminForFilter(const InitConfig& config) {
  return config.seccomp.count > 0 && (config.flags & kNoNewPrivileges) == 0;
}

// CVE-2024-21626: a leaked descriptor may name a directory that is outside of the root. The kernel
// then says "(unreachable)", or a path that is not absolute.
ChildResult CheckCwd(const char* cwd) {
  if (cwd[0] == '/' && cwd[1] == '\0') return ChildResult();
  char now[4096];
  const long length = RawSyscall(SYS_getcwd, now, sizeof(now));
  if (length < 0 && length != -ERANGE) return ChildError(length, "getcwd in", cwd);
  if (length > 0 && now[0] != '/') {
    return ChildError(EXDEV, "the working directory is outside of the container:", cwd);
  }
  return ChildResult();
}

// CVE-2019-16884: in a /proc that is not procfs, or has something mounted in it, a label would be
// written to a file that says nothing to the kernel.
long OpenAttribute(const char* path) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const long proc = RawSyscall(SYS_openat, AT_FDCWD, "/proc", kFlags);
  if (proc < 0) return proc;
  struct statfs file_system = {};
  long result = RawSyscall(SYS_fstatfs, proc, &file_system);
  if (result == 0 && file_system.f_type != PROC_SUPER_MAGIC) result = -ENODEV;
  if (result == 0) {
    open_how how = {};
    how.flags = O_WRONLY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
    result = RawSyscall(SYS_openat2, proc, path, &how, sizeof(how));
  }
  RawSyscall(SYS_close, proc);
  return result;
}

ChildResult WriteLabel(const InitConfig& config, const char* attribute, const char* operation) {
  const char* label = TailOf<char>(config, config.exec_label);
  const long fd = OpenAttribute(attribute);
  if (fd < 0) return ChildError(fd, "open in /proc:", attribute);
  const long written = RawSyscall(SYS_write, fd, label, config.exec_label.count - 1);
  RawSyscall(SYS_close, fd);
  return written < 0 ? ChildError(written, operation, label) : ChildResult();
}

enum class Stream { kOther, kNull, kClosed };

Stream Look(long fd) {
  struct stat file;
  if (RawSyscall(SYS_fstat, fd, &file) < 0) return Stream::kClosed;
  const bool is_null = S_ISCHR(file.st_mode) && file.st_rdev == kNullDevice;
  return is_null ? Stream::kNull : Stream::kOther;
}

// Root changes the mode and the owner of what it holds open: that may be its own null device, but
// not the host's. A stream that is closed would be the first file that the program opens. The
// execve(2) closes what is opened here.
void UseOwnNull() {
  long own = -1;
  for (int fd = 0; fd < 3; ++fd) {
    if (Look(fd) == Stream::kOther) continue;
    if (own < 0) {
      constexpr int kFlags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
      own = RawSyscall(SYS_openat, AT_FDCWD, "/dev/null", kFlags);
      if (own < 0 || Look(own) != Stream::kNull) break;
    }
    if (own == fd) {
      RawSyscall(SYS_fcntl, fd, F_SETFD, 0);
    } else {
      RawSyscall(SYS_dup3, own, fd, 0);
    }
  }
}

// The streams were made by another user; the program may want to open /dev/stdout again.
void OwnStdio(uint32_t uid) {
  for (int fd = 0; fd < 3; ++fd) {
    struct stat status;
    if (RawSyscall(SYS_fstat, fd, &status) < 0 || status.st_uid == uid) continue;
    if (S_ISCHR(status.st_mode) && status.st_rdev == kNullDevice) continue;  // /dev/null is all's
    RawSyscall(SYS_fchown, fd, uid, -1L);
  }
}

ChildResult SetUserAndGroups(const InitConfig& config, const Ids& now) {
  if ((config.flags & kSetGroups) != 0) {
    const long set =
        RawSyscall(SYS_setgroups, config.groups.count, TailOf<uint32_t>(config, config.groups));
    if (set < 0) return ChildError(set, "setgroups: a gid has no mapping or is not permitted");
  }
  if ((config.flags & kSetUser) == 0) return ChildResult();
  if (now.gid != config.gid || now.egid != config.gid) {
    const long set = RawSyscall(SYS_setresgid, config.gid, config.gid, config.gid);
    if (set < 0) return ChildError(set, "setresgid: the gid has no mapping or is not permitted");
  }
  if (now.uid != config.uid || now.euid != config.uid) {
    const long set = RawSyscall(SYS_setresuid, config.uid, config.uid, config.uid);
    if (set < 0) return ChildError(set, "setresuid: the uid has no mapping or is not permitted");
  }
  return ChildResult();
}

ChildResult DropBoundingSet(uint64_t bounding) {
  for (int capability = 0; capability <= kLastKnownCapability; ++capability) {
    if ((bounding >> capability & 1) != 0) continue;
    const long dropped = RawSyscall(SYS_prctl, PR_CAPBSET_DROP, capability);
    if (dropped == -EINVAL) break;  // beyond the last one of this kernel
    if (dropped < 0) return ChildError(dropped, "drop a capability of the bounding set");
  }
  return ChildResult();
}

}  // namespace

ChildResult PrepareSession(const InitConfig& config) {
  if ((config.flags & kNewSession) != 0) RawSyscall(SYS_setsid);
  if ((config.flags & kControllingTty) != 0) {
    const long set = RawSyscall(SYS_ioctl, 0, kTiocsctty, 0);
    if (set < 0) return ChildError(set, "ioctl TIOCSCTTY");
  }
  if (config.exec_label.count > 0) {
    ChildResult set =
        WriteLabel(config, "thread-self/attr/exec", "set the label of the program to");
    if (set.ok() && (config.flags & kLabelKeyring) != 0) {
      set = WriteLabel(config, "thread-self/attr/keycreate", "set the label of keyrings to");
    }
    if (!set.ok()) return set;
  }
  if (config.keyring.count > 0) {
    const char* name = TailOf<char>(config, config.keyring);
    long made = RawSyscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
    // Over the quota of keys: an anonymous one isolates as well.
    if (made == -EDQUOT) made = RawSyscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
    if (made < 0 && made != -ENOSYS && made != -EDQUOT) {
      return ChildError(made, "make session keyring", name);
    }
  }
  if (config.personality != kPersonalityUnset) {
    const long set = RawSyscall(SYS_personality, config.personality);
    if (set < 0) return ChildError(set, "set personality");
  }
  UseOwnNull();
  if ((config.flags & kOwnStdio) != 0) OwnStdio(config.uid);
  return ChildResult();
}

ChildResult ApplyCredentials(const InitConfig& config, const Ids& now) {
  const char* cwd = TailOf<char>(config, config.cwd);
  const bool has_cwd = config.cwd.count > 0;
  long changed = 0;
  if (has_cwd) {
    changed = RawSyscall(SYS_chdir, cwd);
    // Not permitted to root may yet be permitted to the user (a FUSE or NFS mount).
    if (changed < 0 && changed != -EACCES) return ChildError(changed, "chdir to", cwd);
  }
  const bool capabilities = (config.flags & kSetCapabilities) != 0;
  if (capabilities) {
    const ChildResult dropped = DropBoundingSet(config.bounding);
    if (!dropped.ok()) return dropped;
    if (config.uid != 0) RawSyscall(SYS_prctl, PR_SET_KEEPCAPS, 1);
  }
  const ChildResult user = SetUserAndGroups(config, now);
  if (!user.ok()) return user;
  if (capabilities) {
    const uint64_t kept = KeepsSysAdminForFilter(config) ? kSysAdmin : 0;
    long set =
        SetCapabilities(config.permitted | kept, config.effective | kept, config.inheritable);
    if (set < 0) return ChildError(set, "capset");
    // The kernel takes none that is not in both of these; the specification asks to leave it out.
    const uint64_t ambient = config.ambient & config.permitted & config.inheritable;
    for (int capability = 0; capability <= kLastKnownCapability; ++capability) {
      if ((ambient >> capability & 1) == 0) continue;
      set = RawSyscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
      if (set < 0) return ChildError(set, "raise an ambient capability");
    }
  }
  if (has_cwd) {
    if (changed < 0) changed = RawSyscall(SYS_chdir, cwd);
    if (changed < 0) return ChildError(changed, "chdir to", cwd);
    const ChildResult inside = CheckCwd(cwd);
    if (!inside.ok()) return inside;
  }
  if (config.umask != kUnset) RawSyscall(SYS_umask, config.umask);
  return ChildResult();
}

ChildResult InstallFilter(const InitConfig& config, int* listener) {
  if ((config.flags & kNoNewPrivileges) != 0) {
    const long set = RawSyscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (set < 0) return ChildError(set, "set no_new_privs");
  }
  if (config.seccomp.count == 0) return ChildResult();
  const FilterProgram program = {static_cast<unsigned short>(config.seccomp.count),
                                 TailOf<void>(config, config.seccomp)};
  const long set = RawSyscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, config.seccomp_flags, &program);
  if (set < 0) return ChildError(set, "install the seccomp filter");
  if ((config.seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) {
    *listener = static_cast<int>(set);
  }
  return ChildResult();
}

ChildResult FinishCredentials(const InitConfig& config) {
  if (KeepsSysAdminForFilter(config) && (config.flags & kSetCapabilities) != 0 &&
      ((config.permitted & config.effective) & kSysAdmin) == 0) {
    const long dropped = SetCapabilities(config.permitted, config.effective, config.inheritable);
    if (dropped < 0) return ChildError(dropped, "capset after the seccomp filter");
  }
  return ChildResult();
}

}  // namespace tiny::init
