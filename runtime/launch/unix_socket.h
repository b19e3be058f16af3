// Unix sockets by paths of any length.
#ifndef TINY_RUNTIME_LAUNCH_UNIX_SOCKET_H_
#define TINY_RUNTIME_LAUNCH_UNIX_SOCKET_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::runtime {

// A listening SOCK_SEQPACKET socket at `path`, which only its owner may connect to. What was there
// is replaced. unix(7) limits an address to 107 bytes: longer ones go through /proc/self/fd.
absl::StatusOr<UniqueFd> ListenUnixSocket(absl::string_view path);
absl::StatusOr<UniqueFd> ConnectUnixSocket(absl::string_view path);

// Hands a seccomp listener to the agent at `path` (SOCK_STREAM), with the container's process
// state: runtime-spec, config-linux.md, "Seccomp", listenerPath.
absl::Status SendListener(const std::string& path, const std::string& state, int listener);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_UNIX_SOCKET_H_
