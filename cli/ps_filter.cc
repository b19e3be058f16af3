#include "cli/ps_filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "cli/container_view.h"
#include "cli/flag_parsers/csv.h"
#include "cli/flag_parsers/ports.h"
#include "cli/flag_parsers/times.h"
#include "cli/name_pattern.h"
#include "cli/suggest.h"
#include "state/state_json.h"

namespace tiny::cli {
namespace {

constexpr absl::string_view kKeys[] = {"id",     "name",     "label",   "label!", "status",
                                       "exited", "ancestor", "before",  "since",  "until",
                                       "volume", "network",  "publish", "expose", "health"};
constexpr absl::string_view kStatuses[] = {"created",  "running", "paused", "restarting",
                                           "removing", "exited",  "dead"};
constexpr absl::string_view kHealths[] = {"starting", "healthy", "unhealthy", "none"};

absl::Status CheckWord(absl::string_view key, absl::string_view value,
                       absl::Span<const absl::string_view> words) {
  if (std::find(words.begin(), words.end(), value) != words.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(key, "=", value, " is none of ", absl::StrJoin(words, ", ")));
}

// "80", "80/udp", "8000-8010/tcp".
absl::Status CheckPorts(absl::string_view value) { return ParseExpose(value).status(); }

bool HasPort(absl::string_view value, uint16_t port, absl::string_view protocol) {
  const size_t slash = value.find('/');
  const absl::StatusOr<PortRange> range = ParsePortRange(value.substr(0, slash));
  const absl::string_view wanted =
      slash == absl::string_view::npos ? "tcp" : value.substr(slash + 1);
  return range.ok() && port >= range->first && port <= range->last && protocol == wanted;
}

bool HasLabel(const state::ContainerConfig& config, absl::string_view value) {
  const size_t equals = value.find('=');
  const auto found = config.labels.find(std::string(value.substr(0, equals)));
  if (found == config.labels.end()) return false;
  return equals == absl::string_view::npos || found->second == value.substr(equals + 1);
}

bool Exposes(const state::ContainerConfig& config, const std::string& value) {
  for (const std::string& exposed : config.exposed_ports) {
    const size_t slash = exposed.find('/');
    uint32_t port = 0;
    if (absl::SimpleAtoi(exposed.substr(0, slash), &port) &&
        HasPort(value, static_cast<uint16_t>(port), exposed.substr(slash + 1))) {
      return true;
    }
  }
  return std::any_of(config.ports.begin(), config.ports.end(), [&](const auto& port) {
    return HasPort(value, port.container_port, port.protocol);
  });
}

bool Publishes(const runtime::Container& container, const std::string& value) {
  const std::vector<state::PortMapping>& ports =
      container.state.ports.empty() ? container.config.ports : container.state.ports;
  return std::any_of(ports.begin(), ports.end(), [&](const auto& port) {
    return HasPort(value, port.host_port, port.protocol) ||
           HasPort(value, port.container_port, port.protocol);
  });
}

bool HasVolume(const runtime::Container& container, const std::string& value) {
  for (const state::MountConfig& mount : container.config.mounts) {
    if (mount.source == value || mount.destination == value) return true;
  }
  return std::any_of(container.state.volumes.begin(), container.state.volumes.end(),
                     [&](const auto& volume) { return volume.second == value; });
}

// With the slash before it that Docker's names have, or without.
bool HasName(const std::string& name, const std::string& value) {
  return MatchesPattern(value, name) || MatchesPattern(value, absl::StrCat("/", name));
}

}  // namespace

absl::Status PsFilter::Add(absl::string_view term) {
  ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(term));
  auto [key, value] = pair;
  if (absl::EndsWith(term.substr(0, term.find('=')), "!") && key != "label!") {
    return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" cannot be negated"));
  }
  if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys)) {
    const absl::string_view nearest = NearestName(key, kKeys);
    return absl::InvalidArgumentError(
        absl::StrCat("unknown key \"", key, "\"",
                     nearest.empty() ? "" : absl::StrCat(": did you mean ", nearest, "?")));
  }
  if (key == "status") RETURN_IF_ERROR(CheckWord(key, value, kStatuses));
  if (key == "health") RETURN_IF_ERROR(CheckWord(key, value, kHealths));
  if (key == "publish" || key == "expose") RETURN_IF_ERROR(CheckPorts(value));
  int code = 0;
  if (key == "exited" && !absl::SimpleAtoi(value, &code)) {
    return absl::InvalidArgumentError(absl::StrCat("exited=", value, " is not an exit code"));
  }
  if (key == "until") {
    ASSIGN_OR_RETURN(moments_["until=" + value], ParseMoment(value, absl::Now()));
  }
  terms_[key].push_back(value);
  return absl::OkStatus();
}

absl::Status PsFilter::Resolve(runtime::Engine& engine) {
  for (const char* key : {"before", "since"}) {
    const auto values = terms_.find(key);
    if (values == terms_.end()) continue;
    for (const std::string& value : values->second) {
      ASSIGN_OR_RETURN(const runtime::Container found, engine.Inspect(value));
      moments_[absl::StrCat(key, "=", value)] = found.config.created_at;
    }
  }
  return absl::OkStatus();
}

void PsFilter::ResolveNetworks(
    absl::FunctionRef<std::optional<std::string>(const std::string&)> name_of) {
  const auto values = terms_.find("network");
  if (values == terms_.end()) return;
  for (const std::string& value : values->second) {
    if (std::optional<std::string> name = name_of(value)) network_names_[value] = *std::move(name);
  }
}

bool PsFilter::Matches(const runtime::Container& container) const {
  for (const auto& [key, values] : terms_) {
    const auto matches = [&, &key = key](const std::string& value) {
      return MatchesTerm(key, value, container);
    };
    const bool all = key == "label" || key == "label!";
    if (!(all ? std::all_of(values.begin(), values.end(), matches)
              : std::any_of(values.begin(), values.end(), matches))) {
      return false;
    }
  }
  return true;
}

bool PsFilter::MatchesTerm(const std::string& key, const std::string& value,
                           const runtime::Container& container) const {
  const state::ContainerConfig& config = container.config;
  const state::ContainerState& state = container.state;
  if (key == "id") return absl::StartsWith(config.id, value);
  if (key == "name") return HasName(config.name, value);
  if (key == "label") return HasLabel(config, value);
  if (key == "label!") return !HasLabel(config, value);
  if (key == "status") return StatusName(state.status) == value;
  if (key == "exited") {
    return state.status == state::Status::kExited && absl::StrCat(state.exit_code) == value;
  }
  if (key == "ancestor") return config.image == value || config.rootfs == value;
  if (key == "volume") return HasVolume(container, value);
  if (key == "network") {
    const std::vector<std::string> names = NetworkNames(container);
    const auto resolved = network_names_.find(value);
    const std::string& name = resolved == network_names_.end() ? value : resolved->second;
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  if (key == "publish") return Publishes(container, value);
  if (key == "expose") return Exposes(config, value);
  if (key == "health") return (state.health.status.empty() ? "none" : state.health.status) == value;
  const auto moment = moments_.find(absl::StrCat(key, "=", value));
  if (moment == moments_.end()) return false;
  return key == "since" ? config.created_at > moment->second : config.created_at < moment->second;
}

}  // namespace tiny::cli
