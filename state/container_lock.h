// flock(2) on a container's directory, with a time-out that names the holder. Internal to state/.
#ifndef TINY_STATE_CONTAINER_LOCK_H_
#define TINY_STATE_CONTAINER_LOCK_H_

#include <sys/stat.h>
#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tiny::state {

// Locks the file that `fd` is open on. kDeadlineExceeded when another process still has the lock
// after `timeout`; `what` says what of, for the message.
absl::Status LockFile(int fd, absl::string_view what, absl::Duration timeout);

// The process that holds a flock(2) lock on that file, by /proc/locks; 0 if none is seen. Pure.
pid_t FindLockHolder(absl::string_view proc_locks, const struct stat& file);

}  // namespace tiny::state

#endif  // TINY_STATE_CONTAINER_LOCK_H_
