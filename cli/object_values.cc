#include "cli/object_values.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/timestamp.h"

namespace tiny::cli {

Value VolumeValue(const runtime::Volume& volume) {
  return Value::Object({{"CreatedAt", FormatTimestamp(volume.created_at)},
                        {"Driver", "local"},
                        {"Labels", Value::Dictionary(volume.labels)},
                        {"Mountpoint", volume.path},
                        {"Name", volume.name},
                        {"Options", Value::Dictionary(volume.options)},
                        {"Scope", "local"},
                        {"Anonymous", volume.anonymous}});
}

Value NetworkValue(const runtime::Network& network,
                   const std::map<std::string, state::NetworkEndpoint>& endpoints) {
  Value pools = Value(Value::List());
  if (!network.subnet.empty()) {
    Value pool = Value::Object({{"Subnet", network.subnet}, {"Gateway", network.gateway}});
    if (!network.ip_range.empty()) pool.Set("IPRange", network.ip_range);
    if (!network.aux_addresses.empty()) {
      pool.Set("AuxiliaryAddresses", Value::Dictionary(network.aux_addresses));
    }
    pools.Append(std::move(pool));
  }
  if (!network.subnet6.empty()) {
    pools.Append(Value::Object({{"Subnet", network.subnet6}, {"Gateway", network.gateway6}}));
  }
  Value containers = Value::Dictionary();
  for (const auto& [id, endpoint] : endpoints) {
    containers.Set(
        id,
        Value::Object(
            {{"Name", endpoint.aliases.empty() ? "" : endpoint.aliases[0]},
             {"EndpointID", ""},
             {"MacAddress", endpoint.mac_address},
             {"IPv4Address",
              endpoint.ip.empty() ? "" : absl::StrCat(endpoint.ip, "/", endpoint.prefix_length)},
             {"IPv6Address", endpoint.ip6.empty()
                                 ? ""
                                 : absl::StrCat(endpoint.ip6, "/", endpoint.prefix_length6)}}));
  }
  return Value::Object({{"Name", network.name},
                        {"Id", network.id},
                        {"Created", FormatTimestamp(network.created_at)},
                        {"Scope", "local"},
                        {"Driver", network.driver},
                        {"EnableIPv6", network.ipv6},
                        {"IPAM", Value::Object({{"Driver", "default"}, {"Config", pools}})},
                        {"Internal", network.internal},
                        {"InterfaceName", network.interface_name},
                        {"Mtu", network.mtu},
                        {"Containers", containers},
                        {"Options", Value::Dictionary(network.options)},
                        {"Labels", Value::Dictionary(network.labels)}});
}

std::vector<std::string> UsersOfVolume(const std::vector<runtime::Container>& containers,
                                       absl::string_view name) {
  std::vector<std::string> users;
  for (const runtime::Container& container : containers) {
    const auto is_it = [&](const state::MountConfig& mount) {
      return mount.type == state::MountConfig::Type::kVolume && mount.source == name;
    };
    const auto holds_it = [&](const auto& entry) { return entry.second == name; };
    const auto& mounts = container.config.mounts;
    const auto& volumes = container.state.volumes;
    if (std::any_of(mounts.begin(), mounts.end(), is_it) ||
        std::any_of(volumes.begin(), volumes.end(), holds_it)) {
      users.push_back(container.config.id);
    }
  }
  return users;
}

bool HasLabel(const std::map<std::string, std::string>& labels, absl::string_view wanted) {
  const size_t equals = wanted.find('=');
  const auto found = labels.find(std::string(wanted.substr(0, equals)));
  if (found == labels.end()) return false;
  return equals == absl::string_view::npos || found->second == wanted.substr(equals + 1);
}

}  // namespace tiny::cli
