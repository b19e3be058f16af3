// What a parent sets on a process that waits in the init stub: limits, scheduling, OOM score.
#ifndef TINY_RUNTIME_LAUNCH_PROCESS_LIMITS_H_
#define TINY_RUNTIME_LAUNCH_PROCESS_LIMITS_H_

#include <sys/types.h>

#include "absl/status/status.h"
#include "oci/spec.h"

namespace tiny::runtime {

// kInvalidArgument names a field of the spec that is no such limit; PosixStatus where the kernel
// refuses one.
absl::Status SetProcessLimits(pid_t pid, const oci::Process& process);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_PROCESS_LIMITS_H_
