#include "runtime/network/socket_address.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <utility>

namespace tiny::runtime {

SocketAddress MakeSocketAddress(const net::IpAddress& address, uint16_t port) {
  SocketAddress result;
  if (address.is_v6()) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, address.bytes.data(), sizeof(v6->sin6_addr));
    result.length = sizeof(*v6);
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    memcpy(&v4->sin_addr, address.bytes.data(), sizeof(v4->sin_addr));
    result.length = sizeof(*v4);
  }
  return result;
}

UniqueFd StartConnection(int type, const net::IpAddress& address, uint16_t port) {
  UniqueFd fd(socket(address.family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SocketAddress peer = MakeSocketAddress(address, port);
  const bool begun = connect(fd.get(), peer.get(), peer.length) == 0 || errno == EINPROGRESS;
  return begun ? std::move(fd) : UniqueFd();
}

}  // namespace tiny::runtime
