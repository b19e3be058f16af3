#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"
#include "fs/apply_child.h"
#include "fs/mount_syscalls_child.h"
#include "fs/rooted_path_child.h"

namespace tiny::fs {
namespace {

constexpr dev_t kPtmx = 5 << 8 | 2;
constexpr int kNoFollow = AT_SYMLINK_NOFOLLOW;

// struct stat by newfstatat, which both architectures call the same.
long Stat(int directory, const char* path, int flags, struct stat* file) noexcept {
  return RawSyscall(SYS_newfstatat, directory, path, file, flags);
}

// The null device a root file system brings may be any file with that name: only the very node that
// is wanted will do.
long MakeNode(const Spot& spot, const DeviceStep& device) noexcept {
  const long error = RawSyscall(SYS_mknodat, spot.fd, spot.path, device.mode,
                                static_cast<unsigned>(device.number));
  if (error == -EEXIST) {
    struct stat file = {};
    const long found = Stat(spot.fd, spot.path, kNoFollow, &file);
    if (found < 0) return found;
    const bool same = (file.st_mode & S_IFMT) == (device.mode & S_IFMT) &&
                      (S_ISFIFO(file.st_mode) || file.st_rdev == device.number);
    return same ? 0 : -EEXIST;
  }
  if (error < 0 || (device.uid == 0 && device.gid == 0)) return error;
  const long owned =
      RawSyscall(SYS_fchownat, spot.fd, spot.path, device.uid, device.gid, kNoFollow);
  return owned;
}

// The host's node, bound: what a user namespace may have.
long BindNode(const Spot& spot, const char* host_path) noexcept {
  const long made = RawSyscall(SYS_mknodat, spot.fd, spot.path, S_IFREG | 0666, 0);
  if (made < 0 && made != -EEXIST) return made;
  const long tree = CloneTree(AT_FDCWD, host_path, 0, Attributes(0, 0, MS_PRIVATE));
  if (tree < 0) return tree;
  const long error = MoveMount(static_cast<int>(tree), spot.fd, spot.path);
  CloseIfMany(tree);
  return error;
}

}  // namespace

ChildResult MakeDevices(const CompiledMounts& mounts, ApplyState& state) noexcept {
  for (const DeviceStep& device : mounts.devices) {
    const Spot spot = FindParent(state, device.place);
    long error = spot.error;
    if (error == 0) {
      error =
          device.host_path != nullptr ? BindNode(spot, device.host_path) : MakeNode(spot, device);
    }
    if (error < 0) return ChildError(error, "make the device", device.place.path);
    if (device.place.anchor == kNoAnchor) CloseIfMany(spot.fd);
  }
  return {};
}

ChildResult MakeLinks(const CompiledMounts& mounts, ApplyState& state) noexcept {
  for (const LinkStep& link : mounts.links) {
    const Spot spot = FindParent(state, link.place);
    long error = spot.error;
    if (error == 0) {
      error = RawSyscall(SYS_symlinkat, link.target, spot.fd, spot.path);
      // A root file system's own: whatever it is, it is not what the link is to say.
      if (error == -EEXIST) {
        error = RawSyscall(SYS_unlinkat, spot.fd, spot.path, 0);
        if (error == 0) error = RawSyscall(SYS_symlinkat, link.target, spot.fd, spot.path);
      }
    }
    if (error < 0) return ChildError(error, "make the link", link.place.path);
    if (link.place.anchor == kNoAnchor) CloseIfMany(spot.fd);
  }
  return {};
}

ChildResult OpenConsole(const ConsoleStep& console, ApplyState& state) noexcept {
  const Place& ptmx = console.ptmx;
  constexpr int kFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  const long master = OpenInRoot(state.root, ptmx.path, kFlags, 0, Symlinks::kRefuse);
  if (master < 0) return ChildError(master, "open the pty of the container,", ptmx.path);
  struct stat file = {};
  if (Stat(static_cast<int>(master), "", AT_EMPTY_PATH, &file) < 0 || !S_ISCHR(file.st_mode) ||
      file.st_rdev != kPtmx) {
    return ChildError(ENODEV, "open the pty of the container,", ptmx.path);
  }
  int lock = 0;
  long error = RawSyscall(SYS_ioctl, master, TIOCSPTLCK, &lock);
  const long slave = error < 0 ? error : RawSyscall(SYS_ioctl, master, TIOCGPTPEER, kFlags);
  if (slave < 0) return ChildError(slave, "open the terminal of the container's pty");

  const Spot target = FindTarget(state, console.console, true, false, false);
  if (target.error < 0) return ChildError(target.error, "make /dev/console");
  const long tree = CloneTree(static_cast<int>(slave), "", kEmptyPath, {});
  error = tree < 0 ? tree : MoveMount(static_cast<int>(tree), target.fd, target.path);
  if (error < 0) return ChildError(error, "bind the terminal on /dev/console");
  *console.master = static_cast<int>(master);
  *console.slave = static_cast<int>(slave);
  return {};
}

}  // namespace tiny::fs
