// The text of a container's /etc/hosts and /etc/resolv.conf. Pure functions, thread-safe.
#ifndef TINY_RUNTIME_NETWORK_CONTAINER_FILES_H_
#define TINY_RUNTIME_NETWORK_CONTAINER_FILES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/ip_address.h"
#include "state/container_config.h"
#include "state/container_state.h"

namespace tiny::runtime {

// resolv.conf(5) as far as a container's is made from it.
struct ResolverConfig {
  std::vector<std::string> servers;
  std::vector<std::string> search;
  std::vector<std::string> options;
};
ResolverConfig ParseResolvConf(absl::string_view text);

// What answers where the host's file names nothing that can be reached.
inline constexpr absl::string_view kPublicServers[] = {"1.1.1.1", "8.8.8.8"};
inline constexpr absl::string_view kResolverAddress = "127.0.0.11";

// The host's servers as a process of the host can use them: /etc/resolv.conf, or where that names
// only systemd-resolved's stub at 127.0.0.53, what that itself asks.
ResolverConfig ReadHostResolvConf(const std::string& path);

// `host` is the host's. Without a resolver of the container's own, servers on loopback addresses
// are left out, as they are not the container's.
std::string MakeResolvConf(const state::ContainerConfig& config, const ResolverConfig& host,
                           bool has_resolver);

// `host_gateway` is what extra_hosts' "host-gateway" stands for.
std::string MakeHostsFile(const state::ContainerConfig& config,
                          const std::vector<state::NetworkEndpoint>& endpoints,
                          absl::string_view host_gateway);

// Of a container in the host's own network: all that the host knows is the container's, too, and
// what is on loopback answers. `host` is the text of the host's file.
std::string MakeResolvConfOfHost(const state::ContainerConfig& config, absl::string_view host);
std::string MakeHostsFileOfHost(const state::ContainerConfig& config, absl::string_view host);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_CONTAINER_FILES_H_
