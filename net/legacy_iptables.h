// The "filter" table of the older iptables (ip_tables, iptables-legacy), which nftables does not
// list: only read, and only where it is there already.
//
//   ASSIGN_OR_RETURN(const auto filter, ReadLegacyFilter());
//   if (filter && filter->forward_drops) ...
//
// Of IPv4, and of the calling thread's network namespace. Errors: PosixStatus. Thread-compatible.
// Source: include/uapi/linux/netfilter_ipv4/ip_tables.h.
#ifndef TINY_NET_LEGACY_IPTABLES_H_
#define TINY_NET_LEGACY_IPTABLES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::net {

struct LegacyFilter {
  bool forward_drops = false;            // the policy of FORWARD
  std::vector<std::string> chains = {};  // the users' own, such as DOCKER-USER
  // The interfaces from which, and to which, some rule accepts packets.
  std::vector<std::string> accepts_from = {};
  std::vector<std::string> accepts_to = {};
};

// `info`: an ipt_getinfo; `entries`: the ipt_entry's that it describes. Nothing if they are
// malformed.
std::optional<LegacyFilter> ParseLegacyFilter(absl::string_view info, absl::string_view entries);

// Nothing where nobody has used the table, or the kernel has none: reading would make it.
absl::StatusOr<std::optional<LegacyFilter>> ReadLegacyFilter();

}  // namespace tiny::net

#endif  // TINY_NET_LEGACY_IPTABLES_H_
