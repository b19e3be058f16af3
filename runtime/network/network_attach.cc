// Containers on networks: check, attach, detach, connect, disconnect.
#include <errno.h>
#include <linux/netlink.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/link.h"
#include "runtime/network/address_pool.h"
#include "runtime/network/host_bridge.h"
#include "runtime/network/network_manager_impl.h"

namespace tiny::runtime {
namespace {

// A name as the resolver compares it; empty if it can't be a host's.
std::string ResolvableName(absl::string_view name) {
  const bool valid = !name.empty() && name.size() <= 253 && name[0] != '.' &&
                     std::all_of(name.begin(), name.end(), [](char c) {
                       return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
                     });
  return valid ? absl::AsciiStrToLower(name) : "";
}

std::string NameLease(const std::string& network, const std::string& name, absl::string_view id) {
  return absl::StrCat("names/", network, "/", name, "/", id.substr(0, 12));
}

// An address asked for; empty: none.
absl::Status CheckAddress(const Network& network, const std::string& text) {
  if (text.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const net::IpAddress address, net::ParseIpAddress(text));
  const bool is_v6 = address.is_v6();
  const std::string refusal = absl::StrCat(text, " can't be had on network ", network.name, ": ");
  if (is_v6 && network.subnet6.empty()) {
    return WithHint(absl::InvalidArgumentError(absl::StrCat(refusal, "it has no IPv6")),
                    "Use a network of tiny network create --ipv6.");
  }
  ASSIGN_OR_RETURN(const AddressPool pool,
                   is_v6 ? AddressPool::V6(network) : AddressPool::V4(network));
  if (pool.subnet.Contains(address) && pool.MayGive(address)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(refusal, "its subnet is ", pool.subnet.ToString(),
                                                 ", its gateway ", pool.gateway.ToString()));
}

}  // namespace

absl::Status NetworkManagerImpl::Check(state::ContainerConfig& config) {
  ASSIGN_OR_RETURN(const NetworkMode mode, NetworkModeOf(config));
  RETURN_IF_ERROR(WantedPorts(config).status());
  if (mode != NetworkMode::kBridge) return absl::OkStatus();
  for (state::NetworkAttachment& attachment : config.networks) {
    if (IsDefaultName(attachment.network) && attachment.ip.empty() && attachment.ip6.empty()) {
      attachment.network = kDefaultNetwork;
      continue;
    }
    ASSIGN_OR_RETURN(const Network network, NetworkOf(attachment));
    attachment.network = network.name;
    RETURN_IF_ERROR(CheckAddress(network, attachment.ip));
    RETURN_IF_ERROR(CheckAddress(network, attachment.ip6));
    if (!attachment.mac_address.empty()) {
      RETURN_IF_ERROR(net::ParseMacAddress(attachment.mac_address).status());
    }
    for (const std::string& alias : attachment.aliases) {
      if (!ResolvableName(alias).empty()) continue;
      return absl::InvalidArgumentError(absl::StrCat("\"", alias, "\" can't be a network alias"));
    }
  }
  // One network may have been given by its name and by its id.
  return NetworkModeOf(config).status();
}

absl::StatusOr<EndpointPlan> NetworkManagerImpl::PlanEndpoint(
    const state::ContainerConfig& config, const state::NetworkAttachment& wanted, Network network,
    int number, const Lease& owner) {
  EndpointPlan plan;
  plan.interface_name = absl::StrCat("eth", number);
  plan.host_interface = HostInterfaceName(config.id, number);
  plan.default_route = !network.internal;
  net::IpAddress ip;
  net::IpAddress ip6;
  if (!wanted.ip.empty()) {
    ASSIGN_OR_RETURN(ip, net::ParseIpAddress(wanted.ip));
  }
  if (!wanted.ip6.empty()) {
    ASSIGN_OR_RETURN(ip6, net::ParseIpAddress(wanted.ip6));
  }
  std::optional<net::MacAddress> mac;
  if (!wanted.mac_address.empty()) {
    ASSIGN_OR_RETURN(mac, net::ParseMacAddress(wanted.mac_address));
  }
  const auto sweep = [this] { return Sweep(); };
  Lease lease = owner;
  lease.values = {config.name.empty() ? config.id.substr(0, 12) : config.name,
                  wanted.mac_address.empty() ? "-" : wanted.mac_address};
  ASSIGN_OR_RETURN(const AddressPool pool, AddressPool::V4(network));
  ASSIGN_OR_RETURN(ip, TakeAddress(leases_, network, pool, ip, lease, sweep));
  plan.address = {ip, pool.subnet.length};
  plan.mac = mac.value_or(MacOf(ip));
  if (!network.subnet6.empty()) {
    auto pool6 = AddressPool::V6(network);
    auto taken6 = pool6.ok() ? TakeAddress(leases_, network, *pool6, ip6, lease, sweep)
                             : absl::StatusOr<net::IpAddress>(pool6.status());
    if (!taken6.ok()) {
      (void)leases_.Release(AddressLease(network, ip), config.id);
      return taken6.status();
    }
    plan.address6 = {*taken6, pool6->subnet.length};
  }
  if (network.name != kDefaultNetwork) {
    plan.aliases = wanted.aliases;
    const std::string hostname = config.hostname == config.name ? "" : config.hostname;
    for (const std::string& name : {hostname, config.name, config.id.substr(0, 12)}) {
      if (!name.empty()) plan.aliases.push_back(name);
    }
  }
  plan.network = std::move(network);
  return plan;
}

absl::Status NetworkManagerImpl::ClaimNames(const state::ContainerConfig& config,
                                            const EndpointPlan& plan, const Lease& owner) {
  Lease lease = owner;
  lease.values = {plan.address.address.ToString(),
                  plan.address6.address ? plan.address6.address.ToString() : "-"};
  for (const std::string& alias : plan.aliases) {
    const std::string name = ResolvableName(alias);
    if (name.empty()) continue;
    const std::string path = NameLease(plan.network.name, name, config.id);
    ASSIGN_OR_RETURN(const bool claimed, leases_.Claim(path, lease));
    if (claimed) continue;
    // The container's own, of a start that was killed.
    RETURN_IF_ERROR(leases_.Release(path, config.id));
    RETURN_IF_ERROR(leases_.Claim(path, lease).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<Attachment> NetworkManagerImpl::Attach(const state::ContainerConfig& config,
                                                      const ProcessIdentity& process, int netns) {
  Attachment attachment;
  ASSIGN_OR_RETURN(const NetworkMode mode, NetworkModeOf(config));
  if (mode != NetworkMode::kBridge) return attachment;
  const Lease owner = {.container = config.id, .process = process};
  std::vector<state::NetworkAttachment> wanted = config.networks;
  if (wanted.empty()) wanted.push_back({.network = kDefaultNetwork});
  std::vector<EndpointPlan> plans;
  absl::Status status = [&]() -> absl::Status {
    for (const state::NetworkAttachment& one : wanted) {
      ASSIGN_OR_RETURN(Network network, NetworkOf(one));
      ASSIGN_OR_RETURN(EndpointPlan plan, PlanEndpoint(config, one, std::move(network),
                                                       static_cast<int>(plans.size()), owner));
      attachment.endpoints.push_back(DescribeEndpoint(plan));
      plans.push_back(std::move(plan));
    }
    return AttachPlans(config, netns, owner, plans, attachment);
  }();
  if (status.ok()) return attachment;
  (void)Detach(config.id, attachment.endpoints, attachment.ports);
  return status;
}

absl::Status NetworkManagerImpl::AttachPlans(const state::ContainerConfig& config, int netns,
                                             const Lease& owner, std::vector<EndpointPlan>& plans,
                                             Attachment& attachment) {
  ClaimedPorts claimed;
  ASSIGN_OR_RETURN(std::vector<state::PortMapping> wanted_ports, WantedPorts(config));
  if (!wanted_ports.empty()) {
    ASSIGN_OR_RETURN(const PublishTarget target, TargetOf(attachment.endpoints));
    BindToHost(plans[target.endpoint].network, wanted_ports);
    ASSIGN_OR_RETURN(claimed,
                     ClaimPorts(leases_, owner, wanted_ports, target, [this] { return Sweep(); }));
    attachment.ports = claimed.mappings;
    attachment.port_holders = std::move(claimed.holders);
  }
  ASSIGN_OR_RETURN(net::NetlinkSocket * route, Route());
  for (size_t i = 0; i < plans.size(); ++i) {
    RETURN_IF_ERROR(CreateOnHost(*route, netns, plans[i]));
    attachment.endpoints[i].host_interface = plans[i].host_interface;
  }
  RETURN_IF_ERROR(SetUpInside(netns, plans));
  RETURN_IF_ERROR(SettleCarrier(*route, plans));
  RETURN_IF_ERROR(UpdateFirewall(config.id, plans, claimed.published));
  for (const EndpointPlan& plan : plans) {
    RETURN_IF_ERROR(EnsureForwarding(plan.address6.address.is_v6()));
    if (plan.network.name != kDefaultNetwork) RETURN_IF_ERROR(ClaimNames(config, plan, owner));
  }
  return absl::OkStatus();
}

absl::Status NetworkManagerImpl::ReleaseName(const std::string& network, const std::string& alias,
                                             absl::string_view id) {
  const std::string name = ResolvableName(alias);
  if (name.empty() || network == kDefaultNetwork) return absl::OkStatus();
  RETURN_IF_ERROR(leases_.Release(NameLease(network, name, id), id));
  leases_.RemoveFolder(absl::StrCat("names/", network, "/", name));
  return absl::OkStatus();
}

absl::Status NetworkManagerImpl::Rename(const state::ContainerConfig& config,
                                        std::vector<state::NetworkEndpoint>& endpoints) {
  for (state::NetworkEndpoint& endpoint : endpoints) {
    EndpointPlan plan;
    plan.network.name = endpoint.network;
    Lease owner;
    for (const std::string* text : {&endpoint.ip6, &endpoint.ip}) {
      auto address = net::ParseIpAddress(*text);
      if (!address.ok()) continue;
      (address->is_v6() ? plan.address6 : plan.address).address = *address;
      const std::string path = AddressLease(plan.network, *address);
      auto lease = leases_.Read(path);
      if (!lease || lease->container != config.id || lease->values.empty()) continue;
      lease->values[0] = config.name;
      RETURN_IF_ERROR(leases_.Replace(path, *lease));
      owner = *std::move(lease);
    }
    // The name is the last but the short id (PlanEndpoint). On the default network there is none.
    std::vector<std::string>& aliases = endpoint.aliases;
    if (aliases.size() < 2 || owner.container.empty()) continue;
    const std::string old_name = std::exchange(aliases[aliases.size() - 2], config.name);
    plan.aliases = {config.name};
    RETURN_IF_ERROR(ClaimNames(config, plan, owner));
    const bool stays = std::any_of(aliases.begin(), aliases.end(), [&](const std::string& alias) {
      return ResolvableName(alias) == ResolvableName(old_name);
    });
    if (!stays) RETURN_IF_ERROR(ReleaseName(endpoint.network, old_name, config.id));
  }
  return absl::OkStatus();
}

absl::Status NetworkManagerImpl::ReleaseEndpoint(absl::string_view id,
                                                 const state::NetworkEndpoint& endpoint) {
  Network network;
  network.name = endpoint.network;
  for (const std::string* text : {&endpoint.ip, &endpoint.ip6}) {
    auto address = net::ParseIpAddress(*text);
    if (address.ok()) RETURN_IF_ERROR(leases_.Release(AddressLease(network, *address), id));
  }
  for (const std::string& alias : endpoint.aliases) {
    RETURN_IF_ERROR(ReleaseName(endpoint.network, alias, id));
  }
  return absl::OkStatus();
}

absl::Status NetworkManagerImpl::Detach(absl::string_view id,
                                        const std::vector<state::NetworkEndpoint>& endpoints,
                                        const std::vector<state::PortMapping>& ports) {
  absl::Status status = RemoveFromFirewall(id, endpoints, ports);
  if (status.ok()) status = ForgetConnections(ports);
  for (const state::PortMapping& port : ports) {
    absl::Status released = leases_.Release(PortLease(port), id);
    if (status.ok()) status = std::move(released);
  }
  for (const state::NetworkEndpoint& endpoint : endpoints) {
    absl::Status released = ReleaseEndpoint(id, endpoint);
    if (status.ok()) status = std::move(released);
  }
  return status;
}

absl::Status NetworkManagerImpl::DeleteInterfaces(
    const std::vector<state::NetworkEndpoint>& endpoints) {
  ASSIGN_OR_RETURN(net::NetlinkSocket * route, Route());
  absl::Status status;
  for (const state::NetworkEndpoint& endpoint : endpoints) {
    if (endpoint.host_interface.empty()) continue;  // a macvlan, which has no end on the host
    net::MessageBuilder batch;
    net::DeleteLink(batch, net::LinkRef(endpoint.host_interface));
    absl::Status deleted = route->Execute(batch);
    if (GetErrno(deleted) != ENODEV) status.Update(deleted);
  }
  return status;
}

absl::StatusOr<state::NetworkEndpoint> NetworkManagerImpl::Connect(
    const state::ContainerConfig& config, const state::NetworkAttachment& wanted,
    const ProcessIdentity& process, int netns,
    const std::vector<state::NetworkEndpoint>& existing) {
  ASSIGN_OR_RETURN(Network network, NetworkOf(wanted));
  int number = 0;
  for (const state::NetworkEndpoint& endpoint : existing) {
    if (endpoint.network == network.name) {
      return absl::AlreadyExistsError(
          absl::StrCat("the container is on network ", network.name, " already"));
    }
    int used = 0;
    if (absl::SimpleAtoi(absl::string_view(endpoint.interface_name).substr(3), &used)) {
      number = std::max(number, used + 1);
    }
  }
  const Lease owner = {.container = config.id, .process = process};
  ASSIGN_OR_RETURN(EndpointPlan plan,
                   PlanEndpoint(config, wanted, std::move(network), number, owner));
  Attachment attachment;
  attachment.endpoints = {DescribeEndpoint(plan)};
  state::NetworkEndpoint& endpoint = attachment.endpoints.front();
  // Until it is made, the name may be that of another interface of the container's.
  endpoint.host_interface.clear();
  std::vector<EndpointPlan> plans = {std::move(plan)};
  state::ContainerConfig without_ports = config;
  without_ports.ports.clear();
  without_ports.publish_all = false;
  absl::Status status = AttachPlans(without_ports, netns, owner, plans, attachment);
  if (status.ok()) return std::move(endpoint);
  const bool macvlan = plans.front().network.driver == "macvlan";
  if (macvlan || !endpoint.host_interface.empty()) {
    (void)Disconnect(config.id, endpoint, netns, existing);
  }
  (void)ReleaseEndpoint(config.id, endpoint);
  return status;
}

absl::Status NetworkManagerImpl::Disconnect(absl::string_view id,
                                            const state::NetworkEndpoint& endpoint, int netns,
                                            const std::vector<state::NetworkEndpoint>& remaining) {
  ASSIGN_OR_RETURN(net::NetlinkSocket inside, net::NetlinkSocket::OpenIn(netns, NETLINK_ROUTE));
  net::MessageBuilder batch;
  if (endpoint.host_interface.empty()) {
    net::DeleteLink(batch, net::LinkRef(endpoint.interface_name));
    RETURN_IF_ERROR(inside.Execute(batch));
  } else {
    // By the end that the container can neither rename nor move away.
    RETURN_IF_ERROR(DeleteInterfaces({endpoint}));
  }
  // The default route may have gone with it.
  batch.Clear();
  for (const state::NetworkEndpoint& other : remaining) {
    const auto network = files_.Read(other.network);
    const auto link = net::GetLink(inside, net::LinkRef(other.interface_name));
    if (network.ok() && !network->internal && link.ok()) {
      AddDefaultRoutes(batch, *network, !other.ip6.empty(), link->index);
    }
  }
  // An interface that the container has taken down can't have it.
  (void)inside.Execute(batch);
  RETURN_IF_ERROR(RemoveFromFirewall(id, {endpoint}, {}));
  return ReleaseEndpoint(id, endpoint);
}

}  // namespace tiny::runtime
