#include "net/network_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::net {

absl::StatusOr<UniqueFd> OpenOwnNetworkNamespace() {
  UniqueFd own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own) return PosixStatus(errno, "open /proc/thread-self/ns/net");
  return own;
}

absl::Status RunInNetworkNamespace(int netns, absl::FunctionRef<absl::Status()> body) {
  if (netns < 0) return body();
  ASSIGN_OR_RETURN(const UniqueFd own, OpenOwnNetworkNamespace());
  if (setns(netns, CLONE_NEWNET) != 0) {
    return PosixStatus(errno, "join a container's network namespace");
  }
  absl::Status result = body();
  if (setns(own.get(), CLONE_NEWNET) != 0) {
    // The thread is left where it is, so this must not go unnoticed.
    return PosixStatus(errno, "return to the own network namespace");
  }
  return result;
}

}  // namespace tiny::net
