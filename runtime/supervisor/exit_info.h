// How a process ended that is not our child.
#ifndef TINY_RUNTIME_SUPERVISOR_EXIT_INFO_H_
#define TINY_RUNTIME_SUPERVISOR_EXIT_INFO_H_

#include <optional>

#include "absl/time/time.h"

namespace tiny::runtime {

// The exit code of a process that has ended, as ReapChild gives it, asked of its pidfd by
// PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15). The kernel knows it once the parent has reaped
// the process, which is waited for up to `patience`. Nothing where the kernel is older.
std::optional<int> ExitCodeOfStranger(int pidfd, absl::Duration patience);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_EXIT_INFO_H_
