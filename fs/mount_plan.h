// What a container's processes see as their file system: described here, compiled in the parent,
// made by the child.
//
//   MountPlan plan;
//   plan.root.path = "/srv/rootfs";
//   plan.mounts.push_back({.type = "proc", .source = "proc", .target = "/proc"});
//   ASSIGN_OR_RETURN(CompiledMountsPtr mounts, Compile(plan));
//   // In a child of clone3(CLONE_NEWNS | ...):
//   ChildResult result = ApplyMountsInChild(mounts.get());
//   if (result.ok()) result = PivotRootInChild(mounts.get());
//
// Nothing inside a root file system is trusted: each target is resolved within it by openat2(2)
// with RESOLVE_IN_ROOT, and is mounted on by descriptor. proc and sysfs go only onto ordinary
// directories, reached through no symbolic link; nothing but procfs is mounted on /proc, and under
// it only the few files that lxcfs provides. Missing targets are made.
//
// Needs Linux 5.12. Source: runtime-spec config.md "Mounts" and config-linux.md; mount_setattr(2),
// move_mount(2), open_tree(2), pivot_root(2), openat2(2).
#ifndef TINY_FS_MOUNT_PLAN_H_
#define TINY_FS_MOUNT_PLAN_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/child_step.h"
#include "fs/mount_options.h"

namespace tiny::fs {

// The root file system: a directory, or an overlay of directories.
struct RootOptions {
  std::string path;  // the directory; unused with lower_dirs

  // An overlay, mounted in the container's mount namespace only. Topmost first.
  std::vector<std::string> lower_dirs;
  std::string upper_dir;  // empty: on a tmpfs that goes with the container
  std::string work_dir;
  std::vector<std::string> overlay_options;  // "volatile", "metacopy=off", ...
  // Where the child stores an O_PATH descriptor of the upper directory on the tmpfs, which has no
  // path once it is covered; as console_master below. nullptr: none is wanted.
  int* upper_descriptor = nullptr;

  // Mounted at `path` until it becomes "/": for hooks, which find the container's mounts there.
  // Else it covers the host's "/" at once, and `path` is as it was. Not with lower_dirs.
  bool in_place = false;
  bool readonly = false;
  Propagation propagation;  // of "/" in the container, when all is done
  // Without pivot_root(2), for a host whose root is an initramfs. The old root then stays mounted
  // beneath the new one.
  bool no_pivot = false;
  int id_map_user_namespace = -1;  // borrowed; only with `path`
};

struct Mount {
  std::string type;  // "proc", "tmpfs", ...; "bind" or options.bind: a bind mount
  // Bind: an absolute path on the host, also one in /proc/self/fd of a detached tree, which then is
  // mounted itself. Else what mountinfo shows.
  std::string source;
  std::string target;  // absolute, in the container
  MountOptions options;
  // Bind: the user namespace whose id maps the mount gets (options.id_mapping); borrowed.
  int id_map_user_namespace = -1;
};

// A device node, or a fifo, in the container.
struct DeviceNode {
  std::string path;  // absolute, in the container
  mode_t mode = 0;   // S_IFCHR, S_IFBLK or S_IFIFO with permissions
  dev_t number = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// null, zero, full, random, urandom, tty: what every container has.
std::vector<DeviceNode> DefaultDevices();

// A symbolic link made on a file system of the plan's own, such as /dev.
struct Link {
  std::string path;
  std::string target;
};

struct MountPlan {
  RootOptions root;
  std::vector<Mount> mounts;  // in this order
  // The SELinux label of what is in the file systems that are new, but for those whose labels are
  // the kernel's own (proc, sysfs, cgroup). Empty: the policy's.
  std::string label;

  // Made after the mounts; neither these nor the standard links of /dev (fd, stdin, stdout,
  // stderr, ptmx) where /dev is a bind mount.
  std::vector<DeviceNode> devices;
  std::vector<Link> links;  // beside the standard ones
  bool standard_links = true;

  std::vector<std::string> masked_paths;    // those that exist
  std::vector<std::string> readonly_paths;  // those that exist

  // In a user namespace nodes can't be made: the host's are bound instead. Overlays get userxattr.
  bool user_namespace = false;

  // Absolute: made in the root by PivotRootInChild, where it is missing. Empty: none.
  std::string working_directory;

  // A terminal: the child opens a pty of the container's own /dev/pts, binds it on /dev/console,
  // and stores the numbers of its two ends (O_CLOEXEC) here, in memory that the parent may share.
  // nullptr: none.
  int* console_master = nullptr;
  int* console_slave = nullptr;
};

// Plain memory and open descriptors. Holds the trees of the bind mounts, detached: it may be
// destroyed as soon as the child has applied it. Thread-compatible.
class CompiledMounts;
struct CompiledMountsDeleter {
  void operator()(const CompiledMounts* mounts) const;
};
using CompiledMountsPtr = std::unique_ptr<const CompiledMounts, CompiledMountsDeleter>;

// Opens what the plan needs of the host. kInvalidArgument where the plan is refused, with the name
// of the mount; PosixStatus where a bind source is missing, and the like.
absl::StatusOr<CompiledMountsPtr> Compile(const MountPlan& plan);

// Steps of a child (base/child_step.h) that has a mount namespace of its own, and holds
// CAP_SYS_ADMIN over it. The argument is a const CompiledMounts*.
//
// Cuts the namespace off from the host's (rslave), mounts the root over "/" without changing the
// root directory, and makes the mounts, devices and masks. Host paths are still valid after it. The
// working directory is then the new root, where PivotRootInChild wants it; the umask is 0022.
ChildResult ApplyMountsInChild(const void* mounts) noexcept;

// Changes into the root by pivot_root(2), detaches the host's tree, makes the working directory,
// applies root.readonly and root.propagation. The working directory is "/".
ChildResult PivotRootInChild(const void* mounts) noexcept;

}  // namespace tiny::fs

#endif  // TINY_FS_MOUNT_PLAN_H_
