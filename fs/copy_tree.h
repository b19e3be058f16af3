// Copies a file, a link or a whole directory from one directory's descriptor to another's.
//
// Both sides may be hostile and may change meanwhile: names are opened without following symbolic
// links, one component at a time, so that all that is read is in the source and all that is written
// is in the destination. Sockets are left out: only their server can make them.
#ifndef TINY_FS_COPY_TREE_H_
#define TINY_FS_COPY_TREE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"

namespace tiny::fs {

struct CopyTreeOptions {
  // What is made has its source's owner; else `uid` and `gid` (-1: the caller's).
  bool keep_owner = true;
  // Who gets another owner than its source has no set-user-ID bits, and devices are that owner's
  // alone, unless the source is trusted: else who fills it would hand out the owner's rights.
  bool trusted = false;
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  // Into other mounts beneath the source, but those of the kernel's own file systems (proc, sysfs,
  // cgroupfs, ...); else they are left out.
  bool cross_mounts = false;
};

// Makes `to_name` in `to` what `from_name` in `from` is: times and modes, and owners with
// keep_owner. An existing directory is merged into, an existing file replaced (in its place,
// where it is a mount point); one that stands where the other is to come is kFailedPrecondition.
// kOutOfRange beyond 200 levels; EPERM for a device where the caller may make none.
absl::Status CopyTreeAt(int from, const std::string& from_name, int to, const std::string& to_name,
                        const CopyTreeOptions& options);

// The same for what a directory holds, and the directory's own owner and mode. Both descriptors
// may be O_PATH.
absl::Status CopyDirectoryContents(int from, int to, const CopyTreeOptions& options);

}  // namespace tiny::fs

#endif  // TINY_FS_COPY_TREE_H_
