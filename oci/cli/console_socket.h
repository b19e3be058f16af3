// Hands descriptors to engines: the master of a container's terminal to the one that listens on
// --console-socket, a pidfd to the one on --pidfd-socket.
//
// The protocol is runc's: one message with the descriptor as SCM_RIGHTS and its name as the data.
#ifndef TINY_OCI_CLI_CONSOLE_SOCKET_H_
#define TINY_OCI_CLI_CONSOLE_SOCKET_H_

#include "absl/status/status.h"

namespace tiny::oci {

absl::Status SendConsole(int socket, int console);
absl::Status SendPidfd(int socket, int pidfd);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_CONSOLE_SOCKET_H_
