// Who a container's user is, by the files of its root file system.
#ifndef TINY_RUNTIME_FILES_ROOT_USER_H_
#define TINY_RUNTIME_FILES_ROOT_USER_H_

#include "absl/status/statusor.h"
#include "security/user.h"
#include "state/container_config.h"

namespace tiny::runtime {

// Of config.user and config.group_add, with the passwd and group files of the folder
// config.rootfs; one that is missing is empty. Errors: PosixStatus for the folder, else those of
// security::ResolveUser. Thread-safe.
absl::StatusOr<security::ResolvedUser> ResolveUserOfRoot(const state::ContainerConfig& config);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_FILES_ROOT_USER_H_
