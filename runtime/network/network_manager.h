// Networks, and containers on them: composes net's rtnetlink and nftables with files.
//
//   ASSIGN_OR_RETURN(auto networks, NetworkManager::Open({.root = root, .run_root = run_root}));
//   request.configure_network = [&](const ProcessIdentity& child, int netns) -> absl::Status {
//     ASSIGN_OR_RETURN(attachment, networks->Attach(config, child, netns));
//     return absl::OkStatus();
//   };
//   ...
//   networks->Detach(config.id, state.endpoints, state.ports);  // when the container has ended
//
// There is no daemon: what outlives a process is files under <run_root>/leases, each a symbolic
// link made in one system call whose text names its owner (container, pid, start time, boot), and
// elements of the nft table `inet tiny`. A lease whose owner is gone is free. The veth pair dies
// with the container's network namespace. Several processes may use one root at once.
//
// Works in the network namespace of the calling process, which must be single-threaded or at least
// not care that its calling thread visits another network namespace for some microseconds.
// Errors: PosixStatus of the failed step, with a hint where the fix is known (not root, no
// nf_tables, no veth); kNotFound "no such network: x"; kAlreadyExists for a name or port in use;
// kResourceExhausted "no free address in 10.10.0.0/24 (253 in use)"; kInvalidArgument.
// Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_NETWORK_MANAGER_H_
#define TINY_RUNTIME_NETWORK_NETWORK_MANAGER_H_

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/process.h"
#include "base/unique_fd.h"
#include "runtime/network/network.h"
#include "state/container_config.h"
#include "state/container_state.h"

namespace tiny::runtime {

struct NetworkManagerOptions {
  std::string root = "/var/lib/tiny";
  std::string run_root = "/run/tiny";
  std::string bridge_name = "td0";              // of the default network
  std::string bridge_address = "10.10.0.1/24";  // moved aside where a host route covers it
  // Told, in a line, what the user should know: that the default subnet was moved aside. May be
  // empty.
  std::function<void(absl::string_view)> note = {};
};

// What a container got.
struct Attachment {
  std::vector<state::NetworkEndpoint> endpoints;  // empty for host, none and container:<id>
  std::vector<state::PortMapping> ports;          // with the host ports that were chosen
  // Sockets that hold the published ports on the host: they show up in ss(8) and make a second user
  // of the port fail early. They accept nothing, but for those of a LoopbackRelay. The supervisor
  // keeps them; losing them breaks nothing but ::1.
  std::vector<UniqueFd> port_holders;
};

class NetworkManager {
 public:
  static absl::StatusOr<std::unique_ptr<NetworkManager>> Open(NetworkManagerOptions options);
  virtual ~NetworkManager() = default;

  // --- Networks. The default one is named "bridge" and always exists; its file comes with its
  // first use.
  virtual absl::StatusOr<Network> Create(Network wanted) = 0;
  // By name. Damaged files are left out and named in `damaged` (may be nullptr).
  virtual absl::StatusOr<std::vector<Network>> List(std::vector<std::string>* damaged) = 0;
  // By name, id or a unique prefix of an id.
  virtual absl::StatusOr<Network> Inspect(absl::string_view reference) = 0;
  // The endpoints of live containers on it: container id -> endpoint (name as its first alias).
  virtual absl::StatusOr<std::map<std::string, state::NetworkEndpoint>> Endpoints(
      const Network& network) = 0;
  // kFailedPrecondition while a live container is on it. The bridge goes with it. Returns the name.
  virtual absl::StatusOr<std::string> Remove(absl::string_view reference) = 0;

  // --- Containers.
  // Everything about a configuration's network that can be checked before a start: modes, that the
  // networks exist, that addresses asked for are inside their subnets, ports. Ids of networks
  // become names.
  virtual absl::Status Check(state::ContainerConfig& config) = 0;

  // Joins the namespace behind `netns` (a descriptor of /proc/PID/ns/net; borrowed), whose first
  // process is `process`, to the networks of `config`, and publishes its ports. In modes none, host
  // and container it does nothing: loopback is up since the launch. Undoes what it did if it fails.
  virtual absl::StatusOr<Attachment> Attach(const state::ContainerConfig& config,
                                            const ProcessIdentity& process, int netns) = 0;

  // Frees addresses, names and ports. Deletes no interface: they go with the namespace. What is
  // gone already is no error.
  virtual absl::Status Detach(absl::string_view id,
                              const std::vector<state::NetworkEndpoint>& endpoints,
                              const std::vector<state::PortMapping>& ports) = 0;

  // For a container that has ended, whose namespace others still hold: its interfaces would keep
  // addresses there that are no longer its own. Takes some 20 ms each.
  virtual absl::Status DeleteInterfaces(const std::vector<state::NetworkEndpoint>& endpoints) = 0;

  // network connect and disconnect for a running container. The default route is that of the first
  // network that is not internal, and of another when that one is left.
  virtual absl::StatusOr<state::NetworkEndpoint> Connect(
      const state::ContainerConfig& config, const state::NetworkAttachment& wanted,
      const ProcessIdentity& process, int netns,
      const std::vector<state::NetworkEndpoint>& existing) = 0;
  virtual absl::Status Disconnect(absl::string_view id, const state::NetworkEndpoint& endpoint,
                                  int netns,
                                  const std::vector<state::NetworkEndpoint>& remaining) = 0;

  // Puts the running container's new name, which `config` has, in the place of its old one.
  virtual absl::Status Rename(const state::ContainerConfig& config,
                              std::vector<state::NetworkEndpoint>& endpoints) = 0;

  // Lets clients that never stopped sending to one of these ports notice that it has changed: the
  // kernel would go on with its old answer (net/conntrack.h). For what is not TCP. Attach leaves it
  // to be done once the container runs, as it takes milliseconds where the kernel's table is large;
  // what else changes ports does it.
  virtual absl::Status ForgetConnections(const std::vector<state::PortMapping>& ports) = 0;

  // Publishes more ports of a running container, or takes published ones back.
  // kAlreadyExists names who holds a port: "0.0.0.0:80/tcp is in use by nginx (pid 123)".
  virtual absl::StatusOr<std::vector<state::PortMapping>> Publish(
      absl::string_view id, const ProcessIdentity& process,
      const std::vector<state::NetworkEndpoint>& endpoints,
      const std::vector<state::PortMapping>& ports) = 0;
  virtual absl::Status Unpublish(absl::string_view id,
                                 const std::vector<state::PortMapping>& ports) = 0;
  // The holders of ports that are published already: for a supervisor that adopts a container.
  virtual std::vector<UniqueFd> HoldPorts(const std::vector<state::PortMapping>& ports) = 0;

  // Frees leases, names, ports and nft elements whose owner is gone. Cheap where there are none.
  virtual absl::Status Sweep() = 0;

  // Makes the kernel agree with the files again: bridges, sysctls, the nft table with the elements
  // of all live containers (network reload). Attach does this too when it finds something missing.
  virtual absl::Status Reload() = 0;

  // --- Files inside the container. Write them when Attach has returned, before the program starts;
  // as they are bind mounts, write them in place.
  // /etc/hosts: loopback, the container's names, extra_hosts (with host-gateway resolved).
  virtual std::string HostsFile(const state::ContainerConfig& config,
                                const std::vector<state::NetworkEndpoint>& endpoints) = 0;
  // /etc/resolv.conf: the container's own --dns, the resolver at 127.0.0.11 on user networks, or
  // the host's servers without loopback stubs that the container can't reach.
  virtual std::string ResolvConf(const state::ContainerConfig& config,
                                 const std::vector<state::NetworkEndpoint>& endpoints) = 0;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_NETWORK_MANAGER_H_
