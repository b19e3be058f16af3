// --network, --ip, --mac-address, --dns and --add-host. Pure functions, thread-safe; errors are
// kInvalidArgument.
#ifndef TINY_CLI_FLAG_PARSERS_ADDRESSES_H_
#define TINY_CLI_FLAG_PARSERS_ADDRESSES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "state/container_config.h"

namespace tiny::cli {

bool IsIpv4Address(absl::string_view text);
bool IsIpv6Address(absl::string_view text);
bool IsIpAddress(absl::string_view text);

// "02:42:0a:0a:00:02", in lower case; unicast only.
absl::StatusOr<std::string> ParseMacAddress(absl::string_view text);

// "none", "isolated" (the same as none), "host", "bridge", "default", "container:ID", a network's
// name, or "name=net,alias=web,ip=10.1.0.9,ip6=..,mac-address=..".
absl::StatusOr<state::NetworkAttachment> ParseNetwork(absl::string_view text);

// "name:ip", "name=ip", "name=[v6]" or "name:host-gateway", as "name:ip".
absl::StatusOr<std::string> ParseAddHost(absl::string_view text);

// A host name: labels of letters, digits, - and _, at most 63 bytes, as sethostname(2) takes 64.
absl::Status CheckHostname(absl::string_view text);

}  // namespace tiny::cli

#endif  // TINY_CLI_FLAG_PARSERS_ADDRESSES_H_
