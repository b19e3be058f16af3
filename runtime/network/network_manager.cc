#include "runtime/network/network_manager.h"

#include <errno.h>
#include <linux/netlink.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/random_id.h"
#include "base/status_macros.h"
#include "net/link.h"
#include "runtime/network/container_files.h"
#include "runtime/network/driver_options.h"
#include "runtime/network/host_bridge.h"
#include "runtime/network/network_manager_impl.h"
#include "runtime/network/resolver.h"
#include "state/events.h"

namespace tiny::runtime {
namespace {

// What bridge_address was when the default network's subnet was chosen.
constexpr char kRequestedOption[] = "tiny.requested";
// Always the same, as it can be seen before there is a file that would keep it.
constexpr char kDefaultNetworkId[] =
    "7d0b6e52c1f94a38a5e3d2964c8f1b07e96a2d5cb3410f8e7c59d1a6042b8e3f";

// A log that can't be written fails nothing.
void LogNetworkEvent(const std::string& root, absl::string_view action, const Network& network) {
  state::Event event;
  event.type = "network";
  event.action = std::string(action);
  event.id = network.id;
  event.attributes = {{"name", network.name}, {"type", network.driver}};
  state::AppendEvents(root, {std::move(event)}).IgnoreError();
}

bool IsOnHost(const state::ContainerConfig& config) {
  const absl::StatusOr<NetworkMode> mode = NetworkModeOf(config);
  return mode.ok() && *mode == NetworkMode::kHost;
}

// Of a file of the host; empty where it can't be read.
std::string TextOf(absl::string_view path) { return ReadFile(path).value_or(""); }

}  // namespace

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

absl::StatusOr<Network> NetworkManagerImpl::DefaultNetwork(Use use) {
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
  // Not used yet, or the options have changed.
  if (use == Use::kLook) return MakeDefaultNetwork();
  // One process decides.
  ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kExclusive));
  if (auto again = files_.Read(kDefaultNetwork); !found.ok() && again.ok()) return again;
  std::string why;
  ASSIGN_OR_RETURN(Network network, MakeDefaultNetwork(&why));
  if (!why.empty() && options_.note) {
    options_.note(absl::StrCat(why, ": the default network uses ", network.subnet));
  }
  RETURN_IF_ERROR(files_.Write(network, /*replace=*/true));
  return network;
}

absl::StatusOr<Network> NetworkManagerImpl::MakeDefaultNetwork(std::string* moved) {
  Network network;
  network.id = kDefaultNetworkId;
  network.name = kDefaultNetwork;
  network.created_at = absl::Now();
  network.interface_name = options_.bridge_name;
  network.options[kRequestedOption] = options_.bridge_address;
  ASSIGN_OR_RETURN(const net::IpPrefix wanted, net::ParseIpPrefix(options_.bridge_address));
  network.subnet = net::IpPrefix{wanted.First(), wanted.length}.ToString();
  network.gateway = wanted.address.ToString();
  ASSIGN_OR_RETURN(const std::vector<TakenPrefix> taken,
                   Taken(kDefaultNetwork, options_.bridge_name));
  if (const TakenPrefix* other = FindOverlap(wanted, taken)) {
    if (moved != nullptr) *moved = absl::StrCat(network.subnet, " overlaps ", other->by);
    ASSIGN_OR_RETURN(const net::IpPrefix free, ChooseSubnet(taken));
    network.subnet = free.ToString();
    network.gateway.clear();
  }
  RETURN_IF_ERROR(CompleteNetwork(network, taken));
  return network;
}

absl::StatusOr<Network> NetworkManagerImpl::NetworkOf(const state::NetworkAttachment& attachment,
                                                      Use use) {
  if (IsDefaultName(attachment.network)) return DefaultNetwork(use);
  auto network = files_.Find(attachment.network);
  if (network.status().code() == absl::StatusCode::kNotFound) {
    if (absl::StartsWith(kDefaultNetworkId, attachment.network)) return DefaultNetwork(use);
    return WithHint(network.status(),
                    absl::StrCat("Make it with: tiny network create ", attachment.network));
  }
  return network;
}

// Two networks on one bridge would be one, and a bridge that is there already is not tiny's.
absl::Status NetworkManagerImpl::CheckBridgeName(const Network& wanted) {
  const std::string& name = wanted.interface_name;
  const std::string hint = absl::StrCat("Choose another name with -o ", kBridgeNameOption,
                                        "=NAME, or none: tiny then makes one.");
  ASSIGN_OR_RETURN(const std::vector<Network> networks, files_.List(nullptr));
  for (const Network& other : networks) {
    if (other.interface_name != name) continue;
    return WithHint(absl::AlreadyExistsError(
                        absl::StrCat("the bridge ", name, " is that of network ", other.name)),
                    hint);
  }
  ASSIGN_OR_RETURN(net::NetlinkSocket * route, Route());
  const auto link = net::GetLink(*route, net::LinkRef(name));
  if (GetErrno(link.status()) == ENODEV) return absl::OkStatus();
  RETURN_IF_ERROR(link.status());
  return WithHint(
      absl::AlreadyExistsError(absl::StrCat("the interface ", name,
                                            " exists already: it can't be a new network's bridge")),
      hint);
}

absl::StatusOr<Network> NetworkManagerImpl::Create(Network wanted) {
  RETURN_IF_ERROR(ValidateNetworkName(wanted.name));
  RETURN_IF_ERROR(CheckDriverOptions(wanted));
  // The default network comes first, so that its subnet is not given to another.
  RETURN_IF_ERROR(DefaultNetwork().status());
  ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kExclusive));
  ASSIGN_OR_RETURN(wanted.id, RandomId());
  wanted.created_at = absl::Now();
  // A macvlan's subnet is that of its parent, whose route covers it.
  const bool is_macvlan = wanted.driver == "macvlan";
  ASSIGN_OR_RETURN(const std::vector<TakenPrefix> taken, Taken(wanted.name, wanted.interface_name));
  RETURN_IF_ERROR(CompleteNetwork(wanted, is_macvlan ? std::vector<TakenPrefix>() : taken));
  if (!is_macvlan) RETURN_IF_ERROR(CheckBridgeName(wanted));
  RETURN_IF_ERROR(files_.Write(wanted, /*replace=*/false));
  LogNetworkEvent(options_.root, "create", wanted);
  return wanted;
}

absl::StatusOr<std::vector<Network>> NetworkManagerImpl::List(std::vector<std::string>* damaged) {
  ASSIGN_OR_RETURN(std::vector<Network> networks, files_.List(damaged));
  const bool has_default =
      std::any_of(networks.begin(), networks.end(),
                  [](const Network& network) { return network.name == kDefaultNetwork; });
  if (has_default) return networks;
  ASSIGN_OR_RETURN(Network network, DefaultNetwork(Use::kLook));
  networks.insert(networks.begin(), std::move(network));
  return networks;
}

absl::StatusOr<Network> NetworkManagerImpl::Inspect(absl::string_view reference) {
  return NetworkOf({.network = std::string(reference)}, Use::kLook);
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
        endpoint.mac_address =
            lease->values[1] == "-" ? net::FormatMacAddress(MacOf(*address)) : lease->values[1];
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
  LogNetworkEvent(options_.root, "destroy", network);
  ASSIGN_OR_RETURN(net::NetlinkSocket * route, Route());
  RETURN_IF_ERROR(DeleteBridge(*route, network));
  ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
  RETURN_IF_ERROR(Firewall::Remove(*netfilter, Firewall::EntriesOf(network)));
  leases_.RemoveFolder(absl::StrCat("addresses/", network.name));
  leases_.RemoveFolder(absl::StrCat("names/", network.name));
  return network.name;
}

std::string NetworkManagerImpl::HostsFile(const state::ContainerConfig& config,
                                          const std::vector<state::NetworkEndpoint>& endpoints) {
  if (IsOnHost(config)) return MakeHostsFileOfHost(config, TextOf("/etc/hosts"));
  std::string gateway = endpoints.empty() ? "127.0.0.1" : endpoints.front().gateway;
  return MakeHostsFile(config, endpoints, gateway);
}

std::string NetworkManagerImpl::ResolvConf(const state::ContainerConfig& config,
                                           const std::vector<state::NetworkEndpoint>& endpoints) {
  constexpr char kPath[] = "/etc/resolv.conf";
  if (IsOnHost(config)) return MakeResolvConfOfHost(config, TextOf(kPath));
  return MakeResolvConf(config, ReadHostResolvConf(kPath), NeedsResolver(endpoints));
}

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
