// What to do about a mount that the kernel has refused.
#ifndef TINY_RUNTIME_LAUNCH_MOUNT_HINT_H_
#define TINY_RUNTIME_LAUNCH_MOUNT_HINT_H_

#include "absl/status/status.h"
#include "runtime/launch/launch.h"

namespace tiny::runtime {

// The error of a launch, with a hint where it is that of a folder bound on a file or of a file
// bound on a folder: the kernel says EINVAL to both.
absl::Status ExplainMount(absl::Status status, const LaunchRequest& request);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_MOUNT_HINT_H_
