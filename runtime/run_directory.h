// <run_root>/<id>/: what exists of a container only while it runs. A tmpfs, so gone after a reboot.
//
//   attach.sock             the supervisor's socket (attach/protocol.h)
//   stdin stdout stderr     the container's streams (supervisor/streams.h)
//   supervisor.lock         held by the one supervisor for as long as it lives
//   network.shared          there once another container has joined this one's network
//
// The directory is made before anything else of a start and removed after everything else of an
// end: where there is none, nothing of that run is left.
#ifndef TINY_RUNTIME_RUN_DIRECTORY_H_
#define TINY_RUNTIME_RUN_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::runtime {

std::string RunDirectory(absl::string_view run_root, absl::string_view id);
std::string AttachSocket(absl::string_view run_root, absl::string_view id);

// Makes it anew, empty, mode 0700, and the run root where that is missing.
absl::StatusOr<UniqueFd> MakeRunDirectory(absl::string_view run_root, absl::string_view id);
absl::StatusOr<UniqueFd> OpenRunDirectory(absl::string_view run_root, absl::string_view id);
absl::Status RemoveRunDirectory(absl::string_view run_root, absl::string_view id);

// Takes the supervisor's lock: a record lock of fcntl(2), which no child inherits and which ends
// with the process. The descriptor is to be kept open. kAlreadyExists names the pid that has it.
absl::StatusOr<UniqueFd> TakeSupervisorLock(int run_directory);

// Its network namespace may outlive this run of the container from now on.
absl::Status MarkNetworkShared(absl::string_view run_root, absl::string_view id);
// Whether it may. The mark goes.
bool TakeNetworkSharedMark(absl::string_view run_root, absl::string_view id);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_RUN_DIRECTORY_H_
