// Opens one entry of a directory that somebody else may be changing.
#ifndef TINY_FS_SOURCE_ENTRY_H_
#define TINY_FS_SOURCE_ENTRY_H_

#include <string>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace tiny::fs {

// Follows no symbolic link (ELOOP). An entry that is another mount is opened with `cross_mounts`
// only, and never where that is the kernel's own file system (proc, sysfs, cgroupfs, ...): there is
// no descriptor then, and no error.
absl::StatusOr<UniqueFd> OpenSourceEntry(int directory, const std::string& name, int flags,
                                         bool cross_mounts);

}  // namespace tiny::fs

#endif  // TINY_FS_SOURCE_ENTRY_H_
