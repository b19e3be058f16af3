// The files of a container: its root for `cp`, and what it has changed there.
#include <fcntl.h>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "runtime/engine_impl.h"
#include "runtime/files/container_files.h"
#include "runtime/prepare.h"

namespace tiny::runtime {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);

bool HasProcess(const Container& container) {
  return container.state.status == state::Status::kRunning ||
         container.state.status == state::Status::kPaused;
}

}  // namespace

absl::StatusOr<UniqueFd> EngineImpl::OpenRoot(absl::string_view reference, RootUse use) {
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  const state::ContainerConfig& config = container.config;
  if (!HasProcess(container)) {
    if (use == RootUse::kWrite && config.rootfs_overlay) {
      return WithHint(absl::FailedPreconditionError(absl::StrCat(
                          "container ", config.name, " is not running: it has no copy of ",
                          config.rootfs, " that could be written to")),
                      absl::StrCat("start it first: tiny start ", config.name));
    }
    return OpenStoppedRoot(config);
  }
  ASSIGN_OR_RETURN(const UniqueFd pidfd, OpenProcess(container.state.init));
  ASSIGN_OR_RETURN(const fs::RootedDir root,
                   OpenProcessRoot(container.state.init.pid, pidfd.get()));
  return root.OpenIn("/", O_PATH | O_DIRECTORY);
}

absl::StatusOr<std::vector<Change>> EngineImpl::Diff(absl::string_view reference) {
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  const state::ContainerConfig& config = container.config;
  if (!config.rootfs_overlay) {
    return WithHint(absl::FailedPreconditionError(absl::StrCat(
                        config.name, " has no layer of its own: it writes to ", config.rootfs)),
                    absl::StrCat("--rootfs ", config.rootfs, ":O gives it one"));
  }
  if (!HasProcess(container)) return std::vector<Change>();
  HelloPayload hello;
  hello.wants = kWantUpper;
  ASSIGN_OR_RETURN(const Connection connection,
                   ConnectAndGreet(SocketOf(container), hello, kPatience));
  if (!connection.upper) {
    return absl::FailedPreconditionError(
        absl::StrCat("what ", config.name,
                     " has changed can't be listed any more: its supervisor, which alone could "
                     "reach it, was killed"));
  }
  return DiffUpper(connection.upper.get(), {config.rootfs});
}

}  // namespace tiny::runtime
