// The manager behind runtime/network/network_manager.h; its methods are in network_manager.cc (the
// networks), network_attach.cc (containers) and network_reload.cc (ports, firewall, sweeping).
#ifndef TINY_RUNTIME_NETWORK_NETWORK_MANAGER_IMPL_H_
#define TINY_RUNTIME_NETWORK_NETWORK_MANAGER_IMPL_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/netlink_socket.h"
#include "runtime/network/endpoint.h"
#include "runtime/network/firewall.h"
#include "runtime/network/lease_store.h"
#include "runtime/network/network_manager.h"
#include "runtime/network/network_store.h"
#include "runtime/network/port_publisher.h"
#include "runtime/network/spoof_guard.h"

namespace tiny::runtime {

inline constexpr char kDefaultNetwork[] = "bridge";

inline bool IsDefaultName(absl::string_view name) {
  return name == kDefaultNetwork || name == "default";
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
  absl::Status Check(state::ContainerConfig& config) override;
  absl::StatusOr<Attachment> Attach(const state::ContainerConfig& config,
                                    const ProcessIdentity& process, int netns) override;
  absl::Status Detach(absl::string_view id, const std::vector<state::NetworkEndpoint>& endpoints,
                      const std::vector<state::PortMapping>& ports) override;
  absl::Status DeleteInterfaces(const std::vector<state::NetworkEndpoint>& endpoints) override;
  absl::StatusOr<state::NetworkEndpoint> Connect(
      const state::ContainerConfig& config, const state::NetworkAttachment& wanted,
      const ProcessIdentity& process, int netns,
      const std::vector<state::NetworkEndpoint>& existing) override;
  absl::Status Disconnect(absl::string_view id, const state::NetworkEndpoint& endpoint, int netns,
                          const std::vector<state::NetworkEndpoint>& remaining) override;
  absl::Status Rename(const state::ContainerConfig& config,
                      std::vector<state::NetworkEndpoint>& endpoints) override;
  absl::Status ForgetConnections(const std::vector<state::PortMapping>& ports) override;
  absl::StatusOr<std::vector<state::PortMapping>> Publish(
      absl::string_view id, const ProcessIdentity& process,
      const std::vector<state::NetworkEndpoint>& endpoints,
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
  // Who only looks at a network that is not kept yet leaves it so.
  enum class Use { kLook, kKeep };
  absl::StatusOr<Network> DefaultNetwork(Use use = Use::kKeep);
  // As a first use chooses it. `moved`: what kept its subnet from being the usual one, if anything.
  absl::StatusOr<Network> MakeDefaultNetwork(std::string* moved = nullptr);
  absl::Status CheckBridgeName(const Network& wanted);
  absl::StatusOr<Network> NetworkOf(const state::NetworkAttachment& attachment,
                                    Use use = Use::kKeep);
  absl::StatusOr<std::vector<TakenPrefix>> Taken(absl::string_view except_network,
                                                 absl::string_view except_interface);
  absl::StatusOr<EndpointPlan> PlanEndpoint(const state::ContainerConfig& config,
                                            const state::NetworkAttachment& wanted, Network network,
                                            int number, const Lease& owner);
  absl::Status ClaimNames(const state::ContainerConfig& config, const EndpointPlan& plan,
                          const Lease& owner);
  absl::Status AttachPlans(const state::ContainerConfig& config, int netns, const Lease& owner,
                           std::vector<EndpointPlan>& plans, Attachment& attachment);
  absl::Status UpdateFirewall(const std::string& id, const std::vector<EndpointPlan>& plans,
                              const std::vector<PublishedPort>& ports);
  absl::Status RemoveFromFirewall(absl::string_view id,
                                  const std::vector<state::NetworkEndpoint>& endpoints,
                                  const std::vector<state::PortMapping>& ports);
  absl::Status RebuildFirewall();
  absl::StatusOr<std::vector<PublishedPort>> LivePorts();
  absl::StatusOr<std::vector<GuardedPort>> LiveEndpoints(const std::vector<Network>& networks);
  absl::StatusOr<std::vector<Firewall::Entry>> GuardEntriesOf(
      const std::set<std::string>& comments);
  absl::Status ReleaseName(const std::string& network, const std::string& alias,
                           absl::string_view id);
  absl::Status ReleaseEndpoint(absl::string_view id, const state::NetworkEndpoint& endpoint);
  static absl::StatusOr<PublishTarget> TargetOf(
      const std::vector<state::NetworkEndpoint>& endpoints);

  NetworkManagerOptions options_;
  NetworkStore files_;
  LeaseStore leases_;
  std::optional<net::NetlinkSocket> route_;
  std::optional<net::NetlinkSocket> netfilter_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_NETWORK_MANAGER_IMPL_H_
