#include "runtime/network/host_bridge.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/link.h"
#include "net/route.h"
#include "runtime/network/driver_options.h"

namespace tiny::runtime {
namespace {

constexpr int kDefaultMtu = 1500;

// Reading first costs less than a write that sends notifications, and works on a read-only /proc.
absl::Status EnsureSysctl(absl::string_view name, absl::string_view value, bool may_be_absent) {
  const std::string path = absl::StrCat("/proc/sys/net/", name);
  auto current = ReadFile(path);
  if (may_be_absent && GetErrno(current.status()) == ENOENT) return absl::OkStatus();
  if (current.ok() && absl::StripSuffix(*current, "\n") == value) return absl::OkStatus();
  return WriteControlFile(path, value);
}

absl::Status ExplainLink(absl::Status status) {
  switch (GetErrno(status).value_or(0)) {
    case EPERM:
      return WithHint(std::move(status),
                      "Run tiny as root (CAP_NET_ADMIN), or use --network none or host.");
    case EOPNOTSUPP:
      return WithHint(std::move(status),
                      "The kernel lacks bridges (CONFIG_BRIDGE) or veth (CONFIG_VETH): load the "
                      "modules, or use --network none or host.");
    default:
      return status;
  }
}

bool HasChosenName(const Network& network) {
  return !DriverOption(network, kBridgeNameOption).empty();
}

std::string MarkOf(const Network& network) {
  return absl::StrCat("tiny network ", network.id.substr(0, 12));
}

absl::StatusOr<net::LinkInfo> CreateBridge(net::NetlinkSocket& socket, const Network& network) {
  int mtu = network.mtu;
  if (mtu == 0) {
    ASSIGN_OR_RETURN(mtu, EgressMtu(socket));
  }
  net::BridgeSpec spec = {
      .name = network.interface_name, .mtu = mtu, .up = false, .learn_link_local = false};
  if (auto gateway = net::ParseIpAddress(network.gateway); gateway.ok()) spec.mac = MacOf(*gateway);
  net::MessageBuilder batch;
  net::AddBridge(batch, spec);
  // Another process may have been faster.
  absl::Status created = socket.Execute(batch);
  if (!created.ok() && GetErrno(created) != EEXIST) return ExplainLink(std::move(created));
  if (created.ok() && HasChosenName(network)) {
    batch.Clear();
    net::ChangeLink(batch, net::LinkRef(network.interface_name), {.alias = MarkOf(network)});
    RETURN_IF_ERROR(socket.Execute(batch));
  }
  // Before it is up, so that it never has an IPv6 address that it should not have.
  RETURN_IF_ERROR(EnsureSysctls(network));
  return net::GetLink(socket, net::LinkRef(network.interface_name));
}

}  // namespace

absl::StatusOr<HostBridge> EnsureBridge(net::NetlinkSocket& socket, const Network& network,
                                        net::MessageBuilder& batch) {
  auto link = net::GetLink(socket, net::LinkRef(network.interface_name));
  HostBridge bridge;
  if (GetErrno(link.status()) == ENODEV) {
    link = CreateBridge(socket, network);
    bridge.created = true;
  }
  RETURN_IF_ERROR(link.status());
  if (link->kind != "bridge") {
    return WithHint(absl::AlreadyExistsError(absl::StrCat(
                        "the interface ", link->name, " exists and is not a bridge but ",
                        link->kind.empty() ? "hardware" : link->kind)),
                    absl::StrCat("Remove or rename it (ip link delete ", link->name,
                                 "), or choose another name for tiny's bridge."));
  }
  bridge.index = link->index;
  bridge.mtu = link->mtu;
  for (const auto& [gateway, subnet] : {std::pair(&network.gateway, &network.subnet),
                                        std::pair(&network.gateway6, &network.subnet6)}) {
    if (gateway->empty() || subnet->empty()) continue;
    ASSIGN_OR_RETURN(const net::IpAddress address, net::ParseIpAddress(*gateway));
    ASSIGN_OR_RETURN(const net::IpPrefix prefix, net::ParseIpPrefix(*subnet));
    net::AddAddress(batch, bridge.index, {address, prefix.length});
  }
  if (!link->up()) net::ChangeLink(batch, net::LinkRef(bridge.index), {.up = true});
  return bridge;
}

absl::Status EnsureForwarding(bool ipv6) {
  RETURN_IF_ERROR(EnsureSysctl("ipv4/ip_forward", "1", false));
  if (!ipv6) return absl::OkStatus();
  return EnsureSysctl("ipv6/conf/all/forwarding", "1", true);
}

absl::Status EnsureSysctls(const Network& network) {
  const std::string v4 = absl::StrCat("ipv4/conf/", network.interface_name, "/");
  const std::string v6 = absl::StrCat("ipv6/conf/", network.interface_name, "/");
  // Lets what localhost sends to a published port go out to the bridge.
  RETURN_IF_ERROR(EnsureSysctl(absl::StrCat(v4, "route_localnet"), "1", false));
  RETURN_IF_ERROR(EnsureSysctl(absl::StrCat(v6, "accept_ra"), "0", true));
  // Until its link-local address has been found to be unique, for a second and more, the kernel
  // asks for no neighbour whom it forwards to; nobody but tiny gives out addresses here.
  RETURN_IF_ERROR(EnsureSysctl(absl::StrCat(v6, "accept_dad"), "0", true));
  RETURN_IF_ERROR(
      EnsureSysctl(absl::StrCat(v6, "disable_ipv6"), network.subnet6.empty() ? "1" : "0", true));
  return EnsureForwarding(!network.subnet6.empty());
}

std::string GeneratedBridgeName(const Network& network) {
  return absl::StrCat("td", network.id.substr(0, 12));
}

absl::Status DeleteBridge(net::NetlinkSocket& socket, const Network& network) {
  if (network.driver != "bridge") return absl::OkStatus();
  if (HasChosenName(network)) {
    const auto link = net::GetLink(socket, net::LinkRef(network.interface_name));
    if (GetErrno(link.status()) == ENODEV) return absl::OkStatus();
    RETURN_IF_ERROR(link.status());
    if (link->alias != MarkOf(network)) return absl::OkStatus();
  }
  net::MessageBuilder batch;
  net::DeleteLink(batch, net::LinkRef(network.interface_name));
  absl::Status status = socket.Execute(batch);
  return GetErrno(status) == ENODEV ? absl::OkStatus() : status;
}

absl::StatusOr<int> EgressMtu(net::NetlinkSocket& socket) {
  ASSIGN_OR_RETURN(const std::vector<net::RouteInfo> routes, net::ListRoutes(socket, AF_INET));
  const net::RouteInfo* best = nullptr;
  for (const net::RouteInfo& route : routes) {
    if (route.destination.length != 0 || route.link == 0) continue;
    if (best == nullptr || route.metric < best->metric) best = &route;
  }
  if (best == nullptr) return kDefaultMtu;
  if (best->mtu != 0) return best->mtu;
  ASSIGN_OR_RETURN(const net::LinkInfo link, net::GetLink(socket, net::LinkRef(best->link)));
  // A tunnel of the host's own may have a larger one than any packet of ours should.
  return std::clamp(link.mtu, 576, 65535);
}

absl::StatusOr<std::vector<TakenPrefix>> RoutedPrefixes(net::NetlinkSocket& socket,
                                                        absl::string_view except_interface) {
  ASSIGN_OR_RETURN(const std::vector<net::LinkInfo> links, net::ListLinks(socket));
  std::map<int, std::string> names;
  for (const net::LinkInfo& link : links) names[link.index] = link.name;
  std::vector<TakenPrefix> taken;
  for (const int family : {AF_INET, AF_INET6}) {
    ASSIGN_OR_RETURN(const std::vector<net::RouteInfo> routes, net::ListRoutes(socket, family));
    for (const net::RouteInfo& route : routes) {
      const std::string& name = names[route.link];
      // Halves of the whole, as some VPNs set them, are default routes in disguise.
      if (route.destination.length <= 1 || (!name.empty() && name == except_interface)) continue;
      taken.push_back({route.destination, absl::StrCat("the route ", route.destination.ToString(),
                                                       " of ", name.empty() ? "the host" : name)});
    }
  }
  return taken;
}

net::MacAddress MacOf(const net::IpAddress& address) {
  net::MacAddress mac = {0x02, 0x42};
  const size_t first = address.size() - 4;
  std::copy_n(address.bytes.begin() + first, 4, mac.begin() + 2);
  return mac;
}

}  // namespace tiny::runtime
