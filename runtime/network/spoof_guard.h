// The nft table `bridge tiny`: what a container sends must bear its own addresses.
//
// A container with CAP_NET_RAW or CAP_NET_ADMIN can put any sender into a frame, and so take a
// neighbour's traffic, or the gateway's. At the host's end of each container's veth, before the
// bridge learns from a frame:
//   any frame     comes from the container's MAC address
//   ARP           names that MAC address and the container's IPv4 address (or none: a probe)
//   IPv4, IPv6    come from the container's address (IPv6: or a link-local one, or none)
//   ICMPv6        neighbour advertisements are for these addresses; no router advertisements, no
//                 redirects
// The rules are constant; each container is an element of the sets. Other ports of a bridge, such
// as a virtual machine's, are not looked at.
//
// Not every kernel has nftables for bridges (CONFIG_NF_TABLES_BRIDGE): Firewall does without.
#ifndef TINY_RUNTIME_NETWORK_SPOOF_GUARD_H_
#define TINY_RUNTIME_NETWORK_SPOOF_GUARD_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "net/nft_batch.h"
#include "runtime/network/firewall.h"
#include "state/container_state.h"

namespace tiny::runtime {

// The host's end of a container's veth.
struct GuardedPort {
  std::string interface;
  net::MacAddress mac = {};
  net::IpAddress ip;
  net::IpAddress ip6;  // none: only link-local addresses
  std::string id;      // the container's
};

// Nothing for a macvlan, which has no end on the host.
std::optional<GuardedPort> GuardedPortOf(absl::string_view container_id,
                                         const state::NetworkEndpoint& endpoint);

class SpoofGuard {
 public:
  static constexpr char kChain[] = "guard";
  static constexpr absl::string_view kSets[] = {"ports", "macs", "addresses4", "addresses6"};

  static net::NftTable Table();
  // The table with its sets, its chain and the rules of RuleNames(). Uses the table.
  static void AddTo(net::NftBatch& batch, absl::string_view comment);
  static std::vector<absl::string_view> RuleNames();

  static std::vector<Firewall::Entry> EntriesOf(const GuardedPort& port);
  // What the elements' comments are: they tell to which lease each belongs.
  static std::string CommentOf(absl::string_view container_id, const net::IpAddress& address);
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_SPOOF_GUARD_H_
