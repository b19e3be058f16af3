// The option strings of the OCI configuration and of mount(8), sorted into what the kernel takes.
//
//   ASSIGN_OR_RETURN(MountOptions options, ParseMountOptions({"rbind", "ro", "rprivate"}));
//   // options.bind, options.recursive, options.set == MOUNT_ATTR_RDONLY, ...
//
// Source: runtime-spec config.md "Linux mount options", mount(8), mount_setattr(2). A later option
// overrides an earlier one. Pure; thread-safe.
#ifndef TINY_FS_MOUNT_OPTIONS_H_
#define TINY_FS_MOUNT_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tiny::fs {

// How a mount forwards the mounts made beneath it (mount_namespaces(7)).
struct Propagation {
  uint64_t type = 0;  // MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE; 0: not said
  bool recursive = false;

  bool operator==(const Propagation&) const = default;
};

enum class IdMapping { kNone, kMount, kRecursive };

struct MountOptions {
  bool bind = false;       // "bind", "rbind"
  bool recursive = false;  // "rbind"

  // MOUNT_ATTR_* of the mount itself. An atime mode in `set` comes with MOUNT_ATTR__ATIME in
  // `clear`, as mount_setattr(2) wants it.
  uint64_t set = 0;
  uint64_t clear = 0;
  // The same for the mount and all below it: "rro", "rnosuid", ...
  uint64_t recursive_set = 0;
  uint64_t recursive_clear = 0;

  // What the file system takes, in order: "mode=755", "size=64k", and flags of the superblock such
  // as "sync" (never those above).
  std::vector<std::string> data;
  unsigned long superblock = 0;  // MS_*: "silent", "iversion", "acl"; of a file system that is new

  Propagation propagation;
  IdMapping id_mapping = IdMapping::kNone;  // "idmap", "ridmap"
  bool copy_up = false;                     // "tmpcopyup": a tmpfs begins with what it covers
  bool copy_symlink = false;                // "copy-symlink": bind a symbolic link as itself
};

// kInvalidArgument for contradictory ones. Unknown options are the file system's: `data`.
absl::StatusOr<MountOptions> ParseMountOptions(absl::Span<const std::string> options);

// "private", "rslave", "shared", ... as in linux.rootfsPropagation; kInvalidArgument for others.
absl::StatusOr<Propagation> ParsePropagation(absl::string_view text);

// The MS_* flags of mount(2) that say the same as MOUNT_ATTR_* flags.
unsigned long ToMountFlags(uint64_t attributes);

}  // namespace tiny::fs

#endif  // TINY_FS_MOUNT_OPTIONS_H_
