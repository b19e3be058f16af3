// A network as the user made it: <root>/networks/<name>.json. Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_NETWORK_H_
#define TINY_RUNTIME_NETWORK_NETWORK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "state/container_config.h"

namespace tiny::runtime {

// What is empty or 0 in the argument of NetworkManager::Create is chosen there.
struct Network {
  std::string name;  // [a-zA-Z0-9][a-zA-Z0-9_.-]*
  std::string id;    // 64 hex digits
  absl::Time created_at = absl::InfinitePast();
  std::string driver = "bridge";  // "bridge" or "macvlan"
  std::string interface_name;     // the bridge: "td0"; of macvlan: the parent, "eth0" (-o parent=)
  std::string subnet;             // "10.10.0.0/24"
  std::string gateway;            // "10.10.0.1"
  std::string ip_range;           // a part of the subnet that addresses are chosen from
  std::string subnet6;            // "fd00:1234::/64"; empty: v4 only
  std::string gateway6;
  std::map<std::string, std::string> aux_addresses;  // name -> address that is never given out
  bool internal = false;                             // no way out, and none in
  bool ipv6 = false;
  int mtu = 0;  // 0: that of the egress interface when a container is attached
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> options;  // com.docker.network.bridge.name and the like

  bool operator==(const Network&) const = default;
};

// The network of a container that has left all of its networks: one like "none", but it can be
// connected again.
inline constexpr char kLeftAll[] = "isolated";

// What a container's `--network` says.
enum class NetworkMode {
  kBridge,     // the default bridge or user networks: a namespace with interfaces
  kNone,       // "none" and "isolated": a namespace with loopback only, up
  kHost,       // the host's own namespace
  kContainer,  // another container's namespace
};

// The mode of a configuration. kInvalidArgument for a mixture that can't be (host and a network,
// one network twice, the default bridge with aliases).
absl::StatusOr<NetworkMode> NetworkModeOf(const state::ContainerConfig& config);

// The file's text and back. kInvalidArgument names the field that is wrong.
std::string SerializeNetwork(const Network& network);
absl::StatusOr<Network> ParseNetwork(absl::string_view json);

// kInvalidArgument unless it is [a-zA-Z0-9][a-zA-Z0-9_.-]* of at most 128 characters and not one of
// the reserved words (bridge, none, isolated, host, default, container).
absl::Status ValidateNetworkName(absl::string_view name);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_NETWORK_H_
