#include "net/route.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "net/query_list.h"

namespace tiny::net {
namespace {

std::optional<IpAddress> AddressOf(const AttributeView& attribute, int family) {
  const size_t size = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
  if (size == 0 || attribute.payload.size() < size) return std::nullopt;
  return IpAddress::FromBytes(family, attribute.payload.data());
}

// The address of a family with all bits zero.
IpAddress Any(int family) {
  const uint8_t zero[16] = {};
  return IpAddress::FromBytes(family == AF_INET6 ? AF_INET6 : AF_INET, zero);
}

void PutAddressRequest(MessageBuilder& batch, int link, const IpPrefix& prefix) {
  ifaddrmsg header = {};
  header.ifa_family = prefix.address.family;
  header.ifa_prefixlen = static_cast<uint8_t>(prefix.length);
  header.ifa_index = static_cast<uint32_t>(link);
  header.ifa_flags = prefix.address.is_v6() ? IFA_F_NODAD : 0;
  batch.PutHeader(header);
  batch.Put(IFA_LOCAL, prefix.address.View());
  batch.Put(IFA_ADDRESS, prefix.address.View());
}

std::string Describe(const RouteSpec& route) {
  std::string text = route.destination ? route.destination->ToString() : "default";
  if (route.gateway) absl::StrAppend(&text, " via ", route.gateway.ToString());
  return text;
}

void PutRouteRequest(MessageBuilder& batch, const RouteSpec& route) {
  rtmsg header = {};
  header.rtm_family = route.destination ? route.destination->address.family : route.gateway.family;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_BOOT;
  header.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  header.rtm_type = RTN_UNICAST;
  if (route.destination) header.rtm_dst_len = static_cast<uint8_t>(route.destination->length);
  batch.PutHeader(header);
  if (route.destination && route.destination->length > 0) {
    batch.Put(RTA_DST, route.destination->First().View());
  }
  if (route.gateway) batch.Put(RTA_GATEWAY, route.gateway.View());
  if (route.link != 0) batch.PutValue(RTA_OIF, static_cast<uint32_t>(route.link));
  if (route.metric != 0) batch.PutValue(RTA_PRIORITY, route.metric);
}

}  // namespace

void AddAddress(MessageBuilder& batch, int link, const IpPrefix& prefix) {
  batch.Begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
              absl::StrCat("add address ", prefix.ToString()), EEXIST);
  PutAddressRequest(batch, link, prefix);
}

void DeleteAddress(MessageBuilder& batch, int link, const IpPrefix& prefix) {
  batch.Begin(RTM_DELADDR, 0, absl::StrCat("delete address ", prefix.ToString()));
  PutAddressRequest(batch, link, prefix);
}

std::optional<AddressInfo> ParseAddress(const MessageView& message) {
  const auto header = message.Header<ifaddrmsg>();
  if (message.header.nlmsg_type != RTM_NEWADDR || !header) return std::nullopt;
  AddressInfo info;
  info.link = static_cast<int>(header->ifa_index);
  info.flags = header->ifa_flags;
  info.scope = header->ifa_scope;
  info.prefix.length = header->ifa_prefixlen;
  IpAddress local;
  IpAddress address;
  AttributeReader reader(message.AttributesAfter<ifaddrmsg>());
  while (const auto attribute = reader.Next()) {
    if (attribute->type == IFA_FLAGS) info.flags = attribute->U32();
    if (attribute->type != IFA_LOCAL && attribute->type != IFA_ADDRESS) continue;
    const auto value = AddressOf(*attribute, header->ifa_family);
    if (!value) return std::nullopt;
    (attribute->type == IFA_LOCAL ? local : address) = *value;
  }
  // On a point-to-point link IFA_ADDRESS is the other side's.
  info.prefix.address = local ? local : address;
  if (reader.malformed() || !info.prefix.address ||
      info.prefix.length > info.prefix.address.bits()) {
    return std::nullopt;
  }
  return info;
}

absl::StatusOr<std::vector<AddressInfo>> ListAddresses(NetlinkSocket& socket, int link,
                                                       int family) {
  MessageBuilder batch;
  batch.Begin(RTM_GETADDR, NLM_F_DUMP, "list addresses");
  ifaddrmsg header = {};
  header.ifa_family = static_cast<uint8_t>(family);
  header.ifa_index = static_cast<uint32_t>(link);
  batch.PutHeader(header);
  return QueryList(socket, batch, &ParseAddress);
}

void AddRoute(MessageBuilder& batch, const RouteSpec& route) {
  batch.Begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, absl::StrCat("add route ", Describe(route)),
              EEXIST);
  PutRouteRequest(batch, route);
}

void DeleteRoute(MessageBuilder& batch, const RouteSpec& route) {
  batch.Begin(RTM_DELROUTE, 0, absl::StrCat("delete route ", Describe(route)));
  PutRouteRequest(batch, route);
}

std::optional<RouteInfo> ParseRoute(const MessageView& message) {
  const auto header = message.Header<rtmsg>();
  if (message.header.nlmsg_type != RTM_NEWROUTE || !header) return std::nullopt;
  if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) return std::nullopt;
  RouteInfo info;
  info.destination = {Any(header->rtm_family), header->rtm_dst_len};
  if (info.destination.length > info.destination.address.bits()) return std::nullopt;
  info.table = header->rtm_table;
  info.type = header->rtm_type;
  info.protocol = header->rtm_protocol;
  AttributeReader reader(message.AttributesAfter<rtmsg>());
  while (const auto attribute = reader.Next()) {
    switch (attribute->type) {
      case RTA_DST:
      case RTA_GATEWAY:
      case RTA_PREFSRC: {
        const auto value = AddressOf(*attribute, header->rtm_family);
        if (!value) return std::nullopt;
        if (attribute->type == RTA_DST) info.destination.address = *value;
        if (attribute->type == RTA_GATEWAY) info.gateway = *value;
        if (attribute->type == RTA_PREFSRC) info.source = *value;
        break;
      }
      case RTA_OIF:
        info.link = static_cast<int>(attribute->U32());
        break;
      case RTA_PRIORITY:
        info.metric = attribute->U32();
        break;
      case RTA_TABLE:
        info.table = attribute->U32();
        break;
      case RTA_METRICS:
        if (const auto mtu = FindAttribute(attribute->payload, RTAX_MTU)) {
          info.mtu = static_cast<int>(mtu->U32());
        }
        break;
      default:
        break;
    }
  }
  if (reader.malformed()) return std::nullopt;
  return info;
}

absl::StatusOr<std::vector<RouteInfo>> ListRoutes(NetlinkSocket& socket, int family) {
  MessageBuilder batch;
  batch.Begin(RTM_GETROUTE, NLM_F_DUMP, "list routes");
  rtmsg header = {};
  header.rtm_family = static_cast<uint8_t>(family);
  // Strict checking makes the kernel send this table only; without it, the loop below does.
  header.rtm_table = RT_TABLE_MAIN;
  batch.PutHeader(header);
  auto routes = QueryList(socket, batch, &ParseRoute);
  if (routes.ok()) {
    std::erase_if(*routes, [](const RouteInfo& route) { return route.table != RT_TABLE_MAIN; });
  } else if (routes.status().code() == absl::StatusCode::kNotFound) {
    return std::vector<RouteInfo>();  // ENOENT: a family's main table that has never had a route
  }
  return routes;
}

absl::StatusOr<RouteInfo> LookUpRoute(NetlinkSocket& socket, const IpAddress& destination) {
  MessageBuilder batch;
  batch.Begin(RTM_GETROUTE, 0, absl::StrCat("find a route to ", destination.ToString()));
  rtmsg header = {};
  header.rtm_family = destination.family;
  header.rtm_dst_len = static_cast<uint8_t>(destination.bits());
  batch.PutHeader(header);
  batch.Put(RTA_DST, destination.View());
  ASSIGN_OR_RETURN(const std::vector<RouteInfo> routes, QueryList(socket, batch, &ParseRoute));
  if (routes.empty()) {
    return absl::DataLossError(
        absl::StrCat("find a route to ", destination.ToString(), ": no answer"));
  }
  return routes.front();
}

void AddNeighbour(MessageBuilder& batch, int link, const IpAddress& address,
                  const MacAddress& mac) {
  batch.Begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
              absl::StrCat("add neighbour ", address.ToString()));
  ndmsg header = {};
  header.ndm_family = address.family;
  header.ndm_ifindex = link;
  header.ndm_state = NUD_PERMANENT;
  batch.PutHeader(header);
  batch.Put(NDA_DST, address.View());
  batch.PutValue(NDA_LLADDR, mac);
}

std::optional<NeighbourInfo> ParseNeighbour(const MessageView& message) {
  const auto header = message.Header<ndmsg>();
  if (message.header.nlmsg_type != RTM_NEWNEIGH || !header) return std::nullopt;
  NeighbourInfo info;
  info.link = header->ndm_ifindex;
  info.state = header->ndm_state;
  AttributeReader reader(message.AttributesAfter<ndmsg>());
  while (const auto attribute = reader.Next()) {
    if (attribute->type == NDA_LLADDR && attribute->payload.size() == 6) {
      info.mac = attribute->As<MacAddress>();
    }
    if (attribute->type == NDA_DST) {
      const auto value = AddressOf(*attribute, header->ndm_family);
      if (!value) return std::nullopt;
      info.address = *value;
    }
  }
  if (reader.malformed() || !info.address) return std::nullopt;
  return info;
}

absl::StatusOr<std::vector<NeighbourInfo>> ListNeighbours(NetlinkSocket& socket, int family) {
  MessageBuilder batch;
  batch.Begin(RTM_GETNEIGH, NLM_F_DUMP, "list neighbours");
  ndmsg header = {};
  header.ndm_family = static_cast<uint8_t>(family);
  batch.PutHeader(header);
  return QueryList(socket, batch, &ParseNeighbour);
}

}  // namespace tiny::net
