// The host's side of a bridge network: the bridge, its addresses and sysctls. Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_HOST_BRIDGE_H_
#define TINY_RUNTIME_NETWORK_HOST_BRIDGE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "net/netlink_message.h"
#include "net/netlink_socket.h"
#include "runtime/network/network.h"
#include "runtime/network/network_store.h"

namespace tiny::runtime {

struct HostBridge {
  int index = 0;
  int mtu = 0;
  bool created = false;  // by this call
};

// Finds the bridge, or makes it with its sysctls. Its addresses, and its being up, are requests
// appended to `batch`, which goes out with the first container's (or by itself). One round trip if
// the bridge is there. kAlreadyExists where the name is another interface's.
absl::StatusOr<HostBridge> EnsureBridge(net::NetlinkSocket& socket, const Network& network,
                                        net::MessageBuilder& batch);

// The sysctls of a bridge, and forwarding. Written only where they differ.
absl::Status EnsureSysctls(const Network& network);
absl::Status EnsureForwarding(bool ipv6);

// "td" and 12 digits of the id: the bridge of a network whose maker has chosen no name for it.
std::string GeneratedBridgeName(const Network& network);

// A bridge whose name was chosen bears a mark of its network (its alias) and goes only with that:
// it could be another's.
absl::Status DeleteBridge(net::NetlinkSocket& socket, const Network& network);

// The MTU of the interface that the default route uses; 1500 without one.
absl::StatusOr<int> EgressMtu(net::NetlinkSocket& socket);

// What the host's routes cover but the default route and those of `except_interface`.
absl::StatusOr<std::vector<TakenPrefix>> RoutedPrefixes(net::NetlinkSocket& socket,
                                                        absl::string_view except_interface);

// 02:42 and the bytes of an IPv4 address: the same address has the same MAC address again, so that
// no neighbour's cache is ever wrong.
net::MacAddress MacOf(const net::IpAddress& address);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_HOST_BRIDGE_H_
