// Published ports, the firewall, and what dead containers left.
#include <errno.h>
#include <linux/netlink.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "net/link.h"
#include "runtime/network/host_bridge.h"
#include "runtime/network/network_manager_impl.h"

namespace tiny::runtime {

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
  {
    // Against a rebuild that has read the leases before these ports were claimed.
    ASSIGN_OR_RETURN(const UniqueFd lock, leases_.Lock(LeaseStore::Sharing::kShared));
    absl::Status added = Firewall::Add(*netfilter, entries);
    if (GetErrno(added) != EEXIST && GetErrno(added) != EBUSY) return added;
  }
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

}  // namespace tiny::runtime
