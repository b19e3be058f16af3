// Addresses and ports as the system calls on sockets take them. Source: ip(7), ipv6(7).
// Thread-safe.
#ifndef TINY_RUNTIME_NETWORK_SOCKET_ADDRESS_H_
#define TINY_RUNTIME_NETWORK_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>

#include "base/unique_fd.h"
#include "net/ip_address.h"

namespace tiny::runtime {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};
// Of one of the two families; `port` in host order.
SocketAddress MakeSocketAddress(const net::IpAddress& address, uint16_t port);

// A socket of `type` (SOCK_STREAM, SOCK_DGRAM) that does not block, whose connection to that place
// has begun. An invalid descriptor, and errno, where it can't.
UniqueFd StartConnection(int type, const net::IpAddress& address, uint16_t port);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_SOCKET_ADDRESS_H_
