// The nft tables `inet tiny` and `bridge tiny` (spoof_guard.h): a constant number of rules over
// sets and maps whose elements are the networks, the published ports and the containers. Foreign
// tables are neither read nor touched.
//
// What the rules do, in packets' order:
//   guard         drops from containers: router advertisements, redirects, and 127.0.0.0/8
//   publish       DNAT by the maps (protocol . address . port), then (protocol . port) for all
//                 local addresses; the same for the host's own packets in publish-local. Only
//                 that chain knows 127.0.0.1, so that a port bound there is closed to the outside
//   forward       one bridge to itself: yes, unless the network was made without (enable_icc, where
//                 the bridge's ports are isolated, too); out of an internal network: no; into a
//                 bridge only replies and what DNAT sent there; one network to another: no
//   masquerade    what leaves a network, what localhost sends in, and hairpins
//
// Errors: those of net::NftBatch; with a hint where the kernel lacks nf_tables.
// Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_FIREWALL_H_
#define TINY_RUNTIME_NETWORK_FIREWALL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "net/netlink_socket.h"
#include "net/nft_batch.h"
#include "runtime/network/network.h"

namespace tiny::runtime {

// A port as the maps hold it.
struct PublishedPort {
  std::string protocol;  // "tcp", "udp", "sctp"
  net::IpAddress host;   // none: all addresses
  uint16_t host_port = 0;
  net::IpAddress container;  // v4; none: not published on v4
  net::IpAddress container6;
  uint16_t container_port = 0;
  std::string id;  // the container's
};

struct GuardedPort;

class Firewall {
 public:
  static constexpr char kTableName[] = "tiny";
  static net::NftTable Table();

  // One element of one of the tables' sets.
  struct Entry {
    absl::string_view set;
    net::NftElement element;
    uint8_t family = NFPROTO_INET;  // or NFPROTO_BRIDGE: which table
  };
  static std::vector<Entry> EntriesOf(const Network& network);
  static std::vector<Entry> EntriesOf(const PublishedPort& port);

  // The comments of the rules that the inet table must have, in order: for the doctor.
  struct RuleName {
    absl::string_view chain;
    absl::string_view comment;
  };
  static std::vector<RuleName> ExpectedRules();

  enum class Condition {
    kDamaged,  // something is missing
    kWhole,
    kWithoutBridge,  // whole, on a kernel without nftables for bridges
  };
  // Whether the tables are there with all their chains, sets and rules: one round trip.
  static absl::StatusOr<Condition> Examine(net::NetlinkSocket& socket);
  // Makes the tables anew, with these elements, in one transaction: there is no moment without
  // them.
  static absl::Status Rebuild(net::NetlinkSocket& socket, const std::vector<Network>& networks,
                              const std::vector<PublishedPort>& ports,
                              const std::vector<GuardedPort>& guarded);
  static absl::Status Add(net::NetlinkSocket& socket, const std::vector<Entry>& entries);
  // What is missing already is no error.
  static absl::Status Remove(net::NetlinkSocket& socket, const std::vector<Entry>& entries);
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_FIREWALL_H_
