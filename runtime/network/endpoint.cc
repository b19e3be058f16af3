#include "runtime/network/endpoint.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/link.h"
#include "net/network_namespace.h"
#include "net/route.h"
#include "runtime/network/driver_options.h"
#include "runtime/network/host_bridge.h"

namespace tiny::runtime {
namespace {

// Written before the interface comes up, while the thread is in the container's namespace.
absl::Status SetIpv6Sysctls(const EndpointPlan& plan) {
  const std::string folder = absl::StrCat("/proc/sys/net/ipv6/conf/", plan.interface_name, "/");
  absl::Status status = plan.address6.address
                            ? WriteControlFile(absl::StrCat(folder, "accept_ra"), "0")
                            : WriteControlFile(absl::StrCat(folder, "disable_ipv6"), "1");
  // A kernel without IPv6 has nothing to turn off.
  return GetErrno(status) == ENOENT ? absl::OkStatus() : status;
}

absl::Status ExplainVeth(absl::Status status) {
  if (GetErrno(status) == EOPNOTSUPP) {
    return WithHint(std::move(status),
                    "The kernel lacks this kind of interface (CONFIG_VETH, CONFIG_MACVLAN): load "
                    "the module, or use --network none or host.");
  }
  if (GetErrno(status) == EPERM) {
    return WithHint(std::move(status),
                    "Run tiny as root (CAP_NET_ADMIN), or use --network none or host.");
  }
  return status;
}

void AddAddressesAndRoutes(net::MessageBuilder& batch, const EndpointPlan& plan, int index) {
  net::AddAddress(batch, index, plan.address);
  if (plan.address6.address) net::AddAddress(batch, index, plan.address6);
  if (plan.default_route) {
    AddDefaultRoutes(batch, plan.network, plan.address6.address.is_v6(), index);
  }
}

net::MessageBuilder& AddVethTo(net::MessageBuilder& batch, int netns, const EndpointPlan& plan,
                               const HostBridge& bridge) {
  const net::LinkRef port(plan.host_interface);
  net::AddVeth(batch, {.name = plan.host_interface,
                       .master = bridge.index,
                       .mtu = plan.network.mtu != 0 ? plan.network.mtu : bridge.mtu,
                       .up = false,
                       .peer_name = plan.interface_name,
                       .peer_mac = plan.mac,
                       .peer_netns = netns});
  // A port needs no address of its own. With one, each container would add four IPv6 routes to the
  // host's, and the kernel goes through all routes whenever an interface comes up (fib6_ifdown).
  net::StopIpv6AddressGeneration(batch, port);
  // Its answer has the peer's index. To be asked takes note of the carrier that is not there yet:
  // once the port is up, that would wait until no processor sends by it.
  net::RequestLink(batch, port);
  net::ChangeLink(batch, port, PortSettings(plan.network));
  return batch;
}

absl::Status CreateVeth(net::NetlinkSocket& host, net::MessageBuilder& batch, int netns,
                        EndpointPlan& plan, const HostBridge& bridge) {
  return host.Execute(AddVethTo(batch, netns, plan, bridge),
                      [&](size_t, const net::MessageView& message) {
                        if (const auto link = net::ParseLink(message)) plan.index = link->peer;
                        return absl::OkStatus();
                      });
}

// The interfaces' indices in the container: what the host's end said, or asked for by name.
absl::StatusOr<std::vector<int>> IndicesOf(net::NetlinkSocket& inside,
                                           const std::vector<EndpointPlan>& plans) {
  std::vector<int> indices;
  for (const EndpointPlan& plan : plans) {
    int index = plan.index;
    if (index == 0) {
      ASSIGN_OR_RETURN(const net::LinkInfo link,
                       net::GetLink(inside, net::LinkRef(plan.interface_name)));
      index = link.index;
    }
    indices.push_back(index);
  }
  return indices;
}

constexpr absl::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr int kNameAttempts = 8;

std::string NextHostInterfaceName(std::string name) {
  name.back() = kDigits[(kDigits.find(name.back()) + 1) % kDigits.size()];
  return name;
}

}  // namespace

net::LinkChange PortSettings(const Network& network) {
  net::LinkChange settings;
  settings.up = true;
  // For a container that uses its own published port. With bridge-nf-call-iptables the bridge
  // itself sends the frame back.
  settings.hairpin = true;
  if (!IsOn(network, kConnectivityOption)) settings.isolated = true;
  return settings;
}

std::string HostInterfaceName(absl::string_view container_id, int number) {
  return absl::StrCat("tv", container_id.substr(0, 12),
                      kDigits.substr(static_cast<size_t>(number) % kDigits.size(), 1));
}

bool IsHostInterfaceOf(absl::string_view name, absl::string_view container_id) {
  const std::string first = HostInterfaceName(container_id, 0);
  return name.size() == first.size() &&
         name.substr(0, name.size() - 1) == absl::string_view(first).substr(0, first.size() - 1);
}

absl::Status CreateOnHost(net::NetlinkSocket& host, int netns, EndpointPlan& plan) {
  net::MessageBuilder batch;
  if (plan.network.driver == "macvlan") {
    ASSIGN_OR_RETURN(const net::LinkInfo parent,
                     net::GetLink(host, net::LinkRef(plan.network.interface_name)));
    plan.host_interface.clear();
    net::AddMacvlan(batch, {.name = plan.interface_name,
                            .parent = parent.index,
                            .mac = plan.mac,
                            .mtu = plan.network.mtu,
                            .netns = netns});
    return ExplainVeth(host.Execute(batch));
  }
  ASSIGN_OR_RETURN(const HostBridge bridge, EnsureBridge(host, plan.network, batch));
  plan.bridge_created = bridge.created;
  absl::Status status = CreateVeth(host, batch, netns, plan, bridge);
  for (int attempt = 1; attempt < kNameAttempts && GetErrno(status) == EEXIST; ++attempt) {
    // The kernel takes some milliseconds to dissolve the namespace of the same container's last
    // run, and the veth with it: the next number is free.
    plan.host_interface = NextHostInterfaceName(plan.host_interface);
    batch.Clear();
    status = CreateVeth(host, batch, netns, plan, bridge);
  }
  if (GetErrno(status) == EEXIST &&
      GetErrno(net::GetLink(host, net::LinkRef(plan.host_interface)).status()) == ENODEV) {
    return absl::AlreadyExistsError(absl::StrCat("the container has an interface ",
                                                 plan.interface_name, " that it has made itself"));
  }
  return ExplainVeth(std::move(status));
}

absl::Status SetUpInside(int netns, const std::vector<EndpointPlan>& plans) {
  absl::StatusOr<net::NetlinkSocket> inside = absl::UnknownError("not opened");
  RETURN_IF_ERROR(net::RunInNetworkNamespace(netns, [&]() -> absl::Status {
    inside = net::NetlinkSocket::Open(NETLINK_ROUTE);
    RETURN_IF_ERROR(inside.status());
    for (const EndpointPlan& plan : plans) RETURN_IF_ERROR(SetIpv6Sysctls(plan));
    return absl::OkStatus();
  }));
  ASSIGN_OR_RETURN(const std::vector<int> indices, IndicesOf(*inside, plans));
  net::MessageBuilder batch;
  net::ChangeLink(batch, net::LinkRef("lo"), {.up = true});
  for (size_t i = 0; i < plans.size(); ++i) {
    net::ChangeLink(batch, net::LinkRef(indices[i]), {.up = true});
    AddAddressesAndRoutes(batch, plans[i], indices[i]);
  }
  return inside->Execute(batch);
}

void AddDefaultRoutes(net::MessageBuilder& batch, const Network& network, bool has_v6, int index) {
  for (const std::string* gateway : {&network.gateway, &network.gateway6}) {
    auto address = net::ParseIpAddress(*gateway);
    if (!address.ok() || (address->is_v6() && !has_v6)) continue;
    net::AddRoute(batch, {.gateway = *address, .link = index});
  }
}

absl::Status SettleCarrier(net::NetlinkSocket& host, const std::vector<EndpointPlan>& plans) {
  net::MessageBuilder batch;
  for (const EndpointPlan& plan : plans) {
    if (plan.host_interface.empty()) continue;
    net::RequestLink(batch, net::LinkRef(plan.host_interface));
  }
  return host.Execute(batch);
}

state::NetworkEndpoint DescribeEndpoint(const EndpointPlan& plan) {
  state::NetworkEndpoint endpoint;
  endpoint.network = plan.network.name;
  endpoint.network_id = plan.network.id;
  endpoint.interface_name = plan.interface_name;
  endpoint.host_interface = plan.host_interface;
  endpoint.ip = plan.address.address.ToString();
  endpoint.prefix_length = plan.address.length;
  endpoint.gateway = plan.network.gateway;
  if (plan.address6.address) {
    endpoint.ip6 = plan.address6.address.ToString();
    endpoint.prefix_length6 = plan.address6.length;
    endpoint.gateway6 = plan.network.gateway6;
  }
  endpoint.mac_address = net::FormatMacAddress(plan.mac);
  endpoint.aliases = plan.aliases;
  return endpoint;
}

}  // namespace tiny::runtime
