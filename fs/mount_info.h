// The mounts of a process: /proc/PID/mountinfo (proc_pid_mountinfo(5)).
#ifndef TINY_FS_MOUNT_INFO_H_
#define TINY_FS_MOUNT_INFO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::fs {

struct MountInfo {
  uint64_t id = 0;
  uint64_t parent_id = 0;
  uint32_t major = 0;
  uint32_t minor = 0;
  std::string root;    // the directory of the file system that is mounted
  std::string target;  // where, relative to the process's root
  std::string options;
  // Of propagation: peer group ids, 0 where it is not of that kind.
  uint64_t shared = 0;
  uint64_t master = 0;
  bool unbindable = false;
  std::string type;  // "ext4", "fuse.sshfs"
  std::string source;
  std::string super_options;
};

// Parses the file's text; octal escapes (\040) are undone. kInvalidArgument names the bad line.
// Pure; thread-safe.
absl::StatusOr<std::vector<MountInfo>> ParseMountInfo(absl::string_view text);

// "a\040b" -> "a b". Escapes that are not three octal digits stay as they are.
std::string UnescapeMountPath(absl::string_view text);

}  // namespace tiny::fs

#endif  // TINY_FS_MOUNT_INFO_H_
