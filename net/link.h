// Network interfaces over rtnetlink: requests are appended to a batch, answers are parsed.
//
//   MessageBuilder batch;
//   AddVeth(batch, {.name = "tv0", .master = bridge, .peer_name = "eth0", .peer_netns = netns});
//   ChangeLink(batch, LinkRef("lo"), {.up = true});
//   RETURN_IF_ERROR(socket.Execute(batch));
//   ASSIGN_OR_RETURN(const LinkInfo link, GetLink(socket, LinkRef("eth0")));  // kNotFound (ENODEV)
//
// A name that is longer than 15 characters makes the batch's status kInvalidArgument, as nothing is
// ever truncated. Thread-compatible. Source: rtnetlink(7), include/uapi/linux/if_link.h.
#ifndef TINY_NET_LINK_H_
#define TINY_NET_LINK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "net/netlink_message.h"
#include "net/netlink_socket.h"

namespace tiny::net {

// An interface by index or by name.
struct LinkRef {
  explicit LinkRef(int link_index) : index(link_index) {}
  explicit LinkRef(absl::string_view link_name) : name(link_name) {}
  int index = 0;
  std::string name = {};
};

struct BridgeSpec {
  std::string name = {};
  int mtu = 0;  // 0: the kernel's
  bool up = true;
  std::optional<MacAddress> mac = {};
  // Whether it learns source addresses from frames to 01:80:c2:00:00:0x, too, which pass no
  // bridge hook of nftables before. Linux 5.0 and later.
  bool learn_link_local = true;
};
// NLM_F_EXCL: EEXIST where the name is taken.
void AddBridge(MessageBuilder& batch, const BridgeSpec& spec);

// A veth pair whose peer is made directly in another namespace. The peer can't be made up in the
// same message (the kernel says ENOTCONN); bring it up from inside.
struct VethSpec {
  std::string name = {};
  int master = 0;  // index of the bridge that gets it as a port; 0: none
  int mtu = 0;     // of both ends
  bool up = true;  // this end
  std::string peer_name = {};
  std::optional<MacAddress> peer_mac = {};
  int peer_netns = -1;  // descriptor of a network namespace; -1: this one
};
void AddVeth(MessageBuilder& batch, const VethSpec& spec);

// A macvlan in bridge mode on `parent`, made directly in the namespace `netns`.
struct MacvlanSpec {
  std::string name = {};
  int parent = 0;
  std::optional<MacAddress> mac = {};
  int mtu = 0;
  int netns = -1;
};
void AddMacvlan(MessageBuilder& batch, const MacvlanSpec& spec);

// What is absent stays as it is.
struct LinkChange {
  std::optional<bool> up = {};
  std::optional<int> mtu = {};
  std::optional<MacAddress> mac = {};
  std::optional<int> master = {};    // 0: no longer a port
  std::optional<bool> hairpin = {};  // of a bridge's port: a frame may leave by where it came in
  // Of a bridge's port: no frame passes from one isolated port to another.
  std::optional<bool> isolated = {};
  std::optional<std::string> name = {};
  std::optional<std::string> alias = {};
  std::optional<int> netns = {};  // descriptor of the namespace to move to
};
void ChangeLink(MessageBuilder& batch, const LinkRef& link, const LinkChange& change);
// No IPv6 link-local address is made for it from now on (IN6_ADDR_GEN_MODE_NONE). A kernel without
// IPv6 counts as success.
void StopIpv6AddressGeneration(MessageBuilder& batch, const LinkRef& link);
void DeleteLink(MessageBuilder& batch, const LinkRef& link);
// Asks for one link; its answer is for ParseLink.
void RequestLink(MessageBuilder& batch, const LinkRef& link);

struct LinkInfo {
  int index = 0;
  std::string name = {};
  std::string kind = {};  // "bridge", "veth", "macvlan"; empty for hardware and lo
  uint32_t flags = 0;     // IFF_UP, IFF_LOWER_UP, ...
  int mtu = 0;
  int master = 0;  // 0: not a port
  int peer = 0;    // IFLA_LINK: a veth's other end, a macvlan's parent
  std::string alias = {};
  std::optional<MacAddress> mac = {};

  bool up() const;
};

// Nothing if it is not a well-formed RTM_NEWLINK.
std::optional<LinkInfo> ParseLink(const MessageView& message);

absl::StatusOr<LinkInfo> GetLink(NetlinkSocket& socket, const LinkRef& link);
absl::StatusOr<std::vector<LinkInfo>> ListLinks(NetlinkSocket& socket);

}  // namespace tiny::net

#endif  // TINY_NET_LINK_H_
