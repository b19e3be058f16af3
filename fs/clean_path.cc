#include "fs/clean_path.h"

#include <limits.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tiny::fs {

absl::StatusOr<std::string> CleanPath(absl::string_view path) {
  if (path.empty()) return absl::InvalidArgumentError("empty path");
  if (path.size() >= PATH_MAX) return absl::InvalidArgumentError("path of over 4095 bytes");
  if (absl::StrContains(path, '\0')) return absl::InvalidArgumentError("path with a NUL byte");
  std::string clean;
  clean.reserve(path.size() + 1);
  for (absl::string_view component : absl::StrSplit(path, '/')) {
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      clean.resize(clean.empty() ? 0 : clean.rfind('/'));
    } else {
      absl::StrAppend(&clean, "/", component);
    }
  }
  return clean.empty() ? std::string(1, '/') : clean;
}

bool IsBeneath(absl::string_view path, absl::string_view directory) {
  if (directory == "/") return path.size() > 1;
  return path.size() > directory.size() && absl::StartsWith(path, directory) &&
         path[directory.size()] == '/';
}

}  // namespace tiny::fs
