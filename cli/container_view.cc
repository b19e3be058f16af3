#include "cli/container_view.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/units.h"
#include "cli/output.h"
#include "cli/utf8.h"
#include "state/state_json.h"

namespace tiny::cli {
namespace {

constexpr size_t kShortId = 12;
constexpr size_t kCommandWidth = 20;

std::string AgoText(absl::Time time, absl::Time now) {
  if (time == absl::InfinitePast()) return "at an unknown time";
  return absl::StrCat(FormatRoughDuration(now - time), " ago");
}

std::string HealthText(const state::HealthState& health) {
  if (health.status.empty()) return "";
  if (health.status == "starting") return " (health: starting)";
  return absl::StrCat(" (", health.status, ")");
}

// Ports in a row of one kind.
struct PortRun {
  std::string host_ip;
  std::string protocol;
  uint32_t host = 0;
  uint32_t container = 0;
  uint32_t count = 1;
};

std::string RangeText(uint32_t first, uint32_t count) {
  return count == 1 ? absl::StrCat(first) : absl::StrCat(first, "-", first + count - 1);
}

std::string RunText(const PortRun& run) {
  const std::string container =
      absl::StrCat(RangeText(run.container, run.count), "/", run.protocol);
  if (run.host == 0) return container;
  const bool v6 = absl::StrContains(run.host_ip, ':');
  return absl::StrCat(v6 ? "[" : "", run.host_ip, v6 ? "]" : "", ":",
                      RangeText(run.host, run.count), "->", container);
}

void AddPort(std::vector<PortRun>* runs, const std::string& ip, const state::PortMapping& port) {
  if (!runs->empty()) {
    PortRun& last = runs->back();
    if (last.host_ip == ip && last.protocol == port.protocol &&
        last.container + last.count == port.container_port &&
        (port.host_port == 0 ? last.host == 0 : last.host + last.count == port.host_port)) {
      ++last.count;
      return;
    }
  }
  runs->push_back({ip, port.protocol, port.host_port, port.container_port, 1});
}

std::vector<std::string> MountNames(const runtime::Container& container, bool whole) {
  std::vector<std::string> names;
  for (const state::MountConfig& mount : container.config.mounts) {
    std::string name = mount.source;
    const auto volume = container.state.volumes.find(mount.destination);
    if (volume != container.state.volumes.end()) name = volume->second;
    if (name.empty()) continue;
    names.push_back(whole ? name : Ellipsis(name, 15));
  }
  return names;
}

int CountVolumes(const runtime::Container& container) {
  return static_cast<int>(std::count_if(
      container.config.mounts.begin(), container.config.mounts.end(),
      [](const auto& mount) { return mount.type == state::MountConfig::Type::kVolume; }));
}

// {{.Label "key"}}
Value LabelLookup(const state::ContainerConfig& config) {
  return Value(Value::Function(
      [labels = config.labels](absl::Span<const Value> arguments) -> absl::StatusOr<Value> {
        if (arguments.size() != 1 || arguments[0].as_string() == nullptr) {
          return absl::InvalidArgumentError("want the name of a label");
        }
        const auto found = labels.find(*arguments[0].as_string());
        return found == labels.end() ? Value("") : Value(found->second);
      }));
}

}  // namespace

std::string StatusText(const state::ContainerState& state, absl::Time now) {
  switch (state.status) {
    case state::Status::kCreated:
      return "Created";
    case state::Status::kRunning:
      return absl::StrCat("Up ", FormatRoughDuration(now - state.started_at),
                          HealthText(state.health));
    case state::Status::kPaused:
      return absl::StrCat("Up ", FormatRoughDuration(now - state.started_at), " (Paused)");
    case state::Status::kRestarting:
      return absl::StrCat("Restarting (", state.exit_code, ") ", AgoText(state.finished_at, now));
    case state::Status::kRemoving:
      return "Removal In Progress";
    case state::Status::kExited:
      return absl::StrCat("Exited (", state.exit_code < 0 ? "?" : absl::StrCat(state.exit_code),
                          ") ", AgoText(state.finished_at, now));
    case state::Status::kDead:
      return "Dead";
  }
  return "";
}

std::string PortsText(const runtime::Container& container) {
  const bool up = container.state.status == state::Status::kRunning ||
                  container.state.status == state::Status::kPaused;
  if (!up) return "";
  std::vector<state::PortMapping> ports = container.state.ports;
  for (const std::string& exposed : container.config.exposed_ports) {
    state::PortMapping port;
    const size_t slash = exposed.find('/');
    port.protocol = slash == std::string::npos ? "tcp" : exposed.substr(slash + 1);
    uint32_t number = 0;
    if (!absl::SimpleAtoi(exposed.substr(0, slash), &number)) continue;
    port.container_port = static_cast<uint16_t>(number);
    const bool published = std::any_of(ports.begin(), ports.end(), [&](const auto& each) {
      return each.container_port == port.container_port && each.protocol == port.protocol;
    });
    if (!published) ports.push_back(port);
  }
  std::sort(ports.begin(), ports.end(), [](const auto& a, const auto& b) {
    return std::tie(a.protocol, a.host_ip, a.container_port, a.host_port) <
           std::tie(b.protocol, b.host_ip, b.container_port, b.host_port);
  });
  std::vector<PortRun> runs;
  for (const state::PortMapping& port : ports) {
    AddPort(&runs, port.host_ip.empty() && port.host_port != 0 ? "0.0.0.0" : port.host_ip, port);
  }
  return absl::StrJoin(
      runs, ", ", [](std::string* out, const PortRun& run) { absl::StrAppend(out, RunText(run)); });
}

std::string CommandText(const state::ContainerConfig& config, bool whole) {
  std::vector<std::string> words = config.entrypoint;
  words.insert(words.end(), config.command.begin(), config.command.end());
  // In one line, also where no table sees to that.
  const std::string text = Printable(absl::StrJoin(words, " "));
  return absl::StrCat("\"", whole ? text : Ellipsis(text, kCommandWidth), "\"");
}

std::vector<std::string> NetworkNames(const runtime::Container& container) {
  std::vector<std::string> names;
  for (const state::NetworkAttachment& network : container.config.networks) {
    names.push_back(network.network);
  }
  for (const state::NetworkEndpoint& endpoint : container.state.endpoints) {
    if (std::find(names.begin(), names.end(), endpoint.network) == names.end()) {
      names.push_back(endpoint.network);
    }
  }
  if (names.empty()) names.push_back("bridge");
  return names;
}

namespace {

struct Field {
  absl::string_view name;
  Value (*value)(const runtime::Container&, const ViewOptions&);
};
constexpr Field kFields[] = {
    {"ID",
     [](auto& c, auto& view) -> Value {
       return view.no_trunc ? c.config.id : c.config.id.substr(0, kShortId);
     }},
    {"Image", [](auto& c, auto&) -> Value { return c.config.image; }},
    {"Command", [](auto& c, auto& view) -> Value { return CommandText(c.config, view.no_trunc); }},
    {"CreatedAt",
     [](auto& c, auto&) -> Value {
       return absl::FormatTime("%Y-%m-%d %H:%M:%S %z %Z", c.config.created_at,
                               absl::LocalTimeZone());
     }},
    {"RunningFor",
     [](auto& c, auto& view) -> Value { return AgoText(c.config.created_at, view.now); }},
    {"Ports", [](auto& c, auto&) -> Value { return PortsText(c); }},
    {"State", [](auto& c, auto&) -> Value { return StatusName(c.state.status); }},
    {"Status", [](auto& c, auto& view) -> Value { return StatusText(c.state, view.now); }},
    {"HealthStatus", [](auto& c, auto&) -> Value { return c.state.health.status; }},
    {"Names", [](auto& c, auto&) -> Value { return c.config.name; }},
    {"Labels",
     [](auto& c, auto&) -> Value {
       return absl::StrJoin(c.config.labels, ",", absl::PairFormatter("="));
     }},
    {"Mounts",
     [](auto& c, auto& view) -> Value { return absl::StrJoin(MountNames(c, view.no_trunc), ","); }},
    {"Networks", [](auto& c, auto&) -> Value { return absl::StrJoin(NetworkNames(c), ","); }},
    {"LocalVolumes", [](auto& c, auto&) -> Value { return absl::StrCat(CountVolumes(c)); }},
    {"Platform", [](auto&, auto&) -> Value { return "linux"; }},
    {"Label", [](auto& c, auto&) -> Value { return LabelLookup(c.config); }},
};

}  // namespace

Value ContainerRow(const runtime::Container& container, const ViewOptions& options) {
  Value row = Value::Object();
  for (const Field& field : kFields) {
    if (options.needs == nullptr || options.needs->Needs(field.name)) {
      row.Set(field.name, field.value(container, options));
    }
  }
  return row;
}

}  // namespace tiny::cli
