#include "runtime/network/firewall.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/nft_list.h"
#include "runtime/network/driver_options.h"
#include "runtime/network/port_publisher.h"
#include "runtime/network/spoof_guard.h"

namespace tiny::runtime {
namespace {

using net::BytesOf;
using net::NftBatch;
using net::NftElement;
using net::NftRuleBuilder;
using net::NftSetSpec;
using enum net::NftRegister;

// Changes with the rules: a table of another version is made anew.
constexpr absl::string_view kVersion = "tiny 2";
constexpr absl::string_view kVersionWithoutBridge = "tiny 2 without bridge";

constexpr uint8_t kIcmp6Redirect = 137;
constexpr uint8_t kIcmp6RouterAdvertisement = 134;
constexpr uint32_t kInterfaceNameLength = 16;
constexpr int kRemoveAttempts = 5;
// The kernel's state bits as the ct expression gives them: 1 << (ctinfo + 1).
constexpr uint32_t kEstablishedOrRelated = 1U << 1 | 1U << 2;

std::vector<NftSetSpec> Sets() {
  using net::ConcatenatedType;
  using net::kNftInetProtocol;
  using net::kNftInetService;
  using net::kNftInterfaceName;
  using net::kNftIpv4Address;
  using net::kNftIpv6Address;
  const auto map = [](std::string name, std::optional<net::NftType> address, uint32_t key,
                      net::NftType target, uint32_t data) {
    NftSetSpec set;
    set.name = std::move(name);
    set.key_type = address ? ConcatenatedType({kNftInetProtocol, *address, kNftInetService})
                           : ConcatenatedType({kNftInetProtocol, kNftInetService});
    set.key_length = key;
    set.data_type = ConcatenatedType({target, kNftInetService});
    set.data_length = data;
    return set;
  };
  return {
      {.name = "bridges", .key_type = kNftInterfaceName, .key_length = kInterfaceNameLength},
      {.name = "internal", .key_type = kNftInterfaceName, .key_length = kInterfaceNameLength},
      {.name = "same_bridge",
       .key_type = ConcatenatedType({kNftInterfaceName, kNftInterfaceName}),
       .key_length = 2 * kInterfaceNameLength},
      {.name = "masq4", .flags = NFT_SET_INTERVAL, .key_type = kNftIpv4Address, .key_length = 4},
      {.name = "masq6", .flags = NFT_SET_INTERVAL, .key_type = kNftIpv6Address, .key_length = 16},
      map("dnat4", kNftIpv4Address, 12, kNftIpv4Address, 8),
      map("dnat4_any", std::nullopt, 8, kNftIpv4Address, 8),
      map("dnat6", kNftIpv6Address, 24, kNftIpv6Address, 20),
      map("dnat6_any", std::nullopt, 8, kNftIpv6Address, 20),
  };
}

std::vector<net::NftChainSpec> Chains() {
  return {
      {.name = "guard", .type = "filter", .hook = NF_INET_PRE_ROUTING, .priority = NF_IP_PRI_RAW},
      {.name = "publish",
       .type = "nat",
       .hook = NF_INET_PRE_ROUTING,
       .priority = NF_IP_PRI_NAT_DST},
      {.name = "publish-local",
       .type = "nat",
       .hook = NF_INET_LOCAL_OUT,
       .priority = NF_IP_PRI_NAT_DST},
      {.name = "forward", .type = "filter", .hook = NF_INET_FORWARD, .priority = NF_IP_PRI_FILTER},
      {.name = "masquerade",
       .type = "nat",
       .hook = NF_INET_POST_ROUTING,
       .priority = NF_IP_PRI_NAT_SRC},
  };
}

// The address that a packet goes to or comes from, as an IPv4 or IPv6 one.
struct Family {
  uint8_t protocol;             // NFPROTO_IPV4
  uint32_t source_offset;       // in the network header
  uint32_t destination_offset;  // in the network header
  uint32_t length;
  const char* exact;
  const char* any;
  const char* masquerade;
};
constexpr Family kFamilies[] = {
    {NFPROTO_IPV4, 12, 16, 4, "dnat4", "dnat4_any", "masq4"},
    {NFPROTO_IPV6, 8, 24, 16, "dnat6", "dnat6_any", "masq6"},
};

NftRuleBuilder& OnlyFamily(NftRuleBuilder& rule, const Family& family) {
  return rule.Meta(NFT_META_NFPROTO, kReg0).CompareByte(NFT_CMP_EQ, kReg0, family.protocol);
}

NftRuleBuilder& InLoopbackNet(NftRuleBuilder& rule, nft_cmp_ops op, uint32_t offset) {
  return rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, offset, 1, kReg0).CompareByte(op, kReg0, 127);
}

NftRuleBuilder& IsDnat(NftRuleBuilder& rule) {
  return rule.ConnectionTracking(NFT_CT_STATUS, kReg0)
      .Bitwise(kReg0, kReg0, BytesOf(uint32_t{IPS_DST_NAT}), BytesOf(uint32_t{0}))
      .CompareU32(NFT_CMP_NEQ, kReg0, 0);
}

void AddGuardRules(NftBatch& batch) {
  {
    auto rule = batch.AddRule("guard", "no localhost from containers");
    rule.Meta(NFT_META_IIFNAME, kReg0).Lookup("bridges", kReg0);
    OnlyFamily(rule, kFamilies[0]);
    InLoopbackNet(rule, NFT_CMP_EQ, kFamilies[0].destination_offset).Counter().Verdict(NF_DROP);
  }
  for (const auto& [type, comment] :
       {std::pair(kIcmp6RouterAdvertisement, "no router advertisements from containers"),
        std::pair(kIcmp6Redirect, "no redirects from containers")}) {
    batch.AddRule("guard", comment)
        .Meta(NFT_META_IIFNAME, kReg0)
        .Lookup("bridges", kReg0)
        .Meta(NFT_META_L4PROTO, kReg0)
        .CompareByte(NFT_CMP_EQ, kReg0, IPPROTO_ICMPV6)
        .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, kReg0)
        .CompareByte(NFT_CMP_EQ, kReg0, type)
        .Counter()
        .Verdict(NF_DROP);
  }
}

// The key is made in registers 0 and up, the address and port to go to in 8 and up.
void AddPublishRules(NftBatch& batch, absl::string_view chain, bool local) {
  for (const Family& family : kFamilies) {
    const bool is_v4 = family.protocol == NFPROTO_IPV4;
    const auto port_of = [&](uint32_t words) {
      return static_cast<net::NftRegister>(kReg8 + words);
    };
    const auto after_address = static_cast<net::NftRegister>(kReg1 + family.length / 4);
    for (const bool any : {false, true}) {
      auto rule = batch.AddRule(
          chain, absl::StrCat(is_v4 ? "v4" : "v6", any ? " any address" : " one address"));
      OnlyFamily(rule, family);
      // From outside, 127.0.0.1 is never a published address.
      if (is_v4 && !local) InLoopbackNet(rule, NFT_CMP_NEQ, family.destination_offset);
      // And ::1 is a LoopbackRelay's.
      if (!is_v4) {
        rule.Payload(NFT_PAYLOAD_NETWORK_HEADER, family.destination_offset, family.length, kReg0)
            .Compare(NFT_CMP_NEQ, kReg0, BytesOf(in6addr_loopback));
      }
      if (any) {
        rule.FibAddressType(NFTA_FIB_F_DADDR, kReg0)
            .CompareU32(NFT_CMP_EQ, kReg0, RTN_LOCAL)
            .Meta(NFT_META_L4PROTO, kReg0)
            .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, kReg1)
            .LookupMap(family.any, kReg0, kReg8);
      } else {
        rule.Meta(NFT_META_L4PROTO, kReg0)
            .Payload(NFT_PAYLOAD_NETWORK_HEADER, family.destination_offset, family.length, kReg1)
            .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, after_address)
            .LookupMap(family.exact, kReg0, kReg8);
      }
      rule.Counter().DestinationNat(family.protocol, kReg8, port_of(family.length / 4));
    }
  }
}

void AddForwardRules(NftBatch& batch) {
  batch.AddRule("forward", "within a network")
      .Meta(NFT_META_IIFNAME, kReg0)
      .Meta(NFT_META_OIFNAME, kReg4)
      .Lookup("same_bridge", kReg0)
      .Counter()
      .Verdict(NF_ACCEPT);
  batch.AddRule("forward", "internal networks have no way out")
      .Meta(NFT_META_IIFNAME, kReg0)
      .Lookup("internal", kReg0)
      .Counter()
      .Verdict(NF_DROP);
  {
    auto rule = batch.AddRule("forward", "replies");
    rule.Meta(NFT_META_OIFNAME, kReg0)
        .Lookup("bridges", kReg0)
        .ConnectionTracking(NFT_CT_STATE, kReg0)
        .Bitwise(kReg0, kReg0, BytesOf(kEstablishedOrRelated), BytesOf(uint32_t{0}))
        .CompareU32(NFT_CMP_NEQ, kReg0, 0)
        .Counter()
        .Verdict(NF_ACCEPT);
  }
  {
    auto rule = batch.AddRule("forward", "published ports");
    rule.Meta(NFT_META_OIFNAME, kReg0).Lookup("bridges", kReg0);
    IsDnat(rule).Counter().Verdict(NF_ACCEPT);
  }
  batch.AddRule("forward", "nothing else reaches containers")
      .Meta(NFT_META_OIFNAME, kReg0)
      .Lookup("bridges", kReg0)
      .Counter()
      .Verdict(NF_DROP);
}

void AddMasqueradeRules(NftBatch& batch) {
  {
    auto rule = batch.AddRule("masquerade", "localhost to containers");
    OnlyFamily(rule, kFamilies[0]);
    InLoopbackNet(rule, NFT_CMP_EQ, kFamilies[0].source_offset)
        .Meta(NFT_META_OIFNAME, kReg0)
        .Lookup("bridges", kReg0)
        .Counter()
        .Masquerade();
  }
  for (const Family& family : kFamilies) {
    const char* const name = family.protocol == NFPROTO_IPV4 ? "v4" : "v6";
    {
      auto rule = batch.AddRule("masquerade", absl::StrCat(name, " hairpin"));
      OnlyFamily(rule, family);
      IsDnat(rule)
          .Payload(NFT_PAYLOAD_NETWORK_HEADER, family.source_offset, family.length, kReg0)
          .Lookup(family.masquerade, kReg0)
          .Meta(NFT_META_OIFNAME, kReg0)
          .Lookup("bridges", kReg0)
          .Counter()
          .Masquerade();
    }
    auto rule = batch.AddRule("masquerade", absl::StrCat(name, " to the world"));
    OnlyFamily(rule, family)
        .Payload(NFT_PAYLOAD_NETWORK_HEADER, family.source_offset, family.length, kReg0)
        .Lookup(family.masquerade, kReg0)
        .Meta(NFT_META_OIFNAME, kReg0)
        .Lookup("bridges", kReg0, /*inverted=*/true)
        .Counter()
        .Masquerade();
  }
}

void AddTo(NftBatch& batch, const std::vector<Firewall::Entry>& entries, bool remove) {
  std::map<std::pair<uint8_t, absl::string_view>, std::vector<NftElement>> by_set;
  for (const Firewall::Entry& entry : entries) {
    by_set[{entry.family, entry.set}].push_back(entry.element);
  }
  for (const auto& [table_and_set, elements] : by_set) {
    const auto& [family, set] = table_and_set;
    batch.Use({family, Firewall::kTableName});
    if (remove) {
      batch.DeleteElements(set, elements);
    } else {
      batch.AddElements(set, elements);
    }
  }
}

absl::Status Explain(absl::Status status) {
  const int error = GetErrno(status).value_or(0);
  if (error == EPERM) {
    return WithHint(std::move(status),
                    "Run tiny as root (CAP_NET_ADMIN), or use --network none or host.");
  }
  if (error == EOPNOTSUPP || error == EPROTONOSUPPORT || error == EAFNOSUPPORT) {
    return WithHint(std::move(status),
                    "The kernel lacks nf_tables (CONFIG_NF_TABLES_INET, CONFIG_NFT_NAT): load the "
                    "module nf_tables, or use --network none or host.");
  }
  return status;
}

// A kernel that has nftables, but not for bridges: it knows no such chain (ENOENT) or no family.
bool LacksBridge(const absl::Status& status) {
  const int error = GetErrno(status).value_or(0);
  return error == ENOENT || error == EOPNOTSUPP || error == EAFNOSUPPORT;
}

// Leaves out the elements that are in no set, or whose set is gone.
absl::Status KeepPresent(net::NetlinkSocket& socket, std::vector<Firewall::Entry>& entries) {
  using Key = std::pair<std::string, bool>;
  std::map<std::pair<uint8_t, absl::string_view>, std::set<Key>> sets;
  for (const Firewall::Entry& entry : entries) {
    const auto [keys, is_new] = sets.try_emplace({entry.family, entry.set});
    if (!is_new) continue;
    const auto elements =
        net::ListNftElements(socket, {entry.family, Firewall::kTableName}, entry.set);
    if (GetErrno(elements.status()) == ENOENT) continue;
    RETURN_IF_ERROR(elements.status());
    for (const NftElement& element : *elements) {
      keys->second.insert({element.key, element.interval_end});
    }
  }
  std::erase_if(entries, [&](const Firewall::Entry& entry) {
    return sets[{entry.family, entry.set}].count({entry.element.key, entry.element.interval_end}) ==
           0;
  });
  return absl::OkStatus();
}

NftBatch MakeInetTable(absl::string_view comment) {
  NftBatch batch(Firewall::Table());
  // Deleting what is not there would fail the transaction: first make sure that it is.
  batch.AddTable();
  batch.DeleteTable();
  batch.AddTable(comment);
  for (const NftSetSpec& set : Sets()) batch.AddSet(set);
  for (const net::NftChainSpec& chain : Chains()) batch.AddChain(chain);
  AddGuardRules(batch);
  AddPublishRules(batch, "publish", /*local=*/false);
  AddPublishRules(batch, "publish-local", /*local=*/true);
  AddForwardRules(batch);
  AddMasqueradeRules(batch);
  return batch;
}

void AppendInterval(std::vector<Firewall::Entry>& entries, absl::string_view set,
                    const net::IpPrefix& prefix) {
  const auto key = [](const net::IpAddress& address) { return std::string(address.View()); };
  entries.push_back({set, {.key = key(prefix.First())}});
  entries.push_back({set, {.key = key(prefix.Last().Plus(1)), .interval_end = true}});
}

}  // namespace

net::NftTable Firewall::Table() { return {NFPROTO_INET, kTableName}; }

std::vector<Firewall::Entry> Firewall::EntriesOf(const Network& network) {
  std::vector<Entry> entries;
  if (network.driver != "bridge") return entries;
  const std::string name = net::InterfaceNameKey(network.interface_name);
  entries.push_back({"bridges", {.key = name}});
  if (IsOn(network, kConnectivityOption)) {
    entries.push_back({"same_bridge", {.key = absl::StrCat(name, name)}});
  }
  if (network.internal) {
    entries.push_back({"internal", {.key = name}});
    return entries;
  }
  if (!IsOn(network, kMasqueradeOption)) return entries;
  if (auto subnet = net::ParseIpPrefix(network.subnet); subnet.ok()) {
    AppendInterval(entries, "masq4", *subnet);
  }
  if (auto subnet = net::ParseIpPrefix(network.subnet6); subnet.ok()) {
    AppendInterval(entries, "masq6", *subnet);
  }
  return entries;
}

std::vector<Firewall::Entry> Firewall::EntriesOf(const PublishedPort& port) {
  std::vector<Entry> entries;
  if (port.host.is_v6() && port.host.IsLoopback()) return entries;  // a LoopbackRelay's
  for (const net::IpAddress& target : {port.container, port.container6}) {
    if (!target || (port.host && port.host.family != target.family)) continue;
    NftElement element;
    net::AppendKey(element.key, BytesOf(ProtocolNumber(port.protocol)));
    if (port.host) net::AppendKey(element.key, port.host.View());
    net::AppendKey(element.key, BytesOf(htobe16(port.host_port)));
    net::AppendKey(element.data, target.View());
    net::AppendKey(element.data, BytesOf(htobe16(port.container_port)));
    element.comment = port.id.substr(0, 12);
    const Family& family = kFamilies[target.is_v4() ? 0 : 1];
    entries.push_back({port.host ? family.exact : family.any, std::move(element)});
  }
  return entries;
}

std::vector<Firewall::RuleName> Firewall::ExpectedRules() {
  return {
      {"guard", "no localhost from containers"},
      {"guard", "no router advertisements from containers"},
      {"guard", "no redirects from containers"},
      {"publish", "v4 one address"},
      {"publish", "v4 any address"},
      {"publish", "v6 one address"},
      {"publish", "v6 any address"},
      {"publish-local", "v4 one address"},
      {"publish-local", "v4 any address"},
      {"publish-local", "v6 one address"},
      {"publish-local", "v6 any address"},
      {"forward", "within a network"},
      {"forward", "internal networks have no way out"},
      {"forward", "replies"},
      {"forward", "published ports"},
      {"forward", "nothing else reaches containers"},
      {"masquerade", "localhost to containers"},
      {"masquerade", "v4 hairpin"},
      {"masquerade", "v4 to the world"},
      {"masquerade", "v6 hairpin"},
      {"masquerade", "v6 to the world"},
  };
}

absl::StatusOr<Firewall::Condition> Firewall::Examine(net::NetlinkSocket& socket) {
  constexpr absl::string_view kChains[] = {"guard", "publish", "publish-local", "forward",
                                           "masquerade"};
  constexpr uint32_t kRules[] = {3, 4, 4, 5, 5};
  constexpr uint32_t kSets = 9;
  constexpr absl::string_view kBridgeChains[] = {SpoofGuard::kChain};
  const auto summaries =
      net::SummarizeNftTables(socket, {{Table(), kChains}, {SpoofGuard::Table(), kBridgeChains}});
  if (!summaries.ok()) return Explain(summaries.status());
  const auto is_whole = [](const net::NftSummary& summary, uint32_t sets,
                           absl::Span<const uint32_t> rules) {
    if (summary.table.use != rules.size() + sets) return false;
    for (size_t i = 0; i < rules.size(); ++i) {
      const net::NftChainInfo& chain = summary.chains[i];
      if (chain.use != rules[i] || chain.policy != NF_ACCEPT) return false;
    }
    return true;
  };
  const auto& inet = (*summaries)[0];
  const auto& bridge = (*summaries)[1];
  if (!inet || !is_whole(*inet, kSets, kRules)) return Condition::kDamaged;
  if (inet->table.comment == kVersionWithoutBridge) return Condition::kWithoutBridge;
  const uint32_t guard_rules[] = {static_cast<uint32_t>(SpoofGuard::RuleNames().size())};
  const bool whole = inet->table.comment == kVersion && bridge &&
                     is_whole(*bridge, std::size(SpoofGuard::kSets), guard_rules);
  return whole ? Condition::kWhole : Condition::kDamaged;
}

absl::Status Firewall::Rebuild(net::NetlinkSocket& socket, const std::vector<Network>& networks,
                               const std::vector<PublishedPort>& ports,
                               const std::vector<GuardedPort>& guarded) {
  std::vector<Entry> entries;
  for (const Network& network : networks) {
    for (Entry& entry : EntriesOf(network)) entries.push_back(std::move(entry));
  }
  for (const PublishedPort& port : ports) {
    for (Entry& entry : EntriesOf(port)) entries.push_back(std::move(entry));
  }
  const auto unguarded = static_cast<ptrdiff_t>(entries.size());
  for (const GuardedPort& port : guarded) {
    for (Entry& entry : SpoofGuard::EntriesOf(port)) entries.push_back(std::move(entry));
  }
  NftBatch batch = MakeInetTable(kVersion);
  batch.Use(SpoofGuard::Table());
  batch.AddTable();
  batch.DeleteTable();
  SpoofGuard::AddTo(batch, kVersion);
  AddTo(batch, entries, /*remove=*/false);
  absl::Status status = batch.Commit(socket);
  if (!LacksBridge(status)) return Explain(std::move(status));
  entries.erase(entries.begin() + unguarded, entries.end());
  NftBatch without_bridge = MakeInetTable(kVersionWithoutBridge);
  AddTo(without_bridge, entries, /*remove=*/false);
  return Explain(without_bridge.Commit(socket));
}

absl::Status Firewall::Add(net::NetlinkSocket& socket, const std::vector<Entry>& entries) {
  if (entries.empty()) return absl::OkStatus();
  NftBatch batch(Table());
  AddTo(batch, entries, /*remove=*/false);
  return Explain(batch.Commit(socket));
}

absl::Status Firewall::Remove(net::NetlinkSocket& socket, const std::vector<Entry>& entries) {
  if (entries.empty()) return absl::OkStatus();
  NftBatch batch(Table());
  AddTo(batch, entries, /*remove=*/true);
  absl::Status status = batch.Commit(socket);
  if (GetErrno(status) != ENOENT) return Explain(std::move(status));
  // One that is missing undoes the whole transaction. Each takes milliseconds, so that one for each
  // element is none to be had: what is there goes, until nobody else was faster.
  std::vector<Entry> present = entries;
  for (int attempt = 0; attempt < kRemoveAttempts && GetErrno(status) == ENOENT; ++attempt) {
    RETURN_IF_ERROR(KeepPresent(socket, present));
    if (present.empty()) return absl::OkStatus();
    NftBatch again(Table());
    AddTo(again, present, /*remove=*/true);
    status = again.Commit(socket);
  }
  return Explain(std::move(status));
}

}  // namespace tiny::runtime
