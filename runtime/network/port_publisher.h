// Published ports: a lease, a socket that holds the port, and what the firewall's maps get.
// Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_PORT_PUBLISHER_H_
#define TINY_RUNTIME_NETWORK_PORT_PUBLISHER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "runtime/network/firewall.h"
#include "runtime/network/lease_store.h"
#include "state/container_config.h"
#include "state/container_state.h"

namespace tiny::runtime {

// IPPROTO_UDP for "udp", ...
uint8_t ProtocolNumber(absl::string_view protocol);
// The host's address that it is published on; none: all.
absl::StatusOr<net::IpAddress> HostAddress(const state::PortMapping& port);

// "ports/tcp_any_80": the lease of a port.
std::string PortLease(const state::PortMapping& port);
// A lease's folder entry and text as the port it is; nothing if it is not one.
std::optional<PublishedPort> ParsePortLease(absl::string_view name, const Lease& lease);

// The mappings of a configuration: its ports, and with publish_all its exposed ones that are not
// published yet. kInvalidArgument for what is no port.
absl::StatusOr<std::vector<state::PortMapping>> WantedPorts(const state::ContainerConfig& config);

// The address that the network binds ports to (kHostBindingOption), for those that have none.
void BindToHost(const Network& network, std::vector<state::PortMapping>& ports);

// The endpoint that published ports lead to: the first of a network that is not internal.
struct PublishTarget {
  net::IpAddress address;
  net::IpAddress address6;
  size_t endpoint = 0;  // its place among the container's
};

struct ClaimedPorts {
  std::vector<state::PortMapping> mappings;  // with chosen host ports
  std::vector<PublishedPort> published;
  std::vector<UniqueFd> holders;
};

// Claims every port, or none: on an error what was claimed is given back. A host port of 0 is
// chosen by the kernel from ip_local_port_range. `sweep` frees the leases of dead containers.
// kAlreadyExists "address already in use: 0.0.0.0:80/tcp (nginx, pid 123)" or "(container
// 0123...)".
absl::StatusOr<ClaimedPorts> ClaimPorts(const LeaseStore& store, const Lease& owner,
                                        const std::vector<state::PortMapping>& wanted,
                                        const PublishTarget& target,
                                        absl::FunctionRef<absl::Status()> sweep);

// A socket that holds the port and accepts nothing: bound, listening where that is TCP, with a
// filter that drops everything; on ::1 without one. Sets the host port that was chosen. An invalid
// descriptor with ok where the kernel does not know the protocol (SCTP may be missing).
absl::StatusOr<UniqueFd> HoldPort(state::PortMapping& port);

// True for a TCP or UDP port that is published on all addresses, or on ::1: what goes to [::1] goes
// through a LoopbackRelay.
bool IsServedAtLoopback6(const state::PortMapping& port);
// The socket that such a relay serves, beside the one that holds all IPv4 addresses. An
// invalid descriptor where there is none to be had: the port is taken there, or IPv6 is off.
UniqueFd ListenAtLoopback6(const state::PortMapping& port);

// Who holds a port, as words for an error: "nginx, pid 123"; empty if nobody was found.
std::string FindPortHolder(const state::PortMapping& port);

// "0.0.0.0:80/tcp".
std::string DescribePort(const state::PortMapping& port);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_PORT_PUBLISHER_H_
