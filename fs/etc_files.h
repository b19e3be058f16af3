// The contents of a container's /etc/hosts, /etc/hostname and /etc/resolv.conf.
//
// Names and addresses come from flags and images: one that holds a blank, a newline or a '#' is
// kInvalidArgument, so that none can smuggle in a line. Pure; thread-safe.
#ifndef TINY_FS_ETC_FILES_H_
#define TINY_FS_ETC_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::fs {

struct HostsEntry {
  std::string address;
  std::vector<std::string> names;
};

// localhost, the usual IPv6 names, then `entries`.
absl::StatusOr<std::string> RenderHosts(const std::vector<HostsEntry>& entries);

absl::StatusOr<std::string> RenderHostname(absl::string_view hostname);

// What a resolv.conf says (resolv.conf(5)).
struct ResolverConfig {
  std::vector<std::string> servers;
  std::vector<std::string> search;
  std::vector<std::string> options;
};
// Unknown lines are left out.
ResolverConfig ParseResolvConf(absl::string_view text);
absl::StatusOr<std::string> RenderResolvConf(const ResolverConfig& config);

// True where every server is the host's own loopback (such as systemd-resolved's 127.0.0.53),
// which a container with a network of its own can't reach; the real servers are then in
// /run/systemd/resolve/resolv.conf.
bool OnlyLoopbackServers(const ResolverConfig& config);

// What a container is given: the host's configuration without loopback servers, with what the user
// set in place of it (a search list of "." means none). Where no server is left: 8.8.8.8 and
// 8.8.4.4, as Docker does.
struct ResolverRequest {
  std::string host_resolv_conf;     // /etc/resolv.conf
  std::string systemd_resolv_conf;  // /run/systemd/resolve/resolv.conf, or empty
  ResolverConfig overrides;         // --dns, --dns-search, --dns-option; those not empty
  bool host_network = false;        // loopback servers are within reach
};
ResolverConfig ResolveForContainer(const ResolverRequest& request);

}  // namespace tiny::fs

#endif  // TINY_FS_ETC_FILES_H_
