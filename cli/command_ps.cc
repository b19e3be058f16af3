// tiny ps.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/container_view.h"
#include "cli/flag_parsers/resources.h"
#include "cli/format.h"
#include "cli/ps_filter.h"
#include "cli/writable_size.h"

namespace tiny::cli {
namespace {

struct Flags {
  bool all = false;
  bool quiet = false;
  bool size = false;
  bool latest = false;
  bool no_trunc = false;
  int64_t last = -1;
  std::string format;
  PsFilter filter;
};

constexpr Option kOptions[] = {
    {'a', "all", "", "Show stopped containers too", Set<&Flags::all>},
    {'q', "quiet", "", "Show only ids", Set<&Flags::quiet>},
    {'f', "filter", "key=value", "Show only those that match (name, status, label, exited, ...)",
     Apply<[](Flags& f, absl::string_view v) { return f.filter.Add(v); }>},
    {'n', "last", "number", "Show the newest ones, whatever their status",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNumber(v, -1, 1000000), &f.last);
     }>},
    {'l', "latest", "", "Show the newest one, whatever its status", Set<&Flags::latest>},
    {'s', "size", "", "Show how many bytes each container has written", Set<&Flags::size>},
    {0, "no-trunc", "", "Show ids and commands whole", Set<&Flags::no_trunc>},
    {0, "format", "form", "table, json, \"table TEMPLATE\" or a template such as {{.Names}}",
     Set<&Flags::format>},
};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr const OptionGroup* kGroups[] = {&kGroup};

constexpr Column kColumns[] = {
    {"ID", "CONTAINER ID"},
    {"Image", "IMAGE"},
    {"Command", "COMMAND"},
    {"RunningFor", "CREATED"},
    {"Status", "STATUS"},
    {"Ports", "PORTS"},
    {"Names", "NAMES"},
    {"Size", "SIZE", false},
    {"CreatedAt", "CREATED AT", false},
    {"State", "STATE", false},
    {"HealthStatus", "HEALTH", false},
    {"Labels", "LABELS", false},
    {"Mounts", "MOUNTS", false},
    {"Networks", "NETWORKS", false},
    {"LocalVolumes", "LOCAL VOLUMES", false},
    {"Platform", "PLATFORM", false},
};

std::vector<Column> ColumnsFor(const Flags& flags) {
  std::vector<Column> columns(std::begin(kColumns), std::end(kColumns));
  for (Column& column : columns) {
    if (column.field == "Size") column.in_table = flags.size;
  }
  return columns;
}

// A container's line, which is all that is kept of it.
struct Line {
  absl::Time created_at;
  RowFormat::Cells cells;
};

absl::StatusOr<int> RunPs(Context& context, Flags& flags, Arguments) {
  const std::vector<Column> columns = ColumnsFor(flags);
  ASSIGN_OR_RETURN(RowFormat format,
                   RowFormat::Parse(flags.format, columns, flags.quiet ? "ID" : ""));
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  RETURN_IF_ERROR(flags.filter.Resolve(*engine));
  if (flags.filter.Has("network")) {
    const auto networks = context.Networks();
    flags.filter.ResolveNetworks([&](const std::string& value) -> std::optional<std::string> {
      if (!networks.ok()) return std::nullopt;
      absl::StatusOr<runtime::Network> network = (*networks)->Inspect(value);
      if (!network.ok()) return std::nullopt;
      return std::move(network->name);
    });
  }
  if (flags.latest) flags.last = 1;
  const bool every =
      flags.all || flags.last >= 0 || flags.filter.Has("status") || flags.filter.Has("exited");
  const bool needs_size = flags.size || absl::StrContains(flags.format, ".Size");
  const ViewOptions view = {.now = absl::Now(), .no_trunc = flags.no_trunc, .needs = &format};
  std::vector<Line> lines;
  absl::Status status;
  const auto add_line = [&](const runtime::Container& container) {
    if (!status.ok() || !flags.filter.Matches(container)) return;
    Value row = ContainerRow(container, view);
    row.Set("Size", needs_size ? FormatDecimalBytes(WritableSize(context, container)) : "");
    absl::StatusOr<RowFormat::Cells> cells = format.Format(row);
    status.Update(cells.status());
    if (cells.ok()) lines.push_back({container.config.created_at, *std::move(cells)});
  };
  std::vector<std::string> damaged;
  RETURN_IF_ERROR(engine->Visit(
      every ? runtime::Engine::Which::kAll : runtime::Engine::Which::kActive, add_line, &damaged));
  for (const std::string& each : damaged) context.PrintWarning(each);
  RETURN_IF_ERROR(status);
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.created_at > b.created_at; });
  if (flags.last >= 0) lines.resize(std::min(lines.size(), static_cast<size_t>(flags.last)));
  for (Line& line : lines) format.AddCells(std::move(line.cells));
  format.Print(context.out);
  return 0;
}

}  // namespace

constinit const Command kPsCommand = {
    .name = "ps",
    .aliases = kPsAliases,
    .summary = "List containers",
    .usage = "[OPTIONS]",
    .details =
        "Filters: id, name, label, status, exited, ancestor, before, since, volume, network,\n"
        "publish, expose, health. One key given twice means either; two keys mean both.",
    .examples =
        "tiny ps -a\n"
        "tiny ps -q --filter status=exited\n"
        "tiny ps --format 'table {{.Names}}\\t{{.Status}}'\n"
        "tiny ps -a --format json",
    .options = kGroups,
    .max_arguments = 0,
    .run = Run<Flags, RunPs>,
};

}  // namespace tiny::cli
