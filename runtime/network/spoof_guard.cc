#include "runtime/network/spoof_guard.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace tiny::runtime {
namespace {

using net::BytesOf;
using net::NftBatch;
using net::NftElement;
using net::NftRuleBuilder;
using enum net::NftRegister;

constexpr uint32_t kInterfaceLength = 16;
constexpr uint32_t kMacLength = 6;
constexpr uint32_t kPaddedMacLength = 8;

// The keys begin in register 0: the interface's name, a MAC address, an IP address.
constexpr net::NftRegister kMac = kReg4;
constexpr net::NftRegister kAddress = kReg6;
constexpr net::NftRegister kScratch = kReg12;

constexpr uint32_t kEthernetSource = 6;
constexpr uint32_t kArpSenderMac = 8;
constexpr uint32_t kArpSenderIp = 14;
constexpr uint32_t kIpv4Source = 12;
constexpr uint32_t kIpv6Source = 8;
constexpr uint32_t kAdvertisedTarget = 8;  // in the ICMPv6 header

constexpr uint8_t kRouterAdvertisement = 134;
constexpr uint8_t kNeighbourAdvertisement = 136;
constexpr uint8_t kRedirect = 137;

// Frames of a container, with its interface and the frame's source in their registers.
NftRuleBuilder& FromContainer(NftRuleBuilder& rule) {
  return rule.Meta(NFT_META_IIFNAME, kReg0)
      .Lookup("ports", kReg0)
      .Payload(NFT_PAYLOAD_LL_HEADER, kEthernetSource, kMacLength, kMac);
}

NftRuleBuilder& OfProtocol(NftRuleBuilder& rule, uint16_t protocol) {
  return FromContainer(rule)
      .Meta(NFT_META_PROTOCOL, kScratch)
      .Compare(NFT_CMP_EQ, kScratch, BytesOf(htons(protocol)));
}

NftRuleBuilder& OfIcmp6Type(NftRuleBuilder& rule, uint8_t type) {
  return OfProtocol(rule, ETH_P_IPV6)
      .Meta(NFT_META_L4PROTO, kScratch)
      .CompareByte(NFT_CMP_EQ, kScratch, IPPROTO_ICMPV6)
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, kScratch)
      .CompareByte(NFT_CMP_EQ, kScratch, type);
}

// Goes on where the IPv6 address in kAddress is not link-local: fe80::/10.
NftRuleBuilder& UnlessLinkLocal(NftRuleBuilder& rule) {
  return rule.Bitwise(kAddress, kScratch, BytesOf(htonl(0xffc00000)), BytesOf(uint32_t{0}))
      .Compare(NFT_CMP_NEQ, kScratch, BytesOf(htonl(0xfe800000)));
}

void DropUnlessIn(NftRuleBuilder& rule, absl::string_view set) {
  rule.Lookup(set, kReg0, /*inverted=*/true).Counter().Verdict(NF_DROP);
}

constexpr absl::string_view kMacRule = "another's MAC address";
constexpr absl::string_view kArpMacRule = "another's MAC address in ARP";
constexpr absl::string_view kArpRule = "another's address in ARP";
constexpr absl::string_view kIpv4Rule = "another's IPv4 address";
constexpr absl::string_view kIpv6Rule = "another's IPv6 address";
constexpr absl::string_view kNeighbourRule = "neighbour advertisements of another's address";
constexpr absl::string_view kRouterRule = "router advertisements";
constexpr absl::string_view kRedirectRule = "redirects";

}  // namespace

std::optional<GuardedPort> GuardedPortOf(absl::string_view container_id,
                                         const state::NetworkEndpoint& endpoint) {
  auto ip = net::ParseIpAddress(endpoint.ip);
  auto mac = net::ParseMacAddress(endpoint.mac_address);
  if (endpoint.host_interface.empty() || !ip.ok() || !mac.ok()) return std::nullopt;
  return GuardedPort{endpoint.host_interface, *mac, *ip,
                     net::ParseIpAddress(endpoint.ip6).value_or(net::IpAddress()),
                     std::string(container_id)};
}

net::NftTable SpoofGuard::Table() { return {NFPROTO_BRIDGE, "tiny"}; }

std::vector<absl::string_view> SpoofGuard::RuleNames() {
  return {kMacRule,  kArpMacRule,    kArpRule,    kIpv4Rule,
          kIpv6Rule, kNeighbourRule, kRouterRule, kRedirectRule};
}

void SpoofGuard::AddTo(NftBatch& batch, absl::string_view comment) {
  using net::ConcatenatedType;
  using net::kNftEtherAddress;
  using net::kNftInterfaceName;
  batch.AddTable(comment);
  batch.AddSet({.name = "ports", .key_type = kNftInterfaceName, .key_length = kInterfaceLength});
  batch.AddSet({.name = "macs",
                .key_type = ConcatenatedType({kNftInterfaceName, kNftEtherAddress}),
                .key_length = kInterfaceLength + kPaddedMacLength});
  batch.AddSet(
      {.name = "addresses4",
       .key_type = ConcatenatedType({kNftInterfaceName, kNftEtherAddress, net::kNftIpv4Address}),
       .key_length = kInterfaceLength + kPaddedMacLength + 4});
  batch.AddSet(
      {.name = "addresses6",
       .key_type = ConcatenatedType({kNftInterfaceName, kNftEtherAddress, net::kNftIpv6Address}),
       .key_length = kInterfaceLength + kPaddedMacLength + 16});
  batch.AddChain({.name = kChain,
                  .type = "filter",
                  .hook = NF_BR_PRE_ROUTING,
                  .priority = NF_BR_PRI_FILTER_BRIDGED});
  {
    auto rule = batch.AddRule(kChain, kMacRule);
    DropUnlessIn(FromContainer(rule), "macs");
  }
  {
    auto rule = batch.AddRule(kChain, kArpMacRule);
    OfProtocol(rule, ETH_P_ARP)
        .Payload(NFT_PAYLOAD_NETWORK_HEADER, kArpSenderMac, kMacLength, kMac);
    DropUnlessIn(rule, "macs");
  }
  {
    auto rule = batch.AddRule(kChain, kArpRule);
    OfProtocol(rule, ETH_P_ARP)
        .Payload(NFT_PAYLOAD_NETWORK_HEADER, kArpSenderIp, 4, kAddress)
        .CompareU32(NFT_CMP_NEQ, kAddress, INADDR_ANY);
    DropUnlessIn(rule, "addresses4");
  }
  {
    auto rule = batch.AddRule(kChain, kIpv4Rule);
    OfProtocol(rule, ETH_P_IP).Payload(NFT_PAYLOAD_NETWORK_HEADER, kIpv4Source, 4, kAddress);
    DropUnlessIn(rule, "addresses4");
  }
  {
    auto rule = batch.AddRule(kChain, kIpv6Rule);
    OfProtocol(rule, ETH_P_IPV6)
        .Payload(NFT_PAYLOAD_NETWORK_HEADER, kIpv6Source, 16, kAddress)
        .Compare(NFT_CMP_NEQ, kAddress, std::string(16, '\0'));
    DropUnlessIn(UnlessLinkLocal(rule), "addresses6");
  }
  {
    auto rule = batch.AddRule(kChain, kNeighbourRule);
    OfIcmp6Type(rule, kNeighbourAdvertisement)
        .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kAdvertisedTarget, 16, kAddress);
    DropUnlessIn(UnlessLinkLocal(rule), "addresses6");
  }
  for (const auto& [type, comment] :
       {std::pair(kRouterAdvertisement, kRouterRule), std::pair(kRedirect, kRedirectRule)}) {
    auto rule = batch.AddRule(kChain, comment);
    OfIcmp6Type(rule, type).Counter().Verdict(NF_DROP);
  }
}

std::string SpoofGuard::CommentOf(absl::string_view container_id, const net::IpAddress& address) {
  return absl::StrCat(container_id.substr(0, 12), " ", address.ToString());
}

std::vector<Firewall::Entry> SpoofGuard::EntriesOf(const GuardedPort& port) {
  std::string key = net::InterfaceNameKey(port.interface);
  const std::string comment = CommentOf(port.id, port.ip);
  const auto entry = [](absl::string_view set, const std::string& bytes, const std::string& owner) {
    return Firewall::Entry{
        .set = set, .element = {.key = bytes, .comment = owner}, .family = NFPROTO_BRIDGE};
  };
  std::vector<Firewall::Entry> entries = {entry("ports", key, comment)};
  net::AppendKey(key, BytesOf(port.mac));
  entries.push_back(entry("macs", key, comment));
  entries.push_back(entry("addresses4", absl::StrCat(key, port.ip.View()), comment));
  if (port.ip6) {
    entries.push_back(
        entry("addresses6", absl::StrCat(key, port.ip6.View()), CommentOf(port.id, port.ip6)));
  }
  return entries;
}

}  // namespace tiny::runtime
