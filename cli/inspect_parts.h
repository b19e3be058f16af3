// The parts of docker inspect that describe how a container was asked for, and its network.
#ifndef TINY_CLI_INSPECT_PARTS_H_
#define TINY_CLI_INSPECT_PARTS_H_

#include "cli/template/value.h"
#include "runtime/engine.h"

namespace tiny::cli {

Value ConfigValue(const state::ContainerConfig& config);
Value HostConfigValue(const state::ContainerConfig& config);
Value NetworkSettingsValue(const runtime::Container& container);

// {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}: `all_addresses` where none is named.
Value PortBindings(const std::vector<state::PortMapping>& ports, absl::string_view all_addresses);

}  // namespace tiny::cli

#endif  // TINY_CLI_INSPECT_PARTS_H_
