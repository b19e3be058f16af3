// Unix sockets by paths of any length.
#ifndef TINY_RUNTIME_LAUNCH_UNIX_SOCKET_H_
#define TINY_RUNTIME_LAUNCH_UNIX_SOCKET_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "runtime/launch/launch.h"

namespace tiny::runtime {

// A listening SOCK_SEQPACKET socket at `path`, which only its owner may connect to. What was there
// is replaced. unix(7) limits an address to 107 bytes: longer ones go through /proc/self/fd.
absl::StatusOr<UniqueFd> ListenUnixSocket(absl::string_view path);
absl::StatusOr<UniqueFd> ConnectUnixSocket(absl::string_view path);

// recvmsg(2) of one message of a SOCK_SEQPACKET socket, with the descriptor that it may carry; 0 at
// its end.
absl::StatusOr<size_t> ReceiveWithDescriptor(int socket, void* buffer, size_t size,
                                             UniqueFd* descriptor);

// Hands the seccomp listener of the process `pid` to the agent (SOCK_STREAM), with the container's
// process state: runtime-spec, config-linux.md, "Seccomp", listenerPath.
absl::Status SendListener(const SeccompAgent& agent, pid_t pid, int listener);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_UNIX_SOCKET_H_
