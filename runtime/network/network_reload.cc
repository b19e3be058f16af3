// Published ports, the firewall, and what dead containers left.
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/conntrack.h"
#include "net/link.h"
#include "net/nft_list.h"
#include "runtime/network/holder_shelf.h"
#include "runtime/network/host_bridge.h"
#include "runtime/network/network_manager_impl.h"

namespace tiny::runtime {

absl::Status NetworkManagerImpl::UpdateFirewall(const std::string& id,
                                                const std::vector<EndpointPlan>& plans,
                                                const std::vector<PublishedPort>& ports) {
  std::vector<Firewall::Entry> entries;
  const auto add = [&](std::vector<Firewall::Entry> more) {
    std::move(more.begin(), more.end(), std::back_inserter(entries));
  };
  for (const PublishedPort& port : ports) add(Firewall::EntriesOf(port));
  for (const EndpointPlan& plan : plans) {
    if (plan.host_interface.empty()) continue;  // a macvlan, which no packet filter of ours sees
    add(SpoofGuard::EntriesOf(
        {plan.host_interface, plan.mac, plan.address.address, plan.address6.address, id}));
    // As a transaction is due anyway, it also restores what someone may have taken out.
    add(Firewall::EntriesOf(plan.network));
  }
  if (entries.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
  ASSIGN_OR_RETURN(const Firewall::Condition condition, Firewall::Examine(*netfilter));
  if (condition == Firewall::Condition::kDamaged) return RebuildFirewall();
  if (condition == Firewall::Condition::kWithoutBridge) {
    std::erase_if(entries, [](const auto& entry) { return entry.family == NFPROTO_BRIDGE; });
  }
  {
    // Against a rebuild that has read the leases before these ports were claimed.
    ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kShared));
    absl::Status added = Firewall::Add(*netfilter, entries);
    if (GetErrno(added) != EEXIST && GetErrno(added) != EBUSY) return added;
  }
  // An element of a dead container has the key: the leases say that it is ours.
  return RebuildFirewall();
}

// What is gone already is no error.
absl::Status NetworkManagerImpl::RemoveFromFirewall(
    absl::string_view id, const std::vector<state::NetworkEndpoint>& endpoints,
    const std::vector<state::PortMapping>& ports) {
  std::vector<Firewall::Entry> entries;
  const auto add = [&](std::vector<Firewall::Entry> more) {
    std::move(more.begin(), more.end(), std::back_inserter(entries));
  };
  for (const state::PortMapping& port : ports) {
    const std::string path = PortLease(port);
    const auto lease = leases_.Read(path);
    if (!lease || lease->container != id) continue;
    if (auto published = ParsePortLease(path.substr(path.find('/') + 1), *lease)) {
      add(Firewall::EntriesOf(*published));
    }
  }
  for (const state::NetworkEndpoint& endpoint : endpoints) {
    if (auto guarded = GuardedPortOf(id, endpoint)) add(SpoofGuard::EntriesOf(*guarded));
  }
  if (entries.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
  return Firewall::Remove(*netfilter, entries);
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

// The host's ends of the veths of live containers, by their leases and the kernel's links.
absl::StatusOr<std::vector<GuardedPort>> NetworkManagerImpl::LiveEndpoints(
    const std::vector<Network>& networks) {
  ASSIGN_OR_RETURN(net::NetlinkSocket * route, Route());
  ASSIGN_OR_RETURN(const std::vector<net::LinkInfo> links, net::ListLinks(*route));
  std::map<std::string, int> bridges;
  for (const net::LinkInfo& link : links) bridges[link.name] = link.index;
  std::vector<GuardedPort> guarded;
  for (const Network& network : networks) {
    const auto bridge = bridges.find(network.interface_name);
    if (network.driver != "bridge" || bridge == bridges.end()) continue;
    ASSIGN_OR_RETURN(auto endpoints, Endpoints(network));
    for (auto& [id, endpoint] : endpoints) {
      // The last made is the live one: an earlier run's may take some milliseconds to go.
      int newest = 0;
      for (const net::LinkInfo& link : links) {
        if (link.master != bridge->second || !IsHostInterfaceOf(link.name, id)) continue;
        if (link.index > newest) endpoint.host_interface = link.name;
        newest = std::max(newest, link.index);
      }
      if (auto port = GuardedPortOf(id, endpoint)) guarded.push_back(*std::move(port));
    }
  }
  return guarded;
}

absl::Status NetworkManagerImpl::RebuildFirewall() {
  ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
  ASSIGN_OR_RETURN(const std::vector<Network> networks, files_.List(nullptr));
  ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kExclusive));
  ASSIGN_OR_RETURN(const std::vector<PublishedPort> ports, LivePorts());
  ASSIGN_OR_RETURN(const std::vector<GuardedPort> guarded, LiveEndpoints(networks));
  return Firewall::Rebuild(*netfilter, networks, ports, guarded);
}

absl::StatusOr<PublishTarget> NetworkManagerImpl::TargetOf(
    const std::vector<state::NetworkEndpoint>& endpoints) {
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const state::NetworkEndpoint& endpoint = endpoints[i];
    if (endpoint.host_interface.empty()) continue;  // a macvlan is on the outer network itself
    PublishTarget target;
    target.endpoint = i;
    ASSIGN_OR_RETURN(target.address, net::ParseIpAddress(endpoint.ip));
    if (!endpoint.ip6.empty()) {
      ASSIGN_OR_RETURN(target.address6, net::ParseIpAddress(endpoint.ip6));
    }
    return target;
  }
  return absl::InvalidArgumentError(
      "ports can only be published by a container on a bridge network");
}

absl::Status NetworkManagerImpl::ForgetConnections(const std::vector<state::PortMapping>& ports) {
  std::vector<net::ConnectionTarget> targets;
  for (const state::PortMapping& port : ports) {
    const uint8_t protocol = ProtocolNumber(port.protocol);
    // A new TCP connection begins with a SYN, which the kernel knows from the old one's packets.
    if (protocol == IPPROTO_TCP) continue;
    ASSIGN_OR_RETURN(const net::IpAddress host, HostAddress(port));
    targets.push_back({protocol, host, port.host_port});
  }
  if (targets.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
  return net::ForgetConnections(*netfilter, targets);
}

absl::StatusOr<std::vector<state::PortMapping>> NetworkManagerImpl::Publish(
    absl::string_view id, const ProcessIdentity& process,
    const std::vector<state::NetworkEndpoint>& endpoints,
    const std::vector<state::PortMapping>& ports) {
  ASSIGN_OR_RETURN(const PublishTarget target, TargetOf(endpoints));
  ASSIGN_OR_RETURN(const Network network, files_.Read(endpoints[target.endpoint].network));
  std::vector<state::PortMapping> bound = ports;
  BindToHost(network, bound);
  const Lease owner = {.container = std::string(id), .process = process};
  ASSIGN_OR_RETURN(const ClaimedPorts claimed,
                   ClaimPorts(leases_, owner, bound, target, [this] { return Sweep(); }));
  absl::Status status = UpdateFirewall(owner.container, {}, claimed.published);
  if (status.ok()) status = ForgetConnections(claimed.mappings);
  if (status.ok()) return claimed.mappings;
  (void)Unpublish(id, claimed.mappings);
  return status;
}

absl::Status NetworkManagerImpl::Unpublish(absl::string_view id,
                                           const std::vector<state::PortMapping>& ports) {
  // The leases go last: while one is there, a sweep can still find its elements.
  RETURN_IF_ERROR(RemoveFromFirewall(id, {}, ports));
  RETURN_IF_ERROR(ForgetConnections(ports));
  for (const state::PortMapping& port : ports) {
    RETURN_IF_ERROR(leases_.Release(PortLease(port), id));
  }
  return absl::OkStatus();
}

std::vector<UniqueFd> NetworkManagerImpl::HoldPorts(const std::vector<state::PortMapping>& ports) {
  std::vector<UniqueFd> holders;
  const HolderShelf shelf(ports.size());
  for (state::PortMapping port : ports) {
    auto holder = HoldPort(port);
    if (holder.ok() && *holder) holders.push_back(shelf.Put(*std::move(holder)));
    if (UniqueFd loopback = ListenAtLoopback6(port)) {
      holders.push_back(shelf.Put(std::move(loopback)));
    }
  }
  return holders;
}

// The elements of the bridge table that belong to leases with these comments.
absl::StatusOr<std::vector<Firewall::Entry>> NetworkManagerImpl::GuardEntriesOf(
    const std::set<std::string>& comments) {
  std::vector<Firewall::Entry> entries;
  if (comments.empty()) return entries;
  ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
  for (const absl::string_view set : SpoofGuard::kSets) {
    auto elements = net::ListNftElements(*netfilter, SpoofGuard::Table(), set);
    if (GetErrno(elements.status()) == ENOENT) return entries;
    RETURN_IF_ERROR(elements.status());
    for (net::NftElement& element : *elements) {
      if (comments.count(element.comment) == 0) continue;
      entries.push_back(
          {.set = set, .element = std::move(element), .family = SpoofGuard::Table().family});
    }
  }
  return entries;
}

absl::Status NetworkManagerImpl::Sweep() {
  Liveness liveness;
  std::vector<std::string> dead;
  std::vector<Firewall::Entry> entries;
  std::set<std::string> guarded;
  std::vector<state::PortMapping> ports;
  const auto consider = [&](const std::string& path) {
    const auto lease = leases_.Read(path);
    if (!lease || liveness.IsAlive(*lease)) return;
    dead.push_back(path);
    if (absl::StartsWith(path, "addresses/")) {
      const auto address = net::ParseIpAddress(path.substr(path.rfind('/') + 1));
      if (address.ok()) guarded.insert(SpoofGuard::CommentOf(lease->container, *address));
    }
    if (!absl::StartsWith(path, "ports/")) return;
    if (const auto port = ParsePortLease(path.substr(6), *lease)) {
      for (Firewall::Entry& entry : Firewall::EntriesOf(*port)) entries.push_back(std::move(entry));
      ports.push_back({.host_ip = port->host ? port->host.ToString() : "",
                       .host_port = port->host_port,
                       .protocol = port->protocol});
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
  ASSIGN_OR_RETURN(std::vector<Firewall::Entry> guards, GuardEntriesOf(guarded));
  std::move(guards.begin(), guards.end(), std::back_inserter(entries));
  if (!entries.empty()) {
    ASSIGN_OR_RETURN(net::NetlinkSocket * netfilter, Netfilter());
    RETURN_IF_ERROR(Firewall::Remove(*netfilter, entries));
  }
  RETURN_IF_ERROR(ForgetConnections(ports));
  for (const std::string& path : dead) leases_.ReleaseDead(path, liveness);
  for (const std::string& folder : folders) leases_.RemoveFolder(folder);
  return absl::OkStatus();
}

absl::Status NetworkManagerImpl::Reload() {
  RETURN_IF_ERROR(Sweep());
  RETURN_IF_ERROR(DefaultNetwork().status());
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
        return IsHostInterfaceOf(link.name, entry.first);
      });
      if (ours && link.kind == "veth" && (link.master == 0 || !link.up())) {
        // A port is what it is to be once it is one: a second message.
        if (link.master == 0) {
          net::ChangeLink(batch, net::LinkRef(link.index), {.master = bridge.index});
        }
        net::ChangeLink(batch, net::LinkRef(link.index), PortSettings(network));
      }
    }
    RETURN_IF_ERROR(route->Execute(batch));
    RETURN_IF_ERROR(EnsureSysctls(network));
  }
  RETURN_IF_ERROR(EnsureForwarding(false));
  return RebuildFirewall();
}

}  // namespace tiny::runtime
