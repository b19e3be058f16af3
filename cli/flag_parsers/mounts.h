// -v, --mount and --tmpfs. Pure functions, thread-safe; errors are kInvalidArgument.
// Grammar: docs.docker.com/engine/storage/bind-mounts and .../volumes.
#ifndef TINY_CLI_FLAG_PARSERS_MOUNTS_H_
#define TINY_CLI_FLAG_PARSERS_MOUNTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "state/container_config.h"

namespace tiny::cli {

// "/src:/dst", "./src:/dst:ro,rshared", "name:/dst", "/dst" (an anonymous volume). Relative sources
// are made absolute with `working_dir`, those with ~ with `home`.
absl::StatusOr<state::MountConfig> ParseVolume(absl::string_view text,
                                               absl::string_view working_dir,
                                               absl::string_view home);

// "type=bind,source=/a,target=/b,readonly", "type=tmpfs,target=/t,tmpfs-size=64m", ...
absl::StatusOr<state::MountConfig> ParseMount(absl::string_view text,
                                              absl::string_view working_dir);

// "/run" or "/run:size=64m,mode=755,exec".
absl::StatusOr<state::MountConfig> ParseTmpfs(absl::string_view text);

// The path with "." and ".." and double slashes resolved as text; a relative one is taken from
// `base`.
std::string CleanPath(absl::string_view path, absl::string_view base = "/");

}  // namespace tiny::cli

#endif  // TINY_CLI_FLAG_PARSERS_MOUNTS_H_
