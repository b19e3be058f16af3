#include "fs/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::fs {
namespace {

constexpr size_t kStringLimit = 256;  // of fsconfig(2), with the NUL

// What the file system says about it ("e overlay: ..."), else only the errno.
absl::Status ContextError(int context, int error_number, absl::string_view what) {
  char log[512];
  const ssize_t length = read(context, log, sizeof(log));
  if (length <= 2) return PosixStatus(error_number, what);
  const absl::string_view text =
      absl::StripSuffix(absl::string_view(log, static_cast<size_t>(length)), "\n");
  return PosixStatus(error_number, absl::StrCat(what, " (", text.substr(2), ")"));
}

absl::Status Set(int context, const char* key, const std::string& value) {
  if (fsconfig(context, FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0) return absl::OkStatus();
  return ContextError(context, errno, absl::StrCat("overlay option ", key, "=", value));
}

// One string, or where that is too long one for each, which takes Linux 6.8.
absl::Status SetLowerDirs(int context, const std::vector<std::string>& lower_dirs) {
  const std::string joined = absl::StrJoin(lower_dirs, ":");
  const bool is_plain = joined.find_first_of("\\,") == std::string::npos &&
                        std::count(joined.begin(), joined.end(), ':') ==
                            static_cast<ptrdiff_t>(lower_dirs.size()) - 1;
  if (is_plain && joined.size() < kStringLimit) return Set(context, "lowerdir", joined);
  for (const std::string& lower : lower_dirs) {
    RETURN_IF_ERROR(WithHint(Set(context, "lowerdir+", lower),
                             "An overlay of that many layers needs Linux 6.8 or later."));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UniqueFd> MountOverlayDetached(const OverlayLayers& layers) {
  if (layers.lower_dirs.empty()) return absl::InvalidArgumentError("overlay without a layer");
  if (layers.lower_dirs.size() == 1 && layers.upper_dir.empty()) {
    return OpenFile(layers.lower_dirs[0], O_PATH | O_DIRECTORY);
  }
  const UniqueFd context(fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) return PosixStatus(errno, "fsopen overlay");
  RETURN_IF_ERROR(SetLowerDirs(context.get(), layers.lower_dirs));
  if (!layers.upper_dir.empty()) {
    RETURN_IF_ERROR(Set(context.get(), "upperdir", layers.upper_dir));
    RETURN_IF_ERROR(Set(context.get(), "workdir", layers.work_dir));
  }
  if (layers.user_namespace &&
      fsconfig(context.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0) != 0) {
    return ContextError(context.get(), errno, "overlay option userxattr");
  }
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return ContextError(context.get(), errno, "mount overlay");
  }
  UniqueFd mount(fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  if (!mount) return ContextError(context.get(), errno, "mount overlay");
  return mount;
}

}  // namespace tiny::fs
