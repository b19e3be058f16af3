// The directories of cgroup file systems: made, walked and removed beneath a mount point only.
#ifndef TINY_CGROUP_DIRECTORY_H_
#define TINY_CGROUP_DIRECTORY_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::cgroup {

// A directory and its path for messages.
struct Directory {
  UniqueFd fd;
  std::string path;
};

absl::StatusOr<Directory> OpenRoot(absl::string_view mount_point);

// The cgroup `path` ("/a/b", as ValidateCgroupPath has it) of the tree mounted there, in one system
// call. No symbolic link is followed. kNotFound if it is not there.
absl::StatusOr<Directory> OpenCgroup(absl::string_view mount_point, absl::string_view path);

// `relative` below `root`, through openat2(2) with RESOLVE_BENEATH: no "..", no symbolic links, no
// other mounts. kNotFound if it is not there.
absl::StatusOr<Directory> OpenBeneath(const Directory& root, absl::string_view relative);

// mkdir of each component that is missing.
absl::StatusOr<Directory> MakeBeneath(const Directory& root, absl::string_view relative);

// Calls `visit` for every cgroup in the directory and below, children first. Those that vanish
// meanwhile are left out.
absl::Status ForEachCgroup(const Directory& directory,
                           absl::FunctionRef<absl::Status(const Directory&)> visit);

// The processes of one cgroup, by its cgroup.procs, or of the whole tree.
absl::StatusOr<std::vector<pid_t>> ReadPids(const Directory& directory);
absl::StatusOr<std::vector<pid_t>> ReadPidsOfTree(const Directory& directory);

// rmdir of everything below `parent`/`name` and of itself. PosixStatus(EBUSY) if there are
// processes in it; ok if it is not there.
absl::Status RemoveCgroups(const Directory& parent, absl::string_view name);

// The path without its last component, and that component: "/a/b" -> "/a", "b".
std::pair<absl::string_view, absl::string_view> SplitLast(absl::string_view path);

}  // namespace tiny::cgroup

#endif  // TINY_CGROUP_DIRECTORY_H_
