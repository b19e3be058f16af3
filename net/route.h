// Addresses, routes and neighbours over rtnetlink.
//
//   AddAddress(batch, index, *ParseIpPrefix("10.10.0.2/24"));
//   AddRoute(batch, {.gateway = *ParseIpAddress("10.10.0.1"), .link = index});  // default route
//   RETURN_IF_ERROR(socket.Execute(batch));
//
// Thread-compatible. Source: rtnetlink(7).
#ifndef TINY_NET_ROUTE_H_
#define TINY_NET_ROUTE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/ip_address.h"
#include "net/netlink_message.h"
#include "net/netlink_socket.h"

namespace tiny::net {

// An address of an interface. One that is there already is EEXIST, which counts as success.
// IPv6: without duplicate address detection, so that it can be used at once.
void AddAddress(MessageBuilder& batch, int link, const IpPrefix& prefix);
void DeleteAddress(MessageBuilder& batch, int link, const IpPrefix& prefix);

struct AddressInfo {
  int link = 0;
  IpPrefix prefix = {};
  uint32_t flags = 0;  // IFA_F_TENTATIVE, ...
  uint8_t scope = 0;   // RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, ...
};
std::optional<AddressInfo> ParseAddress(const MessageView& message);
// Of one interface, or of all with link 0; of one family, or of both with AF_UNSPEC.
absl::StatusOr<std::vector<AddressInfo>> ListAddresses(NetlinkSocket& socket, int link, int family);

struct RouteSpec {
  std::optional<IpPrefix> destination = {};  // absent: the default route of the gateway's family
  IpAddress gateway = {};                    // absent: directly on the link
  int link = 0;
  uint32_t metric = 0;
};
// Where the destination has a route already, that stays, which counts as success.
void AddRoute(MessageBuilder& batch, const RouteSpec& route);
void DeleteRoute(MessageBuilder& batch, const RouteSpec& route);

struct RouteInfo {
  IpPrefix destination = {};  // length 0: default
  IpAddress gateway = {};
  IpAddress source = {};  // preferred
  int link = 0;
  uint32_t metric = 0;
  uint32_t table = 0;
  uint8_t type = 0;      // RTN_UNICAST, RTN_BLACKHOLE, ...
  uint8_t protocol = 0;  // RTPROT_KERNEL, ...
  int mtu = 0;
};
std::optional<RouteInfo> ParseRoute(const MessageView& message);
// The main table's.
absl::StatusOr<std::vector<RouteInfo>> ListRoutes(NetlinkSocket& socket, int family);
// The route that a packet to `destination` would take: kUnavailable (ENETUNREACH) if there is none.
absl::StatusOr<RouteInfo> LookUpRoute(NetlinkSocket& socket, const IpAddress& destination);

struct NeighbourInfo {
  int link = 0;
  IpAddress address = {};
  std::optional<MacAddress> mac = {};
  uint16_t state = 0;  // NUD_REACHABLE, NUD_FAILED, ...
};
void AddNeighbour(MessageBuilder& batch, int link, const IpAddress& address, const MacAddress& mac);
std::optional<NeighbourInfo> ParseNeighbour(const MessageView& message);
absl::StatusOr<std::vector<NeighbourInfo>> ListNeighbours(NetlinkSocket& socket, int family);

}  // namespace tiny::net

#endif  // TINY_NET_ROUTE_H_
