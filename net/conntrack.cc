#include "net/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::net {
namespace {

constexpr uint16_t kSubsystem = NFNL_SUBSYS_CTNETLINK << 8;
// Of CTA_FILTER_ORIG_FLAGS (include/net/netfilter/nf_internals.h): compare the protocol only.
constexpr uint32_t kFilterProtocol = 1U << 3;

void Begin(MessageBuilder& batch, uint16_t type, uint16_t flags, int family, absl::string_view what,
           int tolerated_errno = 0) {
  batch.Begin(kSubsystem | type, flags, what, tolerated_errno);
  nfgenmsg header = {};
  header.nfgen_family = static_cast<uint8_t>(family);
  header.version = NFNETLINK_V0;
  batch.PutHeader(header);
}

// The kernel leaves out other protocols' connections from Linux 5.8 on.
void RequestConnections(MessageBuilder& batch, int family, uint8_t protocol) {
  Begin(batch, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family, "list tracked connections");
  {
    const auto tuple = batch.Nest(CTA_TUPLE_ORIG);
    const auto layer4 = batch.Nest(CTA_TUPLE_PROTO);
    batch.PutValue(CTA_PROTO_NUM, protocol);
  }
  const auto filter = batch.Nest(CTA_FILTER);
  batch.PutValue(CTA_FILTER_ORIG_FLAGS, kFilterProtocol);
  batch.PutValue(CTA_FILTER_REPLY_FLAGS, uint32_t{0});
}

bool IsTo(const ConnectionInfo& connection, const ConnectionTarget& target) {
  return connection.protocol == target.protocol && connection.port == target.port &&
         (!target.address || connection.destination == target.address);
}

absl::Status ForgetOf(NetlinkSocket& socket, int family, uint8_t protocol,
                      absl::Span<const ConnectionTarget> targets) {
  MessageBuilder list;
  RequestConnections(list, family, protocol);
  std::vector<ConnectionInfo> found;
  RETURN_IF_ERROR(socket.Query(
      list, [&] { found.clear(); },
      [&](size_t, const MessageView& message) {
        auto connection = ParseConnection(message);
        if (connection && std::any_of(targets.begin(), targets.end(), [&](const auto& target) {
              return IsTo(*connection, target);
            })) {
          found.push_back(*std::move(connection));
        }
        return absl::OkStatus();
      }));
  MessageBuilder batch;
  for (const ConnectionInfo& connection : found) {
    Begin(batch, IPCTNL_MSG_CT_DELETE, 0, family, "forget a tracked connection", ENOENT);
    {
      const auto tuple = batch.Nest(CTA_TUPLE_ORIG);
      batch.PutBytes(connection.original);
    }
    if (!connection.zone.empty()) batch.Put(CTA_ZONE, connection.zone);
  }
  return socket.Execute(batch);
}

}  // namespace

std::optional<ConnectionInfo> ParseConnection(const MessageView& message) {
  const auto header = message.Header<nfgenmsg>();
  if (message.header.nlmsg_type != (kSubsystem | IPCTNL_MSG_CT_NEW) || !header) {
    return std::nullopt;
  }
  const absl::string_view attributes = message.AttributesAfter<nfgenmsg>();
  const auto tuple = FindAttribute(attributes, CTA_TUPLE_ORIG);
  if (!tuple) return std::nullopt;
  const auto addresses = FindAttribute(tuple->payload, CTA_TUPLE_IP);
  const auto layer4 = FindAttribute(tuple->payload, CTA_TUPLE_PROTO);
  if (!addresses || !layer4) return std::nullopt;
  const bool v4 = header->nfgen_family == AF_INET;
  const auto destination =
      FindAttribute(addresses->payload, v4 ? uint16_t{CTA_IP_V4_DST} : uint16_t{CTA_IP_V6_DST});
  const auto protocol = FindAttribute(layer4->payload, CTA_PROTO_NUM);
  const auto port = FindAttribute(layer4->payload, CTA_PROTO_DST_PORT);
  if (!destination || destination->payload.size() != (v4 ? 4 : 16) || !protocol || !port) {
    return std::nullopt;
  }
  ConnectionInfo connection;
  connection.protocol = protocol->As<uint8_t>().value_or(0);
  connection.destination = IpAddress::FromBytes(header->nfgen_family, destination->payload.data());
  connection.port = ntohs(port->As<uint16_t>().value_or(0));
  connection.original = std::string(tuple->payload);
  if (const auto zone = FindAttribute(attributes, CTA_ZONE)) {
    connection.zone = std::string(zone->payload);
  }
  return connection;
}

absl::Status ForgetConnections(NetlinkSocket& socket, absl::Span<const ConnectionTarget> targets) {
  std::set<uint8_t> protocols;
  for (const ConnectionTarget& target : targets) protocols.insert(target.protocol);
  for (const uint8_t protocol : protocols) {
    for (const int family : {AF_INET, AF_INET6}) {
      absl::Status status = ForgetOf(socket, family, protocol, targets);
      // nfnetlink knows no such subsystem.
      if (GetErrno(status) == EINVAL) return absl::OkStatus();
      RETURN_IF_ERROR(status);
    }
  }
  return absl::OkStatus();
}

}  // namespace tiny::net
