// Unix sockets by paths of any length, and the descriptors that go through them: unix(7). Functions
// are thread-safe; errors are PosixStatus.
#ifndef TINY_BASE_UNIX_SOCKET_H_
#define TINY_BASE_UNIX_SOCKET_H_

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny {

// A listening SOCK_SEQPACKET socket at `path`, which only its owner may connect to. What was there
// is replaced. unix(7) limits an address to 107 bytes: longer ones go through /proc/self/fd.
absl::StatusOr<UniqueFd> ListenUnixSocket(absl::string_view path);
// A SOCK_DGRAM socket at `path`, with that mode whatever the umask is, which is changed for that
// moment: not thread-safe. What was there is replaced.
absl::StatusOr<UniqueFd> BindDatagramSocket(absl::string_view path, mode_t mode);
// `type`: SOCK_SEQPACKET, SOCK_STREAM or SOCK_DGRAM.
absl::StatusOr<UniqueFd> ConnectUnixSocket(absl::string_view path, int type);

// recvmsg(2) of one message of a SOCK_SEQPACKET socket, with the descriptor that it may carry; 0 at
// its end. `flags`: MSG_DONTWAIT.
absl::StatusOr<size_t> ReceiveWithDescriptor(int socket, void* buffer, size_t size,
                                             UniqueFd* descriptor, int flags = 0);

// sendmsg(2) of `data` with a descriptor: how many of the bytes went.
absl::StatusOr<size_t> SendWithDescriptor(int socket, absl::string_view data, int descriptor,
                                          int flags = 0);

}  // namespace tiny

#endif  // TINY_BASE_UNIX_SOCKET_H_
