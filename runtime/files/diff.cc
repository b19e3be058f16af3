#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "fs/overlay.h"
#include "runtime/files/container_files.h"

namespace tiny::runtime {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr int kMaxDepth = 200;

// A deleted name, in the layer that deletes it: Documentation/filesystems/overlayfs.rst.
bool IsWhiteout(const struct stat& file) { return S_ISCHR(file.st_mode) && file.st_rdev == 0; }

// A directory that hides the one below it.
bool IsOpaque(int directory) {
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    char value = 0;
    if (fgetxattr(directory, name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

// What the overlay shows of its lower layers, without what is mounted on them.
absl::StatusOr<UniqueFd> OpenLower(const std::vector<std::string>& lower_dirs) {
  if (lower_dirs.size() != 1) {
    ASSIGN_OR_RETURN(const UniqueFd merged, fs::MountOverlayDetached({.lower_dirs = lower_dirs}));
    return OpenFileAt(merged.get(), ".", kDirectory);
  }
  const UniqueFd layer(
      open_tree(AT_FDCWD, lower_dirs[0].c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!layer) return PosixStatus(errno, absl::StrCat("open ", lower_dirs[0]));
  return OpenFileAt(layer.get(), ".", kDirectory);
}

class Differ {
 public:
  // `lower` is -1 where there is no such directory below.
  absl::Status Walk(int upper, int lower, const std::string& path, int depth);
  std::vector<Change> Take() { return std::move(changes_); }

 private:
  absl::Status Visit(int upper, int lower, const std::string& name, const std::string& path,
                     int depth);

  std::vector<Change> changes_;
};

absl::Status Differ::Visit(int upper, int lower, const std::string& name, const std::string& path,
                           int depth) {
  struct stat above = {};
  if (fstatat(upper, name.c_str(), &above, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? absl::OkStatus() : PosixStatus(errno, absl::StrCat("stat ", path));
  }
  struct stat below = {};
  const bool was_there =
      lower >= 0 && fstatat(lower, name.c_str(), &below, AT_SYMLINK_NOFOLLOW) == 0;
  if (IsWhiteout(above)) {
    if (was_there) changes_.push_back({'D', path});
    return absl::OkStatus();
  }
  changes_.push_back({was_there ? 'C' : 'A', path});
  if (!S_ISDIR(above.st_mode)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const UniqueFd upper_directory, OpenFileAt(upper, name, kDirectory));
  UniqueFd lower_directory;
  if (was_there && S_ISDIR(below.st_mode)) {
    ASSIGN_OR_RETURN(lower_directory, OpenFileAt(lower, name, kDirectory));
  }
  return Walk(upper_directory.get(), lower_directory.get(), path, depth + 1);
}

absl::Status Differ::Walk(int upper, int lower, const std::string& path, int depth) {
  if (depth > kMaxDepth) return absl::OutOfRangeError(absl::StrCat(path, ": nested too deeply"));
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectoryAt(upper, "."));
  std::vector<std::string> hidden;
  if (lower >= 0 && IsOpaque(upper)) {
    ASSIGN_OR_RETURN(const std::vector<std::string> below, ListDirectoryAt(lower, "."));
    std::set_difference(below.begin(), below.end(), names.begin(), names.end(),
                        std::back_inserter(hidden));
  }
  for (const std::string& name : names) {
    RETURN_IF_ERROR(Visit(upper, lower, name, absl::StrCat(path, "/", name), depth));
  }
  for (const std::string& name : hidden) changes_.push_back({'D', absl::StrCat(path, "/", name)});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Change>> DiffUpper(int upper_directory,
                                              const std::vector<std::string>& lower_dirs) {
  ASSIGN_OR_RETURN(const UniqueFd upper, OpenFileAt(upper_directory, ".", kDirectory));
  ASSIGN_OR_RETURN(const UniqueFd lower, OpenLower(lower_dirs));
  Differ differ;
  RETURN_IF_ERROR(differ.Walk(upper.get(), lower.get(), "", 0));
  std::vector<Change> changes = differ.Take();
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.path < b.path; });
  return changes;
}

}  // namespace tiny::runtime
