// Which sockets hold a port, over NETLINK_SOCK_DIAG. Source: sock_diag(7).
#ifndef TINY_NET_SOCK_DIAG_H_
#define TINY_NET_SOCK_DIAG_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "net/ip_address.h"
#include "net/netlink_socket.h"

namespace tiny::net {

struct SocketInfo {
  IpAddress local;
  uint16_t local_port = 0;
  uint32_t inode = 0;  // as in /proc/PID/fd: "socket:[inode]"
  uint32_t uid = 0;
};

// Nothing if it is not a well-formed answer.
std::optional<SocketInfo> ParseSocket(const MessageView& message);

// The listening sockets (TCP) or the bound ones (UDP) of the socket's network namespace, v4 and v6,
// with that local port. `protocol`: IPPROTO_TCP or IPPROTO_UDP. Thread-compatible.
absl::StatusOr<std::vector<SocketInfo>> ListPortSockets(NetlinkSocket& socket, int protocol,
                                                        uint16_t port);

}  // namespace tiny::net

#endif  // TINY_NET_SOCK_DIAG_H_
