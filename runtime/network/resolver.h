// A DNS server for one container on user networks, inside its supervisor's event loop.
//
//   ASSIGN_OR_RETURN(auto resolver, Resolver::Open(options, config, endpoints, netns));
//   epoll_add(resolver->fd());
//   ... when it is readable:  resolver->OnReadable();
//
// Answers at 127.0.0.11:53, UDP and TCP, inside the container's network namespace, where a server
// of the container's may have port 53, too (resolver_port.h). Names and
// aliases of live containers on the same user networks are answered from <run_root>/leases (A,
// AAAA, PTR); the rest is forwarded to the servers of --dns or of the host's resolv.conf, from the
// supervisor's own namespace. Memory and the number of pending queries are bounded; a query beyond
// the bound is answered SERVFAIL, and so is all that is not local on internal networks. Never
// blocks. Thread-compatible.
#ifndef TINY_RUNTIME_NETWORK_RESOLVER_H_
#define TINY_RUNTIME_NETWORK_RESOLVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "state/container_config.h"
#include "state/container_state.h"

namespace tiny::runtime {

struct ResolverOptions {
  std::string root = "/var/lib/tiny";
  std::string run_root = "/run/tiny";
  std::string resolv_conf = "/etc/resolv.conf";  // the host's, read when it changes
};

// True where the container needs one: an endpoint on a user network.
bool NeedsResolver(const std::vector<state::NetworkEndpoint>& endpoints);

class Resolver {
 public:
  static absl::StatusOr<std::unique_ptr<Resolver>> Open(
      const ResolverOptions& options, const state::ContainerConfig& config,
      const std::vector<state::NetworkEndpoint>& endpoints, int netns);
  virtual ~Resolver() = default;

  // The descriptor to wait on for input: an epoll(7) one, which never changes.
  virtual int fd() const = 0;
  // Call when fd() is readable.
  virtual void OnReadable() = 0;
  // The networks changed (connect, disconnect).
  virtual void SetEndpoints(const std::vector<state::NetworkEndpoint>& endpoints) = 0;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_RESOLVER_H_
