#include "net/link.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "net/query_list.h"

namespace tiny::net {
namespace {

constexpr uint16_t kCreate = NLM_F_CREATE | NLM_F_EXCL;

std::string Describe(const LinkRef& link) {
  return link.name.empty() ? absl::StrCat("interface ", link.index) : link.name;
}

ifinfomsg Header(int index, std::optional<bool> up) {
  ifinfomsg header = {};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = index;
  if (up) {
    header.ifi_change = IFF_UP;
    header.ifi_flags = *up ? IFF_UP : 0;
  }
  return header;
}

// The kernel refuses a long name only in some places: an over-long one never leaves.
void PutName(MessageBuilder& batch, absl::string_view name) {
  // A string with a NUL inside puts the batch in its error state.
  constexpr absl::string_view kRefused("\0", 1);
  batch.PutString(IFLA_IFNAME, name.empty() || name.size() >= IFNAMSIZ ? kRefused : name);
}

void PutCommon(MessageBuilder& batch, int mtu, const std::optional<MacAddress>& mac) {
  if (mtu > 0) batch.PutValue(IFLA_MTU, static_cast<uint32_t>(mtu));
  if (mac) batch.PutValue(IFLA_ADDRESS, *mac);
}

// A veth has as many queues as the machine has processors and uses one of them. Asked for one, the
// kernel has no rest to take away again, for which it waits until all processors have seen it.
void PutOneQueue(MessageBuilder& batch) {
  batch.PutValue(IFLA_NUM_TX_QUEUES, uint32_t{1});
  batch.PutValue(IFLA_NUM_RX_QUEUES, uint32_t{1});
}

void PutReference(MessageBuilder& batch, const LinkRef& link) {
  if (!link.name.empty() || link.index == 0) PutName(batch, link.name);
}

// They are most of an answer, and summed up over all processors.
void PutNoStatistics(MessageBuilder& batch) {
  batch.PutValue(IFLA_EXT_MASK, static_cast<uint32_t>(RTEXT_FILTER_SKIP_STATS));
}

}  // namespace

void AddBridge(MessageBuilder& batch, const BridgeSpec& spec) {
  batch.Begin(RTM_NEWLINK, kCreate, absl::StrCat("create bridge ", spec.name));
  batch.PutHeader(Header(0, spec.up));
  PutName(batch, spec.name);
  PutCommon(batch, spec.mtu, spec.mac);
  const auto info = batch.Nest(IFLA_LINKINFO);
  batch.PutString(IFLA_INFO_KIND, "bridge");
  const auto data = batch.Nest(IFLA_INFO_DATA);
  const br_boolopt_multi options = {
      .optval = spec.learn_link_local ? 0U : 1U << BR_BOOLOPT_NO_LL_LEARN,
      .optmask = 1U << BR_BOOLOPT_NO_LL_LEARN};
  batch.PutValue(IFLA_BR_MULTI_BOOLOPT, options);
}

void AddVeth(MessageBuilder& batch, const VethSpec& spec) {
  batch.Begin(RTM_NEWLINK, kCreate, absl::StrCat("create veth ", spec.name));
  batch.PutHeader(Header(0, spec.up));
  PutName(batch, spec.name);
  if (spec.master != 0) batch.PutValue(IFLA_MASTER, static_cast<uint32_t>(spec.master));
  PutCommon(batch, spec.mtu, std::nullopt);
  PutOneQueue(batch);
  const auto info = batch.Nest(IFLA_LINKINFO);
  batch.PutString(IFLA_INFO_KIND, "veth");
  const auto data = batch.Nest(IFLA_INFO_DATA);
  const auto peer = batch.Nest(VETH_INFO_PEER);
  batch.PutHeader(Header(0, std::nullopt));
  PutName(batch, spec.peer_name);
  PutCommon(batch, spec.mtu, spec.peer_mac);
  PutOneQueue(batch);
  if (spec.peer_netns >= 0) batch.PutValue(IFLA_NET_NS_FD, spec.peer_netns);
}

void AddMacvlan(MessageBuilder& batch, const MacvlanSpec& spec) {
  batch.Begin(RTM_NEWLINK, kCreate, absl::StrCat("create macvlan ", spec.name));
  batch.PutHeader(Header(0, std::nullopt));
  PutName(batch, spec.name);
  batch.PutValue(IFLA_LINK, static_cast<uint32_t>(spec.parent));
  PutCommon(batch, spec.mtu, spec.mac);
  if (spec.netns >= 0) batch.PutValue(IFLA_NET_NS_FD, spec.netns);
  const auto info = batch.Nest(IFLA_LINKINFO);
  batch.PutString(IFLA_INFO_KIND, "macvlan");
  const auto data = batch.Nest(IFLA_INFO_DATA);
  batch.PutValue(IFLA_MACVLAN_MODE, static_cast<uint32_t>(MACVLAN_MODE_BRIDGE));
}

void ChangeLink(MessageBuilder& batch, const LinkRef& link, const LinkChange& change) {
  batch.Begin(RTM_NEWLINK, 0, absl::StrCat("change ", Describe(link)));
  batch.PutHeader(Header(link.index, change.up));
  if (change.name) {
    // IFLA_IFNAME is both the reference and the new name: a rename goes by index.
    PutName(batch, link.index != 0 ? *change.name : std::string());
  } else {
    PutReference(batch, link);
  }
  PutCommon(batch, change.mtu.value_or(0), change.mac);
  if (change.master) batch.PutValue(IFLA_MASTER, static_cast<uint32_t>(*change.master));
  if (change.alias) batch.PutString(IFLA_IFALIAS, *change.alias);
  if (change.netns) batch.PutValue(IFLA_NET_NS_FD, *change.netns);
  if (!change.hairpin && !change.isolated) return;
  const auto info = batch.Nest(IFLA_LINKINFO);
  batch.PutString(IFLA_INFO_SLAVE_KIND, "bridge");
  const auto port = batch.Nest(IFLA_INFO_SLAVE_DATA);
  if (change.hairpin) batch.PutValue(IFLA_BRPORT_MODE, static_cast<uint8_t>(*change.hairpin));
  if (change.isolated) {
    batch.PutValue(IFLA_BRPORT_ISOLATED, static_cast<uint8_t>(*change.isolated));
  }
}

void StopIpv6AddressGeneration(MessageBuilder& batch, const LinkRef& link) {
  batch.Begin(RTM_NEWLINK, 0, absl::StrCat("stop IPv6 address generation on ", Describe(link)),
              EAFNOSUPPORT);
  batch.PutHeader(Header(link.index, std::nullopt));
  PutReference(batch, link);
  const auto families = batch.Nest(IFLA_AF_SPEC);
  const auto inet6 = batch.Nest(AF_INET6);
  batch.PutValue(IFLA_INET6_ADDR_GEN_MODE, static_cast<uint8_t>(IN6_ADDR_GEN_MODE_NONE));
}

void DeleteLink(MessageBuilder& batch, const LinkRef& link) {
  batch.Begin(RTM_DELLINK, 0, absl::StrCat("delete ", Describe(link)));
  batch.PutHeader(Header(link.index, std::nullopt));
  PutReference(batch, link);
}

void RequestLink(MessageBuilder& batch, const LinkRef& link) {
  batch.Begin(RTM_GETLINK, 0, absl::StrCat("look up ", Describe(link)));
  batch.PutHeader(Header(link.index, std::nullopt));
  PutReference(batch, link);
  PutNoStatistics(batch);
}

bool LinkInfo::up() const { return (flags & IFF_UP) != 0; }

std::optional<LinkInfo> ParseLink(const MessageView& message) {
  const auto header = message.Header<ifinfomsg>();
  if (message.header.nlmsg_type != RTM_NEWLINK || !header) return std::nullopt;
  LinkInfo link;
  link.index = header->ifi_index;
  link.flags = header->ifi_flags;
  AttributeReader reader(message.AttributesAfter<ifinfomsg>());
  while (const auto attribute = reader.Next()) {
    switch (attribute->type) {
      case IFLA_IFNAME:
        link.name = std::string(attribute->String());
        break;
      case IFLA_IFALIAS:
        link.alias = std::string(attribute->String());
        break;
      case IFLA_MTU:
        link.mtu = static_cast<int>(attribute->U32());
        break;
      case IFLA_MASTER:
        link.master = static_cast<int>(attribute->U32());
        break;
      case IFLA_LINK:
        link.peer = static_cast<int>(attribute->U32());
        break;
      case IFLA_ADDRESS:
        if (attribute->payload.size() == 6) link.mac = attribute->As<MacAddress>();
        break;
      case IFLA_LINKINFO:
        if (const auto kind = FindAttribute(attribute->payload, IFLA_INFO_KIND)) {
          link.kind = std::string(kind->String());
        }
        break;
      default:
        break;
    }
  }
  if (reader.malformed() || link.name.empty()) return std::nullopt;
  return link;
}

absl::StatusOr<LinkInfo> GetLink(NetlinkSocket& socket, const LinkRef& link) {
  MessageBuilder batch;
  RequestLink(batch, link);
  std::optional<LinkInfo> found;
  RETURN_IF_ERROR(socket.Query(
      batch, [&] { found.reset(); },
      [&](size_t, const MessageView& message) {
        found = ParseLink(message);
        return absl::OkStatus();
      }));
  if (!found) return absl::DataLossError(absl::StrCat("look up ", Describe(link), ": no answer"));
  return *std::move(found);
}

absl::StatusOr<std::vector<LinkInfo>> ListLinks(NetlinkSocket& socket) {
  MessageBuilder batch;
  batch.Begin(RTM_GETLINK, NLM_F_DUMP, "list interfaces");
  batch.PutHeader(Header(0, std::nullopt));
  PutNoStatistics(batch);
  return QueryList(socket, batch, &ParseLink);
}

}  // namespace tiny::net
