// How a process ended that is not our child.
#ifndef TINY_RUNTIME_SUPERVISOR_EXIT_INFO_H_
#define TINY_RUNTIME_SUPERVISOR_EXIT_INFO_H_

#include <optional>

#include "absl/time/time.h"
#include "base/process.h"

namespace tiny::runtime {

// The exit code of a process that has ended, as ReapChild gives it; `pidfd` is of `process`. As
// long as its parent has not reaped it, /proc tells who may trace it; then its pidfd does by
// PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15). Where neither tells yet, its end is waited for
// up to `patience`. Nothing where both have nothing to say.
std::optional<int> ExitCodeOfStranger(const ProcessIdentity& process, int pidfd,
                                      absl::Duration patience);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_EXIT_INFO_H_
