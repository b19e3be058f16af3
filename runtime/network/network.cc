#include "runtime/network/network.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "nlohmann/json.hpp"

namespace tiny::runtime {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxName = 128;
constexpr absl::string_view kContainerPrefix = "container:";

absl::Status Wrong(absl::string_view field) {
  return absl::InvalidArgumentError(absl::StrCat("network file: field ", field, " is wrong"));
}

// Each reader leaves what is absent as it is.
absl::Status Read(const Json& json, const char* field, std::string& value) {
  const auto found = json.find(field);
  if (found == json.end()) return absl::OkStatus();
  if (!found->is_string()) return Wrong(field);
  value = found->get_ref<const std::string&>();
  return absl::OkStatus();
}

absl::Status Read(const Json& json, const char* field, bool& value) {
  const auto found = json.find(field);
  if (found == json.end()) return absl::OkStatus();
  if (!found->is_boolean()) return Wrong(field);
  value = found->get<bool>();
  return absl::OkStatus();
}

absl::Status Read(const Json& json, const char* field, int& value) {
  const auto found = json.find(field);
  if (found == json.end()) return absl::OkStatus();
  if (!found->is_number_integer()) return Wrong(field);
  value = static_cast<int>(std::clamp<int64_t>(found->get<int64_t>(), 0, 65535));
  return absl::OkStatus();
}

absl::Status Read(const Json& json, const char* field, std::map<std::string, std::string>& value) {
  const auto found = json.find(field);
  if (found == json.end()) return absl::OkStatus();
  if (!found->is_object()) return Wrong(field);
  for (const auto& [name, text] : found->items()) {
    if (!text.is_string()) return Wrong(field);
    value[name] = text.get_ref<const std::string&>();
  }
  return absl::OkStatus();
}

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-'; }

}  // namespace

absl::StatusOr<NetworkMode> NetworkModeOf(const state::ContainerConfig& config) {
  std::set<std::string> seen;
  NetworkMode mode = NetworkMode::kBridge;
  for (const state::NetworkAttachment& attachment : config.networks) {
    const std::string& name = attachment.network;
    if (name == "none" || name == "isolated") {
      mode = NetworkMode::kNone;
    } else if (name == "host") {
      mode = NetworkMode::kHost;
    } else if (absl::StartsWith(name, std::string(kContainerPrefix))) {
      mode = NetworkMode::kContainer;
    } else if (name == "bridge" || name == "default" || name.empty()) {
      if (!attachment.aliases.empty()) {
        return absl::InvalidArgumentError(
            "a network alias needs a user-defined network: the default bridge has no names");
      }
    }
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(absl::StrCat("network ", name, " is given twice"));
    }
  }
  if (seen.size() > 1 && mode != NetworkMode::kBridge) {
    return absl::InvalidArgumentError(
        "the network modes none, host and container: can't be mixed with others");
  }
  const bool has_ports = !config.ports.empty() || config.publish_all;
  if (mode == NetworkMode::kContainer && has_ports) {
    return absl::InvalidArgumentError(
        "ports are published by the container whose network is shared, not by this one");
  }
  return mode;
}

std::string NetworkContainerOf(const state::ContainerConfig& config) {
  for (const state::NetworkAttachment& attachment : config.networks) {
    if (absl::StartsWith(attachment.network, std::string(kContainerPrefix))) {
      return attachment.network.substr(kContainerPrefix.size());
    }
  }
  return "";
}

std::string SerializeNetwork(const Network& network) {
  Json json;
  json["name"] = network.name;
  json["id"] = network.id;
  json["created_at"] = FormatTimestamp(network.created_at);
  json["driver"] = network.driver;
  json["interface"] = network.interface_name;
  json["subnet"] = network.subnet;
  json["gateway"] = network.gateway;
  json["ip_range"] = network.ip_range;
  json["subnet6"] = network.subnet6;
  json["gateway6"] = network.gateway6;
  json["aux_addresses"] = network.aux_addresses;
  json["internal"] = network.internal;
  json["ipv6"] = network.ipv6;
  json["mtu"] = network.mtu;
  json["labels"] = network.labels;
  json["options"] = network.options;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<Network> ParseNetwork(absl::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("network file: not a JSON object");
  Network network;
  std::string created_at;
  RETURN_IF_ERROR(Read(json, "name", network.name));
  RETURN_IF_ERROR(Read(json, "id", network.id));
  RETURN_IF_ERROR(Read(json, "created_at", created_at));
  RETURN_IF_ERROR(Read(json, "driver", network.driver));
  RETURN_IF_ERROR(Read(json, "interface", network.interface_name));
  RETURN_IF_ERROR(Read(json, "subnet", network.subnet));
  RETURN_IF_ERROR(Read(json, "gateway", network.gateway));
  RETURN_IF_ERROR(Read(json, "ip_range", network.ip_range));
  RETURN_IF_ERROR(Read(json, "subnet6", network.subnet6));
  RETURN_IF_ERROR(Read(json, "gateway6", network.gateway6));
  RETURN_IF_ERROR(Read(json, "aux_addresses", network.aux_addresses));
  RETURN_IF_ERROR(Read(json, "internal", network.internal));
  RETURN_IF_ERROR(Read(json, "ipv6", network.ipv6));
  RETURN_IF_ERROR(Read(json, "mtu", network.mtu));
  RETURN_IF_ERROR(Read(json, "labels", network.labels));
  RETURN_IF_ERROR(Read(json, "options", network.options));
  if (network.name.empty() || network.interface_name.empty()) return Wrong("name");
  if (!created_at.empty()) {
    ASSIGN_OR_RETURN(network.created_at, ParseTimestamp(created_at));
  }
  return network;
}

absl::Status ValidateNetworkName(absl::string_view name) {
  const bool valid = !name.empty() && name.size() <= kMaxName && absl::ascii_isalnum(name[0]) &&
                     std::all_of(name.begin(), name.end(), IsNameCharacter);
  if (!valid) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", name, "\" is not a network name: [a-zA-Z0-9][a-zA-Z0-9_.-]*"));
  }
  for (const absl::string_view reserved :
       {"bridge", "none", "isolated", "host", "default", "container"}) {
    if (name == reserved) {
      return absl::InvalidArgumentError(absl::StrCat("the network name ", name, " is reserved"));
    }
  }
  return absl::OkStatus();
}

}  // namespace tiny::runtime
