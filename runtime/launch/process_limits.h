// What a parent sets on a process that waits in the init stub: limits, scheduling, OOM score.
#ifndef TINY_RUNTIME_LAUNCH_PROCESS_LIMITS_H_
#define TINY_RUNTIME_LAUNCH_PROCESS_LIMITS_H_

#include <sched.h>
#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "oci/spec.h"
#include "security/caller.h"

namespace tiny::runtime {

// A list of numbers of cpus or memory nodes, "0-3,7"; empty: none. kInvalidArgument for what is no
// such list, or has a number over 1023. Pure.
absl::StatusOr<cpu_set_t> ParseIndexList(absl::string_view text);

// Whether a process that has these limits already can still make a container, and whether they can
// be set while it does, with descriptors up to that number in use: until its exec it may share this
// one's memory, and so its OOM score.
bool MayBeSetEarly(const oci::Process& process, int highest_descriptor);

// kInvalidArgument names a field of the spec that is no such limit; PosixStatus where the kernel
// refuses one. But an OOM score below the process's own, which no other than the machine's root may
// ask for, leaves that of such a `caller` as it is. Null: the machine's root.
absl::Status SetProcessLimits(pid_t pid, const oci::Process& process,
                              const security::Caller* caller);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_PROCESS_LIMITS_H_
