#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "fs/mount_syscalls_child.h"
#include "fs/plan_compiler.h"

namespace tiny::fs {
namespace {

constexpr size_t kMountDataLimit = 4096;  // of mount(2), with the NUL

// mount(2)'s data is split at commas, and lowerdir at colons, unless a backslash is before them.
std::string Escape(absl::string_view path, absl::string_view special) {
  std::string escaped;
  for (const char c : path) {
    if (absl::StrContains(special, c)) escaped.push_back('\\');
    escaped.push_back(c);
  }
  return escaped;
}

}  // namespace

absl::Status PlanCompiler::AddRoot() {
  if (!plan_.root.lower_dirs.empty()) return AddOverlay();
  RootStep& root = out_.root;
  if (plan_.root.path.empty() || plan_.root.path[0] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("root file system \"", plan_.root.path, "\": not an absolute path"));
  }
  root.path = out_.Keep(plan_.root.path);
  root.in_place = plan_.root.in_place;
  // Only its own mount namespace's, but for what the host's mounts are to tell it.
  root.attributes.propagation = plan_.root.propagation.type == MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
  if (plan_.root.id_map_user_namespace >= 0) {
    root.attributes.attr_set = MOUNT_ATTR_IDMAP;
    root.attributes.userns_fd = static_cast<uint64_t>(plan_.root.id_map_user_namespace);
  }
  const long tree = CloneTree(AT_FDCWD, root.path, kRecursive, root.attributes);
  if (tree == -EPERM && plan_.user_namespace) return absl::OkStatus();
  if (tree < 0) {
    return PosixStatus(static_cast<int>(-tree), absl::StrCat("root file system ", plan_.root.path));
  }
  root.tree = out_.Keep(UniqueFd(static_cast<int>(tree)));
  return absl::OkStatus();
}

absl::Status PlanCompiler::AddOverlay() {
  const RootOptions& options = plan_.root;
  RootStep& root = out_.root;
  root.overlay = true;
  root.upper_on_tmpfs = options.upper_dir.empty();
  root.upper_descriptor = options.upper_descriptor;
  for (const std::string& lower : options.lower_dirs) {
    if (lower.empty() || lower[0] != '/') {
      return absl::InvalidArgumentError(
          absl::StrCat("overlay layer \"", lower, "\": not an absolute path"));
    }
  }
  struct stat top = {};
  if (stat(options.lower_dirs[0].c_str(), &top) != 0) {
    return PosixStatus(errno, absl::StrCat("overlay layer ", options.lower_dirs[0]));
  }
  root.upper_mode = top.st_mode & 07777;
  if (!plan_.user_namespace) {
    root.upper_uid = top.st_uid;
    root.upper_gid = top.st_gid;
  }

  // "/.." is what is mounted over "/" by then: the tmpfs.
  const std::string upper = root.upper_on_tmpfs ? "/../upper" : options.upper_dir;
  const std::string work = root.upper_on_tmpfs ? "/../work" : options.work_dir;
  std::vector<std::string> rest = options.overlay_options;
  if (plan_.user_namespace) rest.push_back("userxattr");

  const auto data_of = [&](const std::vector<std::string>& lowers) {
    std::string data = absl::StrCat(
        "lowerdir=",
        absl::StrJoin(
            lowers, ":",
            [](std::string* out, const std::string& lower) { out->append(Escape(lower, "\\:,")); }),
        ",upperdir=", Escape(upper, "\\,"), ",workdir=", Escape(work, "\\,"));
    for (const std::string& option : rest) absl::StrAppend(&data, ",", option);
    return data;
  };
  std::string data = data_of(options.lower_dirs);
  if (data.size() >= kMountDataLimit) {
    // The names of descriptors are short, seen from /proc/self/fd; Linux before 6.8 has no other
    // way to so many layers.
    std::vector<std::string> lowers;
    for (const std::string& lower : options.lower_dirs) {
      ASSIGN_OR_RETURN(UniqueFd layer, OpenFile(lower, O_PATH | O_DIRECTORY));
      lowers.push_back(absl::StrCat(out_.Keep(std::move(layer))));
    }
    root.lower_by_descriptor = true;
    data = data_of(lowers);
  }
  if (data.size() >= kMountDataLimit) {
    return absl::InvalidArgumentError(
        absl::StrCat("overlay of ", options.lower_dirs.size(), " layers: too many"));
  }
  root.overlay_data = out_.Keep(std::move(data));
  return absl::OkStatus();
}

}  // namespace tiny::fs
