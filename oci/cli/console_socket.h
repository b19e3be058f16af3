// Hands descriptors to engines: the master of a container's terminal to the one that listens on
// --console-socket, a pidfd to the one on --pidfd-socket.
//
// The protocol is runc's: one message with the descriptor as SCM_RIGHTS and its name as the data.
#ifndef TINY_OCI_CLI_CONSOLE_SOCKET_H_
#define TINY_OCI_CLI_CONSOLE_SOCKET_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::oci {

// Connects first, so that an engine that does not listen is an error before there is a container.
absl::StatusOr<UniqueFd> ConnectEngineSocket(absl::string_view path);

absl::Status SendConsole(int socket, int console);
absl::Status SendPidfd(int socket, int pidfd);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_CONSOLE_SOCKET_H_
