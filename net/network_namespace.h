// Visits to network namespaces. Source: setns(2), network_namespaces(7).
#ifndef TINY_NET_NETWORK_NAMESPACE_H_
#define TINY_NET_NETWORK_NAMESPACE_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace tiny::net {

// The calling thread's network namespace (/proc/thread-self/ns/net).
absl::StatusOr<UniqueFd> OpenOwnNetworkNamespace();

// Runs `body` with the calling thread inside the namespace behind `netns`, and goes back. Sockets
// and files of /proc/sys/net opened there belong to that namespace for good. Other threads are not
// affected. `netns` < 0: runs it where the thread is. Errors: those of setns(2), as PosixStatus
// (EPERM without CAP_SYS_ADMIN), and of `body`.
absl::Status RunInNetworkNamespace(int netns, absl::FunctionRef<absl::Status()> body);

}  // namespace tiny::net

#endif  // TINY_NET_NETWORK_NAMESPACE_H_
