// An overlay of directories as a detached mount: seen through its descriptor only, by this process
// only, gone when it is closed.
//
//   ASSIGN_OR_RETURN(UniqueFd mount, MountOverlayDetached({.lower_dirs = layers}));
//   RootedDir image(std::move(mount));
#ifndef TINY_FS_OVERLAY_H_
#define TINY_FS_OVERLAY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace tiny::fs {

struct OverlayLayers {
  std::vector<std::string> lower_dirs;  // absolute; topmost first; at least one
  std::string upper_dir;                // empty: read-only
  std::string work_dir;
  bool user_namespace = false;  // userxattr
};

// A single lower directory without an upper one is opened as it is. The descriptor is O_PATH.
// An upper directory must not be in use by a mounted overlay.
absl::StatusOr<UniqueFd> MountOverlayDetached(const OverlayLayers& layers);

}  // namespace tiny::fs

#endif  // TINY_FS_OVERLAY_H_
