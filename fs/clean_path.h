// Paths of a container, made plain without asking the file system.
#ifndef TINY_FS_CLEAN_PATH_H_
#define TINY_FS_CLEAN_PATH_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::fs {

// "a//b/./c/../d/" -> "/a/b/d": absolute, without ".", ".." and doubled slashes; ".." of the root
// is the root. kInvalidArgument for an empty path, one with a NUL byte, or one of PATH_MAX bytes.
absl::StatusOr<std::string> CleanPath(absl::string_view path);

// ("/a/b", "/a") -> true; a path is not beneath itself. Both are clean.
bool IsBeneath(absl::string_view path, absl::string_view directory);

}  // namespace tiny::fs

#endif  // TINY_FS_CLEAN_PATH_H_
