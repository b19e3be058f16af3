// tiny network create, ls, inspect, rm and prune.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/timestamp.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/addresses.h"
#include "cli/flag_parsers/csv.h"
#include "cli/flag_parsers/resources.h"
#include "cli/format.h"
#include "cli/object_filter.h"
#include "cli/object_values.h"

namespace tiny::cli {
namespace {

struct CreateFlags {
  runtime::Network network;
};

// An address or a subnet of IPv4 goes to the one field, of IPv6 to the other.
absl::Status SetByFamily(absl::string_view value, bool is_subnet, std::string* v4,
                         std::string* v6) {
  const size_t slash = value.find('/');
  const absl::string_view address = value.substr(0, slash);
  if (!IsIpAddress(address) || is_subnet != (slash != absl::string_view::npos)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", value, "\" is not ", is_subnet ? "a subnet, such as 10.20.0.0/24" : "an address"));
  }
  if (is_subnet) {
    const absl::StatusOr<int64_t> bits =
        ParseNumber(value.substr(slash + 1), 1, IsIpv6Address(address) ? 128 : 32);
    if (!bits.ok()) return bits.status();
  }
  *(IsIpv6Address(address) ? v6 : v4) = std::string(value);
  return absl::OkStatus();
}

absl::Status AddAuxAddress(CreateFlags& flags, absl::string_view value) {
  ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(value));
  if (!IsIpAddress(pair.second)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", pair.second, "\" is not an address"));
  }
  flags.network.aux_addresses[pair.first] = pair.second;
  return absl::OkStatus();
}

constexpr Option kCreateOptions[] = {
    {'d', "driver", "driver", "bridge (default) or macvlan",
     Apply<[](CreateFlags& f, absl::string_view v) -> absl::Status {
       if (v != "bridge" && v != "macvlan") {
         return absl::InvalidArgumentError(
             absl::StrCat("unsupported driver \"", v, "\": want bridge or macvlan"));
       }
       f.network.driver = std::string(v);
       return absl::OkStatus();
     }>},
    {0, "subnet", "subnet", "Its addresses, such as 10.20.0.0/24",
     Apply<[](CreateFlags& f, absl::string_view v) {
       return SetByFamily(v, true, &f.network.subnet, &f.network.subnet6);
     }>},
    {0, "gateway", "address", "The host's address on it",
     Apply<[](CreateFlags& f, absl::string_view v) {
       return SetByFamily(v, false, &f.network.gateway, &f.network.gateway6);
     }>},
    {0, "ip-range", "subnet", "Give out only addresses of this part of the subnet",
     Apply<[](CreateFlags& f, absl::string_view v) {
       std::string v6;
       return SetByFamily(v, true, &f.network.ip_range, &v6);
     }>},
    {0, "aux-address", "name=ip", "Never give out this address",
     Apply<[](CreateFlags& f, absl::string_view v) { return AddAuxAddress(f, v); }>},
    {0, "internal", "", "Without access to and from other networks",
     SetIn<&CreateFlags::network, &runtime::Network::internal>},
    {0, "ipv6", "", "Give out IPv6 addresses too",
     SetIn<&CreateFlags::network, &runtime::Network::ipv6>},
    {0, "ipv4", "", "Give out IPv4 addresses (always)",
     Apply<[](CreateFlags&, absl::string_view v) {
       return AcceptOnly("true", "a network has IPv4 addresses", v);
     }>},
    {0, "attachable", "", "No effect: any container may join a network",
     Apply<[](CreateFlags&, absl::string_view v) { return AcceptSwitch(v); }>},
    {0, "ipam-driver", "driver", "default", Apply<[](CreateFlags&, absl::string_view v) {
       return AcceptOnly("default", "addresses are given out by tiny itself", v);
     }>},
    {0, "scope", "scope", "local", Apply<[](CreateFlags&, absl::string_view v) {
       return AcceptOnly("local", "a network is of one machine", v);
     }>},
    {0, "ipam-opt", "key=value", "addresses are given out by tiny itself, without options",
     nullptr},
    {0, "config-from", "network", "there are no networks of configuration alone", nullptr},
    {0, "config-only", "", "there are no networks of configuration alone", nullptr},
    {0, "ingress", "", "it is for swarms of machines", nullptr},
    {0, "label", "key[=value]", "Attach a label",
     Apply<[](CreateFlags& f, absl::string_view v) { return AddLabel(v, &f.network.labels); }>},
    {'o', "opt", "key=value",
     "Option of the driver: parent= of macvlan, com.docker.network.bridge.name, ...driver.mtu",
     Apply<[](CreateFlags& f, absl::string_view v) -> absl::Status {
       ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(v));
       f.network.options[pair.first] = pair.second;
       return absl::OkStatus();
     }>},
};
constexpr OptionGroup kCreateGroup = {"", kCreateOptions};
constexpr const OptionGroup* kCreateGroups[] = {&kCreateGroup};

absl::StatusOr<int> RunCreate(Context& context, CreateFlags& flags, Arguments arguments) {
  flags.network.name = std::string(arguments[0]);
  if (!flags.network.subnet6.empty()) flags.network.ipv6 = true;
  ASSIGN_OR_RETURN(const auto networks, context.Networks());
  ASSIGN_OR_RETURN(const runtime::Network network, networks->Create(flags.network));
  context.out.Print(network.id, "\n");
  return 0;
}

constexpr absl::string_view kListKeys[] = {"dangling", "driver", "id",    "label",
                                           "label!",   "name",   "scope", "type"};

struct ListFlags {
  bool quiet = false;
  bool no_trunc = false;
  std::string format;
  ObjectFilter filter;
};
constexpr Option kListOptions[] = {
    {'q', "quiet", "", "Show only ids", Set<&ListFlags::quiet>},
    {0, "no-trunc", "", "Show ids whole", Set<&ListFlags::no_trunc>},
    {'f', "filter", "key=value",
     "Show only those that match (dangling, driver, id, label, name, type)",
     Apply<[](ListFlags& f, absl::string_view v) { return f.filter.Add(v, kListKeys); }>},
    {0, "format", "form", "table, json, \"table TEMPLATE\" or a template", Set<&ListFlags::format>},
};
constexpr OptionGroup kListGroup = {"", kListOptions};
constexpr const OptionGroup* kListGroups[] = {&kListGroup};

constexpr Column kColumns[] = {
    {"ID", "NETWORK ID"},        {"Name", "NAME"},
    {"Driver", "DRIVER"},        {"Scope", "SCOPE"},
    {"IPv6", "IPV6", false},     {"Internal", "INTERNAL", false},
    {"Labels", "LABELS", false}, {"CreatedAt", "CREATED AT", false},
    {"Subnet", "SUBNET", false},
};

bool IsBuiltIn(const runtime::Network& network) {
  return network.name == "bridge" || network.name == "host" || network.name == "none";
}

bool Matches(const ObjectFilter& filter, const runtime::Network& network) {
  const bool built_in = IsBuiltIn(network);
  return filter.MatchesLabels(network.labels) &&
         filter.Any("name", [&](const auto& v) { return absl::StrContains(network.name, v); }) &&
         filter.Any("id", [&](const auto& v) { return absl::StartsWith(network.id, v); }) &&
         filter.Any("driver", [&](const auto& v) { return network.driver == v; }) &&
         filter.Any("scope", [&](const auto& v) { return v == "local"; }) &&
         filter.Any("type", [&](const auto& v) { return (v == "builtin") == built_in; });
}

absl::Status AddNetworkRow(RowFormat& format, const runtime::Network& network, bool no_trunc) {
  std::string labels;
  for (const auto& [key, value] : network.labels) {
    absl::StrAppend(&labels, labels.empty() ? "" : ",", key, "=", value);
  }
  return format.AddRow(Value::Object({{"ID", no_trunc ? network.id : network.id.substr(0, 12)},
                                      {"Name", network.name},
                                      {"Driver", network.driver},
                                      {"Scope", "local"},
                                      {"IPv6", network.ipv6 ? "true" : "false"},
                                      {"Internal", network.internal ? "true" : "false"},
                                      {"Labels", labels},
                                      {"CreatedAt", FormatTimestamp(network.created_at)},
                                      {"Subnet", network.subnet}}));
}

absl::StatusOr<int> RunList(Context& context, ListFlags& flags, Arguments) {
  ASSIGN_OR_RETURN(RowFormat format,
                   RowFormat::Parse(flags.format, kColumns, flags.quiet ? "ID" : ""));
  ASSIGN_OR_RETURN(const auto networks, context.Networks());
  std::vector<std::string> damaged;
  ASSIGN_OR_RETURN(const std::vector<runtime::Network> all, networks->List(&damaged));
  for (const std::string& each : damaged) context.PrintWarning(each);
  for (const runtime::Network& network : all) {
    if (!Matches(flags.filter, network)) continue;
    if (flags.filter.Has("dangling")) {
      ASSIGN_OR_RETURN(const auto endpoints, networks->Endpoints(network));
      const bool dangling = !IsBuiltIn(network) && endpoints.empty();
      const bool wanted = flags.filter.Any("dangling", [&](const std::string& value) {
        return (value == "true" || value == "1") == dangling;
      });
      if (!wanted) continue;
    }
    RETURN_IF_ERROR(AddNetworkRow(format, network, flags.no_trunc));
  }
  for (const char* name : {"host", "none"}) {
    runtime::Network network;
    network.name = name;
    network.driver = name == std::string("none") ? "null" : "host";
    // They have no id, and nobody counts who is on them.
    const bool other = flags.quiet || flags.filter.Has("dangling") || flags.filter.Has("id");
    if (!other && Matches(flags.filter, network)) {
      RETURN_IF_ERROR(AddNetworkRow(format, network, flags.no_trunc));
    }
  }
  format.Print(context.out);
  return 0;
}

struct InspectFlags {
  std::string format;
};
constexpr Option kInspectOptions[] = {
    {'f', "format", "form", "json, or a template such as {{.Containers}}",
     Set<&InspectFlags::format>},
};
constexpr OptionGroup kInspectGroup = {"", kInspectOptions};
constexpr const OptionGroup* kInspectGroups[] = {&kInspectGroup};

absl::StatusOr<int> RunInspect(Context& context, InspectFlags& flags, Arguments names) {
  ASSIGN_OR_RETURN(const auto networks, context.Networks());
  return InspectAll(context, flags.format, names,
                    [&](absl::string_view name) -> absl::StatusOr<Value> {
                      ASSIGN_OR_RETURN(const runtime::Network network, networks->Inspect(name));
                      ASSIGN_OR_RETURN(const auto endpoints, networks->Endpoints(network));
                      return NetworkValue(network, endpoints);
                    });
}

struct RemoveFlags {
  bool force = false;
};
constexpr Option kRemoveOptions[] = {
    {'f', "force", "", "Ignore those that do not exist", Set<&RemoveFlags::force>},
};
constexpr OptionGroup kRemoveGroup = {"", kRemoveOptions};
constexpr const OptionGroup* kRemoveGroups[] = {&kRemoveGroup};

absl::StatusOr<int> RunRemove(Context& context, RemoveFlags& flags, Arguments names) {
  ASSIGN_OR_RETURN(const auto networks, context.Networks());
  int code = 0;
  for (const absl::string_view name : names) {
    const absl::StatusOr<std::string> removed = networks->Remove(name);
    if (removed.ok()) {
      context.out.Print(*removed, "\n");
    } else if (!flags.force || !absl::IsNotFound(removed.status())) {
      context.PrintError(removed.status());
      code = 1;
    }
  }
  return code;
}

constexpr const OptionGroup* kPruneGroups[] = {&kPruneGroup};

absl::StatusOr<int> RunPrune(Context& context, PruneFlags& flags, Arguments) {
  ASSIGN_OR_RETURN(const bool go_ahead,
                   Confirm(context, flags, "networks that no container is on"));
  return go_ahead ? PruneNetworks(context, flags.filter) : 0;
}

}  // namespace

absl::StatusOr<int> PruneNetworks(Context& context, const ObjectFilter& filter) {
  ASSIGN_OR_RETURN(const auto networks, context.Networks());
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  ASSIGN_OR_RETURN(const std::vector<runtime::Container> containers, engine->List(nullptr));
  ASSIGN_OR_RETURN(const std::vector<runtime::Network> all, networks->List(nullptr));
  for (const runtime::Network& network : all) {
    if (network.name == "bridge" || !filter.Matches(network.labels, network.created_at)) continue;
    const bool used =
        std::any_of(containers.begin(), containers.end(), [&](const runtime::Container& container) {
          const auto& wanted = container.config.networks;
          return std::any_of(wanted.begin(), wanted.end(), [&](const auto& attachment) {
            return attachment.network == network.name;
          });
        });
    if (used) continue;
    const absl::StatusOr<std::string> removed = networks->Remove(network.name);
    if (removed.ok()) context.out.Print(*removed, "\n");
  }
  return 0;
}

constinit const Command kNetworkCreateCommand = {
    .name = "network create",
    .summary = "Create a network",
    .usage = "[OPTIONS] NAME",
    .details =
        "Containers on it find each other by name; those of other networks do not reach them.",
    .examples =
        "tiny network create back\n"
        "tiny network create --subnet 10.20.0.0/24 --internal db",
    .options = kCreateGroups,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = Run<CreateFlags, RunCreate>,
};
constinit const Command kNetworkLsCommand = {
    .name = "network ls",
    .aliases = kNetworkLsAliases,
    .summary = "List networks",
    .usage = "[OPTIONS]",
    .examples = "tiny network ls --format 'table {{.Name}}\\t{{.Subnet}}'",
    .options = kListGroups,
    .max_arguments = 0,
    .run = Run<ListFlags, RunList>,
};
constinit const Command kNetworkInspectCommand = {
    .name = "network inspect",
    .summary = "Show all about networks, as JSON",
    .usage = "[OPTIONS] NETWORK...",
    .examples = "tiny network inspect bridge",
    .options = kInspectGroups,
    .min_arguments = 1,
    .run = Run<InspectFlags, RunInspect>,
};
constinit const Command kNetworkRmCommand = {
    .name = "network rm",
    .aliases = kNetworkRmAliases,
    .summary = "Remove networks",
    .usage = "[OPTIONS] NETWORK...",
    .details = "One that a running container is on is an error.",
    .examples = "tiny network rm back",
    .options = kRemoveGroups,
    .min_arguments = 1,
    .run = Run<RemoveFlags, RunRemove>,
};
constinit const Command kNetworkPruneCommand = {
    .name = "network prune",
    .summary = "Remove networks that no container is on",
    .usage = "[OPTIONS]",
    .examples = "tiny network prune -f --filter until=24h",
    .options = kPruneGroups,
    .max_arguments = 0,
    .run = Run<PruneFlags, RunPrune>,
};

}  // namespace tiny::cli
