#include "runtime/network/network.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/timestamp.h"

namespace tiny::runtime {
namespace {

constexpr size_t kMaxName = 128;
constexpr absl::string_view kContainerPrefix = "container:";
constexpr int64_t kLargestMtu = 65535;

void WriteText(JsonWriter& json, absl::string_view key, absl::string_view value) {
  json.Key(key);
  json.String(value);
}

void WriteMap(JsonWriter& json, absl::string_view key,
              const std::map<std::string, std::string>& map) {
  json.Key(key);
  json.BeginObject();
  for (const auto& [name, value] : map) WriteText(json, name, value);
  json.EndObject();
}

void ReadMap(JsonReader& json, std::map<std::string, std::string>& map) {
  std::string key;
  if (!json.BeginObject()) return;
  while (json.NextKey(&key)) json.ReadString(&map[key]);
}

void ReadMtu(JsonReader& json, int& mtu) {
  int64_t value = 0;
  if (!json.ReadInt(&value)) return;
  if (value < 0 || value > kLargestMtu) json.Fail("the mtu is out of range");
  mtu = static_cast<int>(value);
}

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-'; }

}  // namespace

absl::StatusOr<NetworkMode> NetworkModeOf(const state::ContainerConfig& config) {
  std::set<std::string> seen;
  NetworkMode mode = NetworkMode::kBridge;
  for (const state::NetworkAttachment& attachment : config.networks) {
    const std::string& name = attachment.network;
    if (name == "none" || name == kLeftAll) {
      mode = NetworkMode::kNone;
    } else if (name == "host") {
      mode = NetworkMode::kHost;
    } else if (absl::StartsWith(name, std::string(kContainerPrefix))) {
      mode = NetworkMode::kContainer;
    } else if (name == "bridge" || name == "default") {
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

std::string SerializeNetwork(const Network& network) {
  std::string text;
  JsonWriter json(&text);
  json.BeginObject();
  WriteText(json, "name", network.name);
  WriteText(json, "id", network.id);
  WriteText(json, "created_at", FormatTimestamp(network.created_at));
  WriteText(json, "driver", network.driver);
  WriteText(json, "interface", network.interface_name);
  WriteText(json, "subnet", network.subnet);
  WriteText(json, "gateway", network.gateway);
  WriteText(json, "ip_range", network.ip_range);
  WriteText(json, "subnet6", network.subnet6);
  WriteText(json, "gateway6", network.gateway6);
  WriteMap(json, "aux_addresses", network.aux_addresses);
  json.Key("internal");
  json.Bool(network.internal);
  json.Key("ipv6");
  json.Bool(network.ipv6);
  json.Key("mtu");
  json.Int(network.mtu);
  WriteMap(json, "labels", network.labels);
  WriteMap(json, "options", network.options);
  json.EndObject();
  return text + "\n";
}

absl::StatusOr<Network> ParseNetwork(absl::string_view text) {
  Network network;
  std::string created_at;
  const std::pair<absl::string_view, std::string*> texts[] = {
      {"name", &network.name},       {"id", &network.id},
      {"created_at", &created_at},   {"driver", &network.driver},
      {"subnet", &network.subnet},   {"interface", &network.interface_name},
      {"gateway", &network.gateway}, {"ip_range", &network.ip_range},
      {"subnet6", &network.subnet6}, {"gateway6", &network.gateway6},
  };
  const std::pair<absl::string_view, std::map<std::string, std::string>*> maps[] = {
      {"aux_addresses", &network.aux_addresses},
      {"labels", &network.labels},
      {"options", &network.options},
  };
  JsonReader json(text);
  std::string key;
  const auto named = [&](const auto& field) { return field.first == key; };
  if (!json.BeginObject()) return Annotate(json.Finish(), "network file");
  while (json.NextKey(&key)) {
    if (const auto* field = std::find_if(std::begin(texts), std::end(texts), named);
        field != std::end(texts)) {
      json.ReadString(field->second);
    } else if (const auto* map = std::find_if(std::begin(maps), std::end(maps), named);
               map != std::end(maps)) {
      ReadMap(json, *map->second);
    } else if (key == "internal") {
      json.ReadBool(&network.internal);
    } else if (key == "ipv6") {
      json.ReadBool(&network.ipv6);
    } else if (key == "mtu") {
      ReadMtu(json, network.mtu);
    } else {
      json.Skip();
    }
    if (!json.ok()) return Annotate(json.Finish(), absl::StrCat("network file: field ", key));
  }
  RETURN_IF_ERROR(Annotate(json.Finish(), "network file"));
  if (network.name.empty() || network.interface_name.empty()) {
    return absl::InvalidArgumentError("network file: name or interface is missing");
  }
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
