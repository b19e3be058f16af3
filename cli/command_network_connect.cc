// tiny network connect, disconnect, reload and doctor.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/diagnosis.h"
#include "cli/flag_parsers/addresses.h"
#include "cli/flag_parsers/policies.h"
#include "cli/format.h"
#include "runtime/network/doctor.h"

namespace tiny::cli {
namespace {

struct ConnectFlags {
  state::NetworkAttachment attachment;
};

absl::Status SetIp(bool valid, absl::string_view value, std::string* field) {
  if (!valid) return absl::InvalidArgumentError(absl::StrCat("invalid address \"", value, "\""));
  *field = std::string(value);
  return absl::OkStatus();
}

constexpr Option kConnectOptions[] = {
    {0, "alias", "name", "Another name for it on this network",
     SetIn<&ConnectFlags::attachment, &state::NetworkAttachment::aliases>},
    {0, "ip", "address", "Its IPv4 address", Apply<[](ConnectFlags& f, absl::string_view v) {
       return SetIp(IsIpv4Address(v), v, &f.attachment.ip);
     }>},
    {0, "ip6", "address", "Its IPv6 address", Apply<[](ConnectFlags& f, absl::string_view v) {
       return SetIp(IsIpv6Address(v), v, &f.attachment.ip6);
     }>},
    {0, "link", "container", "tiny has no links; containers on one network find each other by name",
     nullptr},
    {0, "gw-priority", "number", "the first network gives the default route", nullptr},
    {0, "driver-opt", "option", "networks have no such options", nullptr},
};
constexpr OptionGroup kConnectGroup = {"", kConnectOptions};
constexpr const OptionGroup* kConnectGroups[] = {&kConnectGroup};

absl::StatusOr<int> RunConnect(Context& context, ConnectFlags& flags, Arguments arguments) {
  flags.attachment.network = std::string(arguments[0]);
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const absl::Status connected = engine->Connect(arguments[1], flags.attachment);
  if (!connected.ok()) return context.ExplainMissing(connected, arguments[1]);
  return 0;
}

struct DisconnectFlags {
  bool force = false;
};
constexpr Option kDisconnectOptions[] = {
    {'f', "force", "", "Ignore a container that is not on it", Set<&DisconnectFlags::force>},
};
constexpr OptionGroup kDisconnectGroup = {"", kDisconnectOptions};
constexpr const OptionGroup* kDisconnectGroups[] = {&kDisconnectGroup};

absl::StatusOr<int> RunDisconnect(Context& context, DisconnectFlags& flags, Arguments arguments) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const absl::Status disconnected = engine->Disconnect(arguments[1], arguments[0], flags.force);
  if (!disconnected.ok()) return context.ExplainMissing(disconnected, arguments[1]);
  return 0;
}

absl::StatusOr<int> RunReload(Context& context, NoFlags&, Arguments) {
  ASSIGN_OR_RETURN(const auto networks, context.Networks());
  RETURN_IF_ERROR(networks->Reload());
  return 0;
}

struct DoctorFlags {
  std::string to;
  bool json = false;
  absl::Duration timeout = absl::Seconds(2);
};

absl::Status SetTarget(absl::string_view value, std::string* target) {
  const size_t colon = value.rfind(':');
  const absl::string_view port = colon == absl::string_view::npos ? "" : value.substr(colon + 1);
  uint32_t number = 0;
  if (colon == 0 || !absl::SimpleAtoi(port, &number) || number == 0 || number > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", value, "\" is not a host and a port, such as example.org:443"));
  }
  *target = std::string(value);
  return absl::OkStatus();
}

constexpr Option kDoctorOptions[] = {
    {0, "to", "host:port", "Also try to reach this from inside",
     Apply<[](DoctorFlags& f, absl::string_view v) { return SetTarget(v, &f.to); }>},
    {0, "timeout", "duration", "Timeout of each probe (default 2s)",
     Apply<[](DoctorFlags& f, absl::string_view v) {
       return Store(ParseHealthDuration(v), &f.timeout);
     }>},
    {0, "json", "", "Print JSON", Set<&DoctorFlags::json>},
};
constexpr OptionGroup kDoctorGroup = {"", kDoctorOptions};
constexpr const OptionGroup* kDoctorGroups[] = {&kDoctorGroup};

absl::StatusOr<int> RunDoctor(Context& context, DoctorFlags& flags, Arguments arguments) {
  if (context.diagnose_network == nullptr) {
    return absl::UnimplementedError("there are no networks here");
  }
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const absl::StatusOr<runtime::Container> container = engine->Inspect(arguments[0]);
  if (!container.ok()) return context.ExplainMissing(container.status(), arguments[0]);
  runtime::DoctorOptions options;
  options.manager.root = context.options.root;
  options.manager.run_root = context.options.run_root;
  options.to = flags.to;
  options.timeout = flags.timeout;
  options.resolv_conf_path =
      absl::StrCat(context.options.root, "/containers/", container->config.id, "/resolv.conf");
  ASSIGN_OR_RETURN(const std::vector<runtime::Diagnosis> checks,
                   context.diagnose_network(options, container->config, container->state));
  std::vector<DiagnosisLine> lines;
  for (const runtime::Diagnosis& check : checks) {
    DiagnosisLine line = {.check = check.check, .fact = check.fact, .fix = check.fix};
    line.result = check.result == runtime::Diagnosis::Result::kOk       ? DiagnosisLine::kOk
                  : check.result == runtime::Diagnosis::Result::kBroken ? DiagnosisLine::kBroken
                                                                        : DiagnosisLine::kSkipped;
    lines.push_back(std::move(line));
  }
  return PrintDiagnosis(context, lines, flags.json);
}

}  // namespace

constinit const Command kNetworkConnectCommand = {
    .name = "network connect",
    .summary = "Connect a container to a network",
    .usage = "[OPTIONS] NETWORK CONTAINER",
    .examples = "tiny network connect --alias db back web",
    .options = kConnectGroups,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = Run<ConnectFlags, RunConnect>,
};
constinit const Command kNetworkDisconnectCommand = {
    .name = "network disconnect",
    .summary = "Disconnect a container from a network",
    .usage = "[OPTIONS] NETWORK CONTAINER",
    .examples = "tiny network disconnect back web",
    .options = kDisconnectGroups,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = Run<DisconnectFlags, RunDisconnect>,
};
constinit const Command kNetworkReloadCommand = {
    .name = "network reload",
    .summary = "Restore bridges and firewall rules from the networks' records",
    .usage = "",
    .details =
        "For when somebody has flushed the firewall or changed a bridge. Disturbs no container.",
    .examples = "tiny network reload",
    .max_arguments = 0,
    .run = Run<NoFlags, RunReload>,
};
constinit const Command kNetworkDoctorCommand = {
    .name = "network doctor",
    .summary = "Find the first broken link between a container and the world",
    .usage = "[OPTIONS] CONTAINER",
    .details = "Changes nothing. Exits with 1 where something is broken, and says what mends it.",
    .examples = "tiny network doctor web\ntiny network doctor --to example.com:443 web",
    .options = kDoctorGroups,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = Run<DoctorFlags, RunDoctor>,
};

}  // namespace tiny::cli
