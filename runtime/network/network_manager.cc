#include "runtime/network/network_manager.h"

#include <errno.h>
#include <linux/netlink.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "net/link.h"
#include "net/network_namespace.h"
#include "runtime/network/address_pool.h"
#include "runtime/network/container_files.h"
#include "runtime/network/endpoint.h"
#include "runtime/network/firewall.h"
#include "runtime/network/host_bridge.h"
#include "runtime/network/lease_store.h"
#include "runtime/network/network_store.h"
#include "runtime/network/port_publisher.h"
#include "runtime/network/resolver.h"

namespace tiny::runtime {
namespace {

constexpr char kDefaultNetwork[] = "bridge";
// What bridge_address was when the default network's subnet was chosen.
constexpr char kRequestedOption[] = "tiny.requested";

bool IsDefaultName(absl::string_view name) {
  return name.empty() || name == kDefaultNetwork || name == "default";
}

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

class NetworkManagerImpl : public NetworkManager {
 public:
  NetworkManagerImpl(NetworkManagerOptions options, LeaseStore leases)
      : options_(std::move(options)), files_(options_.root), leases_(std::move(leases)) {}

  absl::StatusOr<Network> Create(Network wanted) override;
  absl::StatusOr<std::vector<Network>> List(std::vector<std::string>* damaged) override;
  absl::StatusOr<Network> Inspect(absl::string_view reference) override;
  absl::StatusOr<std::map<std::string, state::NetworkEndpoint>> Endpoints(
      const Network& network) override;
  absl::StatusOr<std::string> Remove(absl::string_view reference) override;
  absl::Status Check(const state::ContainerConfig& config) override;
  absl::StatusOr<Attachment> Attach(const state::ContainerConfig& config, pid_t pid,
                                    int netns) override;
  absl::Status Detach(absl::string_view id, const std::vector<state::NetworkEndpoint>& endpoints,
                      const std::vector<state::PortMapping>& ports) override;
  absl::StatusOr<state::NetworkEndpoint> Connect(
      const state::ContainerConfig& config, const state::NetworkAttachment& wanted, pid_t pid,
      int netns, const std::vector<state::NetworkEndpoint>& existing) override;
  absl::Status Disconnect(absl::string_view id, const state::NetworkEndpoint& endpoint,
                          int netns) override;
  absl::StatusOr<std::vector<state::PortMapping>> Publish(
      absl::string_view id, pid_t pid, const std::vector<state::NetworkEndpoint>& endpoints,
      const std::vector<state::PortMapping>& ports) override;
  absl::Status Unpublish(absl::string_view id,
                         const std::vector<state::PortMapping>& ports) override;
  std::vector<UniqueFd> HoldPorts(const std::vector<state::PortMapping>& ports) override;
  absl::Status Sweep() override;
  absl::Status Reload() override;
  std::string HostsFile(const state::ContainerConfig& config,
                        const std::vector<state::NetworkEndpoint>& endpoints) override;
  std::string ResolvConf(const state::ContainerConfig& config,
                         const std::vector<state::NetworkEndpoint>& endpoints) override;

 private:
  absl::StatusOr<net::NetlinkSocket*> Route();
  absl::StatusOr<net::NetlinkSocket*> Netfilter();
  absl::StatusOr<Network> DefaultNetwork(std::vector<std::string>* notes);
  absl::StatusOr<Network> NetworkOf(const state::NetworkAttachment& attachment,
                                    std::vector<std::string>* notes);
  absl::StatusOr<std::vector<TakenPrefix>> Taken(absl::string_view except_network,
                                                 absl::string_view except_interface);
  absl::StatusOr<EndpointPlan> PlanEndpoint(const state::ContainerConfig& config,
                                            const state::NetworkAttachment& wanted, Network network,
                                            int number, bool default_route, const Lease& owner);
  absl::Status ClaimNames(const state::ContainerConfig& config, const EndpointPlan& plan,
                          const Lease& owner);
  absl::Status AttachPlans(const state::ContainerConfig& config, int netns, const Lease& owner,
                           std::vector<EndpointPlan>& plans, Attachment& attachment);
  absl::Status UpdateFirewall(const std::vector<EndpointPlan>& plans,
                              const std::vector<PublishedPort>& ports);
  absl::Status RebuildFirewall();
  absl::StatusOr<std::vector<PublishedPort>> LivePorts();
  absl::Status ReleaseEndpoint(absl::string_view id, const state::NetworkEndpoint& endpoint);
  static absl::StatusOr<PublishTarget> TargetOf(
      const std::vector<state::NetworkEndpoint>& endpoints);

  NetworkManagerOptions options_;
  NetworkStore files_;
  LeaseStore leases_;
  std::optional<net::NetlinkSocket> route_;
  std::optional<net::NetlinkSocket> netfilter_;
};

absl::StatusOr<net::NetlinkSocket*> NetworkManagerImpl::Route() {
  if (!route_) {
    ASSIGN_OR_RETURN(route_, net::NetlinkSocket::Open(NETLINK_ROUTE));
  }
  return &*route_;
}

absl::StatusOr<net::NetlinkSocket*> NetworkManagerImpl::Netfilter() {
  if (!netfilter_) {
    auto socket = net::NetlinkSocket::Open(NETLINK_NETFILTER);
    if (!socket.ok()) {
      return WithHint(
          socket.status(),
          "The kernel lacks nfnetlink: load the module nf_tables, or use --network none "
          "or host.");
    }
    netfilter_ = *std::move(socket);
  }
  return &*netfilter_;
}

absl::StatusOr<std::vector<TakenPrefix>> NetworkManagerImpl::Taken(
    absl::string_view except_network, absl::string_view except_interface) {
  ASSIGN_OR_RETURN(net::NetlinkSocket * route, Route());
  ASSIGN_OR_RETURN(std::vector<TakenPrefix> taken, RoutedPrefixes(*route, except_interface));
  ASSIGN_OR_RETURN(const std::vector<Network> networks, files_.List(nullptr));
  for (const Network& network : networks) {
    if (network.name == except_network) continue;
    for (const std::string* subnet : {&network.subnet, &network.subnet6}) {
      auto prefix = net::ParseIpPrefix(*subnet);
      if (prefix.ok()) {
        taken.push_back({*prefix, absl::StrCat("the subnet of network ", network.name)});
      }
    }
  }
  return taken;
}

absl::StatusOr<Network> NetworkManagerImpl::DefaultNetwork(std::vector<std::string>* notes) {
  auto found = files_.Read(kDefaultNetwork);
  if (found.ok()) {
    const auto requested = found->options.find(kRequestedOption);
    if (requested != found->options.end() && requested->second == options_.bridge_address &&
        found->interface_name == options_.bridge_name) {
      return found;
    }
    if (!leases_.List("addresses/bridge").empty()) return found;
  } else if (found.status().code() != absl::StatusCode::kNotFound) {
    return found;
  }
  // First use, or the options have changed. One process decides.
  ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kExclusive));
  if (auto again = files_.Read(kDefaultNetwork); !found.ok() && again.ok()) return again;
  Network network;
  network.name = kDefaultNetwork;
  network.created_at = absl::Now();
  network.interface_name = options_.bridge_name;
  network.options[kRequestedOption] = options_.bridge_address;
  ASSIGN_OR_RETURN(network.id, MakeNetworkId());
  ASSIGN_OR_RETURN(const net::IpPrefix wanted, net::ParseIpPrefix(options_.bridge_address));
  network.subnet = net::IpPrefix{wanted.First(), wanted.length}.ToString();
  network.gateway = wanted.address.ToString();
  ASSIGN_OR_RETURN(const std::vector<TakenPrefix> taken,
                   Taken(kDefaultNetwork, options_.bridge_name));
  if (const TakenPrefix* other = FindOverlap(wanted, taken)) {
    const std::string why = absl::StrCat(network.subnet, " overlaps ", other->by);
    ASSIGN_OR_RETURN(const net::IpPrefix free, ChooseSubnet(taken));
    network.subnet = free.ToString();
    network.gateway.clear();
    if (notes != nullptr) {
      notes->push_back(absl::StrCat(why, ": the default network uses ", network.subnet));
    }
  }
  RETURN_IF_ERROR(CompleteNetwork(network, taken));
  RETURN_IF_ERROR(files_.Write(network, /*replace=*/true));
  return network;
}

absl::StatusOr<Network> NetworkManagerImpl::NetworkOf(const state::NetworkAttachment& attachment,
                                                      std::vector<std::string>* notes) {
  if (IsDefaultName(attachment.network)) return DefaultNetwork(notes);
  auto network = files_.Find(attachment.network);
  if (network.status().code() == absl::StatusCode::kNotFound) {
    return WithHint(network.status(),
                    absl::StrCat("Make it with: tiny network create ", attachment.network));
  }
  return network;
}

// --- Networks

absl::StatusOr<Network> NetworkManagerImpl::Create(Network wanted) {
  RETURN_IF_ERROR(ValidateNetworkName(wanted.name));
  // The default network comes first, so that its subnet is not given to another.
  RETURN_IF_ERROR(DefaultNetwork(nullptr).status());
  ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kExclusive));
  ASSIGN_OR_RETURN(wanted.id, MakeNetworkId());
  wanted.created_at = absl::Now();
  // A macvlan's subnet is that of its parent, whose route covers it.
  const bool is_macvlan = wanted.driver == "macvlan";
  ASSIGN_OR_RETURN(const std::vector<TakenPrefix> taken, Taken(wanted.name, wanted.interface_name));
  RETURN_IF_ERROR(CompleteNetwork(wanted, is_macvlan ? std::vector<TakenPrefix>() : taken));
  RETURN_IF_ERROR(files_.Write(wanted, /*replace=*/false));
  return wanted;
}

absl::StatusOr<std::vector<Network>> NetworkManagerImpl::List(std::vector<std::string>* damaged) {
  RETURN_IF_ERROR(DefaultNetwork(nullptr).status());
  return files_.List(damaged);
}

absl::StatusOr<Network> NetworkManagerImpl::Inspect(absl::string_view reference) {
  return NetworkOf({.network = std::string(reference)}, nullptr);
}

absl::StatusOr<std::map<std::string, state::NetworkEndpoint>> NetworkManagerImpl::Endpoints(
    const Network& network) {
  std::map<std::string, state::NetworkEndpoint> endpoints;
  Liveness liveness;
  const std::string folder = absl::StrCat("addresses/", network.name);
  for (const std::string& text : leases_.List(folder)) {
    const auto lease = leases_.Read(absl::StrCat(folder, "/", text));
    auto address = net::ParseIpAddress(text);
    if (!lease || !address.ok() || !liveness.IsAlive(*lease)) continue;
    state::NetworkEndpoint& endpoint = endpoints[lease->container];
    endpoint.network = network.name;
    auto subnet = net::ParseIpPrefix(address->is_v4() ? network.subnet : network.subnet6);
    const int length = subnet.ok() ? subnet->length : 0;
    if (address->is_v4()) {
      endpoint.ip = text;
      endpoint.prefix_length = length;
      endpoint.gateway = network.gateway;
      if (lease->values.size() >= 2) {
        endpoint.aliases = {lease->values[0]};
        endpoint.mac_address = lease->values[1];
      }
    } else {
      endpoint.ip6 = text;
      endpoint.prefix_length6 = length;
      endpoint.gateway6 = network.gateway6;
    }
  }
  return endpoints;
}

absl::StatusOr<std::string> NetworkManagerImpl::Remove(absl::string_view reference) {
  if (IsDefaultName(reference)) {
    return absl::FailedPreconditionError("the default network can't be removed");
  }
  ASSIGN_OR_RETURN(const Network network, files_.Find(reference));
  if (network.name == kDefaultNetwork) {
    return absl::FailedPreconditionError("the default network can't be removed");
  }
  ASSIGN_OR_RETURN(const auto endpoints, Endpoints(network));
  if (!endpoints.empty()) {
    return WithHint(absl::FailedPreconditionError(absl::StrCat(
                        "network ", network.name, " has ", endpoints.size(),
                        " active endpoints: container ", endpoints.begin()->first.substr(0, 12))),
                    "Stop or disconnect its containers first.");
  }
  RETURN_IF_ERROR(Sweep());
  RETURN_IF_ERROR(files_.Remove(network.name));
  ASSIGN_OR_RETURN(net::NetlinkSocket * route, Route());
  RETURN_IF_ERROR(DeleteBridge(*route, network));
  ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
  RETURN_IF_ERROR(Firewall::Remove(*netfilter, Firewall::EntriesOf(network)));
  leases_.RemoveFolder(absl::StrCat("addresses/", network.name));
  leases_.RemoveFolder(absl::StrCat("names/", network.name));
  return network.name;
}

// --- Containers

absl::Status NetworkManagerImpl::Check(const state::ContainerConfig& config) {
  ASSIGN_OR_RETURN(const NetworkMode mode, NetworkModeOf(config));
  RETURN_IF_ERROR(WantedPorts(config).status());
  if (mode != NetworkMode::kBridge) return absl::OkStatus();
  for (const state::NetworkAttachment& attachment : config.networks) {
    if (IsDefaultName(attachment.network) && attachment.ip.empty()) continue;
    ASSIGN_OR_RETURN(const Network network, NetworkOf(attachment, nullptr));
    if (!attachment.ip.empty()) {
      ASSIGN_OR_RETURN(const AddressPool pool, AddressPool::V4(network));
      ASSIGN_OR_RETURN(const net::IpAddress address, net::ParseIpAddress(attachment.ip));
      if (!pool.subnet.Contains(address) || !pool.MayGive(address)) {
        return absl::InvalidArgumentError(
            absl::StrCat(attachment.ip, " can't be had on network ", network.name,
                         ": its subnet is ", network.subnet, ", its gateway ", network.gateway));
      }
    }
    if (!attachment.mac_address.empty()) {
      RETURN_IF_ERROR(net::ParseMacAddress(attachment.mac_address).status());
    }
    for (const std::string& alias : attachment.aliases) {
      if (!ResolvableName(alias).empty()) continue;
      return absl::InvalidArgumentError(absl::StrCat("\"", alias, "\" can't be a network alias"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<EndpointPlan> NetworkManagerImpl::PlanEndpoint(
    const state::ContainerConfig& config, const state::NetworkAttachment& wanted, Network network,
    int number, bool default_route, const Lease& owner) {
  EndpointPlan plan;
  plan.interface_name = absl::StrCat("eth", number);
  plan.host_interface = HostInterfaceName(config.id, number);
  plan.default_route = default_route && !network.internal;
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
    for (const std::string& name : {config.name, config.id.substr(0, 12)}) {
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
                                                      pid_t pid, int netns) {
  Attachment attachment;
  ASSIGN_OR_RETURN(const NetworkMode mode, NetworkModeOf(config));
  if (mode == NetworkMode::kHost || mode == NetworkMode::kContainer) return attachment;
  if (mode == NetworkMode::kNone) {
    RETURN_IF_ERROR(SetUpInside(netns, {}));
    return attachment;
  }
  Lease owner;
  owner.container = config.id;
  ASSIGN_OR_RETURN(owner.process, IdentifyProcess(pid));
  std::vector<state::NetworkAttachment> wanted = config.networks;
  if (wanted.empty()) wanted.push_back({.network = kDefaultNetwork});
  std::vector<EndpointPlan> plans;
  absl::Status status = [&]() -> absl::Status {
    bool has_default_route = false;
    for (const state::NetworkAttachment& one : wanted) {
      ASSIGN_OR_RETURN(Network network, NetworkOf(one, &attachment.notes));
      ASSIGN_OR_RETURN(EndpointPlan plan,
                       PlanEndpoint(config, one, std::move(network), static_cast<int>(plans.size()),
                                    !has_default_route, owner));
      has_default_route |= plan.default_route;
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
  ASSIGN_OR_RETURN(const std::vector<state::PortMapping> wanted_ports, WantedPorts(config));
  if (!wanted_ports.empty()) {
    ASSIGN_OR_RETURN(const PublishTarget target, TargetOf(attachment.endpoints));
    ASSIGN_OR_RETURN(claimed,
                     ClaimPorts(leases_, owner, wanted_ports, target, [this] { return Sweep(); }));
    attachment.ports = claimed.mappings;
    attachment.port_holders = std::move(claimed.holders);
  }
  ASSIGN_OR_RETURN(net::NetlinkSocket * route, Route());
  for (EndpointPlan& plan : plans) RETURN_IF_ERROR(CreateOnHost(*route, netns, plan));
  RETURN_IF_ERROR(SetUpInside(netns, plans));
  RETURN_IF_ERROR(UpdateFirewall(plans, claimed.published));
  for (const EndpointPlan& plan : plans) {
    RETURN_IF_ERROR(EnsureForwarding(plan.address6.address.is_v6()));
    if (plan.network.name != kDefaultNetwork) RETURN_IF_ERROR(ClaimNames(config, plan, owner));
  }
  return absl::OkStatus();
}

absl::Status NetworkManagerImpl::UpdateFirewall(const std::vector<EndpointPlan>& plans,
                                                const std::vector<PublishedPort>& ports) {
  const bool only_macvlan =
      !plans.empty() && std::all_of(plans.begin(), plans.end(), [](const EndpointPlan& plan) {
        return plan.network.driver == "macvlan";
      });
  if (only_macvlan && ports.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
  ASSIGN_OR_RETURN(const bool complete, Firewall::IsComplete(*netfilter));
  if (!complete) return RebuildFirewall();
  std::vector<Firewall::Entry> entries;
  for (const PublishedPort& port : ports) {
    for (Firewall::Entry& entry : Firewall::EntriesOf(port)) entries.push_back(std::move(entry));
  }
  const bool bridge_created = std::any_of(
      plans.begin(), plans.end(), [](const EndpointPlan& plan) { return plan.bridge_created; });
  if (entries.empty() && !bridge_created) return absl::OkStatus();
  // As a transaction is due anyway, it also restores what someone may have taken out.
  for (const EndpointPlan& plan : plans) {
    for (Firewall::Entry& entry : Firewall::EntriesOf(plan.network)) {
      entries.push_back(std::move(entry));
    }
  }
  // Against a rebuild that has read the leases before these ports were claimed.
  ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kShared));
  absl::Status added = Firewall::Add(*netfilter, entries);
  if (GetErrno(added) != EEXIST && GetErrno(added) != EBUSY) return added;
  // An element of a dead container has the key: the leases say that it is ours.
  return RebuildFirewall();
}

absl::StatusOr<std::vector<PublishedPort>> NetworkManagerImpl::LivePorts() {
  std::vector<PublishedPort> ports;
  Liveness liveness;
  for (const std::string& name : leases_.List("ports")) {
    const auto lease = leases_.Read(absl::StrCat("ports/", name));
    if (!lease || !liveness.IsAlive(*lease)) continue;
    if (auto port = ParsePortLease(name, *lease)) ports.push_back(*std::move(port));
  }
  return ports;
}

absl::Status NetworkManagerImpl::RebuildFirewall() {
  ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
  ASSIGN_OR_RETURN(const std::vector<Network> networks, files_.List(nullptr));
  ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kExclusive));
  ASSIGN_OR_RETURN(const std::vector<PublishedPort> ports, LivePorts());
  return Firewall::Rebuild(*netfilter, networks, ports);
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
    const std::string name = ResolvableName(alias);
    if (name.empty() || endpoint.network == kDefaultNetwork) continue;
    RETURN_IF_ERROR(leases_.Release(NameLease(endpoint.network, name, id), id));
    leases_.RemoveFolder(absl::StrCat("names/", endpoint.network, "/", name));
  }
  return absl::OkStatus();
}

absl::Status NetworkManagerImpl::Detach(absl::string_view id,
                                        const std::vector<state::NetworkEndpoint>& endpoints,
                                        const std::vector<state::PortMapping>& ports) {
  absl::Status status = Unpublish(id, ports);
  for (const state::NetworkEndpoint& endpoint : endpoints) {
    absl::Status released = ReleaseEndpoint(id, endpoint);
    if (status.ok()) status = std::move(released);
  }
  return status;
}

absl::StatusOr<state::NetworkEndpoint> NetworkManagerImpl::Connect(
    const state::ContainerConfig& config, const state::NetworkAttachment& wanted, pid_t pid,
    int netns, const std::vector<state::NetworkEndpoint>& existing) {
  ASSIGN_OR_RETURN(Network network, NetworkOf(wanted, nullptr));
  int number = 0;
  bool has_default_route = false;
  for (const state::NetworkEndpoint& endpoint : existing) {
    if (endpoint.network == network.name) {
      return absl::AlreadyExistsError(
          absl::StrCat("the container is on network ", network.name, " already"));
    }
    int used = 0;
    if (absl::SimpleAtoi(absl::string_view(endpoint.interface_name).substr(3), &used)) {
      number = std::max(number, used + 1);
    }
    auto other = files_.Read(endpoint.network);
    has_default_route |= other.ok() && !other->internal;
  }
  Lease owner;
  owner.container = config.id;
  ASSIGN_OR_RETURN(owner.process, IdentifyProcess(pid));
  ASSIGN_OR_RETURN(EndpointPlan plan, PlanEndpoint(config, wanted, std::move(network), number,
                                                   !has_default_route, owner));
  const state::NetworkEndpoint endpoint = DescribeEndpoint(plan);
  std::vector<EndpointPlan> plans = {std::move(plan)};
  Attachment attachment;
  attachment.endpoints = {endpoint};
  state::ContainerConfig without_ports = config;
  without_ports.ports.clear();
  without_ports.publish_all = false;
  absl::Status status = AttachPlans(without_ports, netns, owner, plans, attachment);
  if (status.ok()) return endpoint;
  (void)Disconnect(config.id, endpoint, netns);
  return status;
}

absl::Status NetworkManagerImpl::Disconnect(absl::string_view id,
                                            const state::NetworkEndpoint& endpoint, int netns) {
  ASSIGN_OR_RETURN(net::NetlinkSocket inside, net::NetlinkSocket::OpenIn(netns, NETLINK_ROUTE));
  net::MessageBuilder batch;
  net::DeleteLink(batch, net::LinkRef(endpoint.interface_name));
  absl::Status status = inside.Execute(batch);
  if (!status.ok() && GetErrno(status) != ENODEV) return status;
  return ReleaseEndpoint(id, endpoint);
}

absl::StatusOr<PublishTarget> NetworkManagerImpl::TargetOf(
    const std::vector<state::NetworkEndpoint>& endpoints) {
  for (const state::NetworkEndpoint& endpoint : endpoints) {
    if (endpoint.host_interface.empty()) continue;  // a macvlan is on the outer network itself
    PublishTarget target;
    ASSIGN_OR_RETURN(target.address, net::ParseIpAddress(endpoint.ip));
    if (!endpoint.ip6.empty()) {
      ASSIGN_OR_RETURN(target.address6, net::ParseIpAddress(endpoint.ip6));
    }
    return target;
  }
  return absl::InvalidArgumentError(
      "ports can only be published by a container on a bridge network");
}

absl::StatusOr<std::vector<state::PortMapping>> NetworkManagerImpl::Publish(
    absl::string_view id, pid_t pid, const std::vector<state::NetworkEndpoint>& endpoints,
    const std::vector<state::PortMapping>& ports) {
  ASSIGN_OR_RETURN(const PublishTarget target, TargetOf(endpoints));
  Lease owner;
  owner.container = std::string(id);
  ASSIGN_OR_RETURN(owner.process, IdentifyProcess(pid));
  ASSIGN_OR_RETURN(const ClaimedPorts claimed,
                   ClaimPorts(leases_, owner, ports, target, [this] { return Sweep(); }));
  absl::Status status = UpdateFirewall({}, claimed.published);
  if (status.ok()) return claimed.mappings;
  (void)Unpublish(id, claimed.mappings);
  return status;
}

absl::Status NetworkManagerImpl::Unpublish(absl::string_view id,
                                           const std::vector<state::PortMapping>& ports) {
  std::vector<Firewall::Entry> entries;
  for (const state::PortMapping& port : ports) {
    const std::string path = PortLease(port);
    const auto lease = leases_.Read(path);
    if (!lease || lease->container != id) continue;
    auto published = ParsePortLease(path.substr(path.find('/') + 1), *lease);
    if (!published) continue;
    for (Firewall::Entry& entry : Firewall::EntriesOf(*published)) {
      entries.push_back(std::move(entry));
    }
  }
  if (!entries.empty()) {
    ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
    // The leases go last: while one is there, a sweep can still find its elements.
    RETURN_IF_ERROR(Firewall::Remove(*netfilter, entries));
  }
  for (const state::PortMapping& port : ports) {
    RETURN_IF_ERROR(leases_.Release(PortLease(port), id));
  }
  return absl::OkStatus();
}

std::vector<UniqueFd> NetworkManagerImpl::HoldPorts(const std::vector<state::PortMapping>& ports) {
  std::vector<UniqueFd> holders;
  for (state::PortMapping port : ports) {
    auto holder = HoldPort(port);
    if (holder.ok() && *holder) holders.push_back(*std::move(holder));
  }
  return holders;
}

absl::Status NetworkManagerImpl::Sweep() {
  Liveness liveness;
  std::vector<std::string> dead;
  std::vector<Firewall::Entry> entries;
  const auto consider = [&](const std::string& path) {
    const auto lease = leases_.Read(path);
    if (!lease || liveness.IsAlive(*lease)) return;
    dead.push_back(path);
    if (path.compare(0, 6, "ports/") != 0) return;
    if (const auto port = ParsePortLease(path.substr(6), *lease)) {
      for (Firewall::Entry& entry : Firewall::EntriesOf(*port)) entries.push_back(std::move(entry));
    }
  };
  for (const std::string& port : leases_.List("ports")) consider(absl::StrCat("ports/", port));
  for (const std::string& network : leases_.List("addresses")) {
    const std::string folder = absl::StrCat("addresses/", network);
    for (const std::string& name : leases_.List(folder)) consider(absl::StrCat(folder, "/", name));
  }
  std::vector<std::string> folders;
  for (const std::string& network : leases_.List("names")) {
    for (const std::string& name : leases_.List(absl::StrCat("names/", network))) {
      const std::string folder = absl::StrCat("names/", network, "/", name);
      for (const std::string& id : leases_.List(folder)) consider(absl::StrCat(folder, "/", id));
      folders.push_back(folder);
    }
  }
  if (dead.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kExclusive));
  if (!entries.empty()) {
    ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
    RETURN_IF_ERROR(Firewall::Remove(*netfilter, entries));
  }
  for (const std::string& path : dead) leases_.ReleaseDead(path, liveness);
  for (const std::string& folder : folders) leases_.RemoveFolder(folder);
  return absl::OkStatus();
}

absl::Status NetworkManagerImpl::Reload() {
  RETURN_IF_ERROR(Sweep());
  RETURN_IF_ERROR(DefaultNetwork(nullptr).status());
  ASSIGN_OR_RETURN(const std::vector<Network> networks, files_.List(nullptr));
  ASSIGN_OR_RETURN(net::NetlinkSocket * route, Route());
  for (const Network& network : networks) {
    if (network.driver != "bridge" ||
        leases_.List(absl::StrCat("addresses/", network.name)).empty()) {
      continue;
    }
    net::MessageBuilder batch;
    ASSIGN_OR_RETURN(const HostBridge bridge, EnsureBridge(*route, network, batch));
    // A veth that has lost its bridge is put back: its name says that it is tiny's, its lease
    // where.
    ASSIGN_OR_RETURN(const std::vector<net::LinkInfo> links, net::ListLinks(*route));
    ASSIGN_OR_RETURN(const auto endpoints, Endpoints(network));
    for (const net::LinkInfo& link : links) {
      const bool ours = std::any_of(endpoints.begin(), endpoints.end(), [&](const auto& entry) {
        return link.name.compare(0, 14, HostInterfaceName(entry.first, 0).substr(0, 14)) == 0;
      });
      if (ours && link.kind == "veth" && (link.master == 0 || !link.up())) {
        net::ChangeLink(
            batch, net::LinkRef(link.index),
            {.up = true,
             .master = link.master == 0 ? std::optional<int>(bridge.index) : std::nullopt});
      }
    }
    RETURN_IF_ERROR(route->Execute(batch));
    RETURN_IF_ERROR(EnsureSysctls(network));
  }
  RETURN_IF_ERROR(EnsureForwarding(false));
  return RebuildFirewall();
}

std::string NetworkManagerImpl::HostsFile(const state::ContainerConfig& config,
                                          const std::vector<state::NetworkEndpoint>& endpoints) {
  std::string gateway = endpoints.empty() ? "127.0.0.1" : endpoints.front().gateway;
  return MakeHostsFile(config, endpoints, gateway);
}

std::string NetworkManagerImpl::ResolvConf(const state::ContainerConfig& config,
                                           const std::vector<state::NetworkEndpoint>& endpoints) {
  return MakeResolvConf(config, ReadHostResolvConf("/etc/resolv.conf"), NeedsResolver(endpoints));
}

}  // namespace

bool NeedsResolver(const std::vector<state::NetworkEndpoint>& endpoints) {
  return std::any_of(endpoints.begin(), endpoints.end(),
                     [](const auto& endpoint) { return endpoint.network != kDefaultNetwork; });
}

absl::StatusOr<std::unique_ptr<NetworkManager>> NetworkManager::Open(
    NetworkManagerOptions options) {
  ASSIGN_OR_RETURN(LeaseStore leases, LeaseStore::Open(options.run_root));
  return std::make_unique<NetworkManagerImpl>(std::move(options), std::move(leases));
}

}  // namespace tiny::runtime
