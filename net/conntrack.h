// Connections that the kernel tracks: forgetting some of them.
//
//   ASSIGN_OR_RETURN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_NETFILTER));
//   RETURN_IF_ERROR(ForgetConnections(socket, {{.protocol = IPPROTO_UDP, .port = 53}}));
//
// The NAT rules are asked for the first packet of a connection only, and a UDP flow is one
// connection as long as its packets follow each other: a client that goes on sending while the
// rules change stays with the old answer until the entry is deleted.
//
// Errors: those of NetlinkSocket::Query. A kernel without ctnetlink (CONFIG_NF_CT_NETLINK) has
// nothing to forget. Thread-compatible.
// Source: include/uapi/linux/netfilter/nfnetlink_conntrack.h.
#ifndef TINY_NET_CONNTRACK_H_
#define TINY_NET_CONNTRACK_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "net/ip_address.h"
#include "net/netlink_message.h"
#include "net/netlink_socket.h"

namespace tiny::net {

struct ConnectionInfo {
  uint8_t protocol = 0;   // IPPROTO_UDP, ...
  IpAddress destination;  // of its first packet, as sent
  uint16_t port = 0;
  std::string original;  // the attributes that name it: CTA_TUPLE_ORIG's payload
  std::string zone;      // CTA_ZONE's; empty: none
};
// Nothing if it is not a well-formed connection with ports.
std::optional<ConnectionInfo> ParseConnection(const MessageView& message);

// What the first packets of connections were sent to.
struct ConnectionTarget {
  uint8_t protocol = 0;
  IpAddress address;  // none: any
  uint16_t port = 0;
};
// Deletes the entries of all connections to one of the targets.
absl::Status ForgetConnections(NetlinkSocket& socket, absl::Span<const ConnectionTarget> targets);

}  // namespace tiny::net

#endif  // TINY_NET_CONNTRACK_H_
