#include "oci/cli/console_socket.h"

#include "base/posix_status.h"
#include "base/unix_socket.h"

namespace tiny::oci {

absl::Status SendConsole(int socket, int console) {
  return Annotate(SendWithDescriptor(socket, "/dev/ptmx", console).status(), "--console-socket");
}

absl::Status SendPidfd(int socket, int pidfd) {
  return Annotate(SendWithDescriptor(socket, "pidfd", pidfd).status(), "--pidfd-socket");
}

}  // namespace tiny::oci
