#include "runtime/launch/mount_hint.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "fs/rooted_dir.h"

namespace tiny::runtime {
namespace {

std::string FromBundle(const std::string& bundle, const std::string& path) {
  return absl::StartsWith(path, "/") ? path : absl::StrCat(bundle, "/", path);
}

std::optional<bool> IsFolder(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return std::nullopt;
  return S_ISDIR(info.st_mode);
}

std::optional<bool> IsFolderOfHost(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_PATH | O_CLOEXEC));
  return IsFolder(fd.get());
}

// As it was before the container's mounts. Nothing where it is not in the root's files.
std::optional<bool> IsFolderOfRoot(const LaunchRequest& request, const std::string& path) {
  const std::string& folder =
      request.overlay.empty() ? request.spec->root->path : request.overlay[0].lower_dirs.front();
  const absl::StatusOr<fs::RootedDir> root =
      fs::RootedDir::Open(FromBundle(request.bundle, folder));
  if (!root.ok()) return std::nullopt;
  const absl::StatusOr<UniqueFd> found = root->OpenIn(path, O_PATH);
  return found.ok() ? IsFolder(found->get()) : std::nullopt;
}

}  // namespace

absl::Status ExplainMount(absl::Status status, const LaunchRequest& request) {
  if (GetErrno(status) != EINVAL) return status;
  for (const oci::Mount& mount : request.spec->mounts) {
    const std::string source = FromBundle(request.bundle, mount.source);
    const std::string& target = mount.destination;
    if (!absl::StrContains(status.message(), absl::StrCat("bind ", source, " on ", target, ": "))) {
      continue;
    }
    const std::optional<bool> from = IsFolderOfHost(source);
    const std::optional<bool> to = IsFolderOfRoot(request, target);
    if (!from.has_value() || !to.has_value() || from == to) continue;
    const std::string name = source.substr(source.rfind('/') + 1);
    return WithHint(
        std::move(status),
        *from ? absl::StrCat(source, " is a folder and ", target,
                             " a file in the container: mount a file there, or the folder on a "
                             "path that is a folder or not there yet")
              : absl::StrCat(source, " is a file and ", target,
                             " a folder in the container: mount a folder there, or the file on ",
                             target, absl::EndsWith(target, "/") ? "" : "/", name));
  }
  return status;
}

}  // namespace tiny::runtime
