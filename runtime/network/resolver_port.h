// Makes the resolver's sockets answer at port 53 without holding it: the container's own DNS server
// may have it, on all addresses, as bind(2) takes no second socket there.
//
// The sockets have any port; rules in the container's namespace exchange it and 53 in what goes to
// and from the resolver's address, packet by packet. So nothing is tracked there, as it would be
// with NAT. Errors: those of net::NftBatch. Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_RESOLVER_PORT_H_
#define TINY_RUNTIME_NETWORK_RESOLVER_PORT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "net/ip_address.h"

namespace tiny::runtime {

// Table `ip tiny_resolver` of the namespace `netns`, made anew. `address` is an IPv4 one.
absl::Status ServePort53(int netns, const net::IpAddress& address, uint16_t udp_port,
                         uint16_t tcp_port);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_RESOLVER_PORT_H_
