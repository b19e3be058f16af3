// One container's interfaces: made on the host's side, set up on the container's.
// Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_ENDPOINT_H_
#define TINY_RUNTIME_NETWORK_ENDPOINT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "net/link.h"
#include "net/netlink_socket.h"
#include "runtime/network/network.h"
#include "state/container_state.h"

namespace tiny::runtime {

// An interface to be, with its addresses leased already.
struct EndpointPlan {
  Network network;
  std::string interface_name;  // in the container: "eth0"
  std::string host_interface;  // "tv" and 12 digits of the id and the number of the interface
  net::IpPrefix address;
  net::IpPrefix address6;  // none: v6 is off on it
  net::MacAddress mac = {};
  bool default_route = false;
  std::vector<std::string> aliases;
  bool bridge_created = false;  // set by CreateOnHost
  int index = 0;                // of the interface in the container; set by CreateOnHost
};

// "tv0123456789ab0": of generated characters only, and never longer than 15.
std::string HostInterfaceName(absl::string_view container_id, int number);
// True for each name that one of the container's interfaces may have.
bool IsHostInterfaceOf(absl::string_view name, absl::string_view container_id);

// What a port of the network's bridge is to be: up, and for the rest what the network says.
net::LinkChange PortSettings(const Network& network);

// Makes the bridge where it is missing and the veth with its peer in `netns`, or the macvlan: two
// round trips.
absl::Status CreateOnHost(net::NetlinkSocket& host, int netns, EndpointPlan& plan);

// Brings loopback and the interfaces up, with addresses and routes: one round trip, two where an
// index is not known. IPv6 is turned off on interfaces without a v6 address, and router
// advertisements are ignored on the others.
absl::Status SetUpInside(int netns, const std::vector<EndpointPlan>& plans);

// The default routes by way of the network's gateways, where the container has none yet.
void AddDefaultRoutes(net::MessageBuilder& batch, const Network& network, bool has_v6, int index);

// Makes the kernel take note now that the interfaces are connected (net/core/link_watch.c): until
// it does, in its own time, the bridge drops what they send. One round trip; Linux 6.8 and later.
absl::Status SettleCarrier(net::NetlinkSocket& host, const std::vector<EndpointPlan>& plans);

state::NetworkEndpoint DescribeEndpoint(const EndpointPlan& plan);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_ENDPOINT_H_
