// The files of a container: its root for `cp`, and what it has changed there.
#include <fcntl.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "runtime/container_process.h"
#include "runtime/engine_impl.h"
#include "runtime/files/container_files.h"
#include "runtime/mount_sources.h"
#include "runtime/stopped_root.h"

namespace tiny::runtime {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);

bool HasProcess(const Container& container) {
  return container.state.status == state::Status::kRunning ||
         container.state.status == state::Status::kPaused;
}

bool HasSource(const state::MountConfig& mount) {
  return mount.type != state::MountConfig::Type::kTmpfs;
}

}  // namespace

absl::StatusOr<UniqueFd> EngineImpl::OpenStopped(const Container& container, RootUse use) {
  const state::ContainerConfig& config = container.config;
  const bool mounts = std::any_of(config.mounts.begin(), config.mounts.end(), HasSource);
  if (use == RootUse::kWrite && config.rootfs_overlay && !mounts) {
    return WithHint(absl::FailedPreconditionError(absl::StrCat(
                        "container ", config.name, " is not running: it has no copy of ",
                        config.rootfs, " that could be written to")),
                    absl::StrCat("start it first: tiny start ", config.name));
  }
  std::vector<UniqueFd> held;
  std::vector<std::string> sources;
  if (mounts && use == RootUse::kWrite) {
    ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(config.id));
    state::ContainerState state = record.state();
    ASSIGN_OR_RETURN(sources, MountSources(config, options_, Absent::kMake, &state, held));
    if (state.volumes != record.state().volumes) RETURN_IF_ERROR(record.CommitState(state));
  } else if (mounts) {
    state::ContainerState state = container.state;
    ASSIGN_OR_RETURN(sources, MountSources(config, options_, Absent::kLeaveOut, &state, held));
  }
  ASSIGN_OR_RETURN(StoppedRoot opened, OpenStoppedRoot(config, sources));
  stopped_mounts_ = std::move(opened.mounts);
  return std::move(opened.root);
}

absl::StatusOr<UniqueFd> EngineImpl::OpenRoot(absl::string_view reference, RootUse use) {
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  if (!HasProcess(container)) return OpenStopped(container, use);
  ASSIGN_OR_RETURN(const UniqueFd pidfd, OpenContainerProcess(container.state));
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
