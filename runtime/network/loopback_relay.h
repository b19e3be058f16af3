// Serves published ports at ::1, inside the supervisor's event loop.
//
// No NAT rule can: the kernel drops an answer to ::1 that does not come by the loopback interface
// (net/ipv6/ip6_input.c), and IPv6 has no route_localnet. So connections to [::1] alone are
// accepted here and relayed to the container's address, IPv4 first; it sees the bridge's address
// as the peer, as with 127.0.0.1. TCP, and UDP by a DatagramRelay. While no supervisor lives, ::1
// is not served.
//
//   auto relay = LoopbackRelay::Open(attachment.port_holders, state.ports, state.endpoints);
//   if (relay != nullptr) epoll_add(relay->fd());
//   ... when it is readable:  relay->OnReadable();
//
// Bounded: kMaxConnections of TCP at a time, the next ones wait in the kernel's queue; a slow
// reader holds back its writer. Never blocks. Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_LOOPBACK_RELAY_H_
#define TINY_RUNTIME_NETWORK_LOOPBACK_RELAY_H_

#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "state/container_state.h"

namespace tiny::runtime {

class LoopbackRelay {
 public:
  static constexpr size_t kMaxConnections = 256;

  // Serves those of `holders` that are bound to [::1]; they must outlive the relay. Null if there
  // are none, or nowhere to relay to.
  static std::unique_ptr<LoopbackRelay> Open(const std::vector<UniqueFd>& holders,
                                             const std::vector<state::PortMapping>& ports,
                                             const std::vector<state::NetworkEndpoint>& endpoints);
  virtual ~LoopbackRelay() = default;

  // The descriptor to wait on for input: an epoll(7) one, which never changes.
  virtual int fd() const = 0;
  // Call when fd() is readable.
  virtual void OnReadable() = 0;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_LOOPBACK_RELAY_H_
