// tiny top and tiny stats.
#include <time.h>

#include <map>
#include <optional>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/table/table.h"

namespace tiny::cli {
namespace {

absl::StatusOr<int> RunTop(Context& context, NoFlags&, Arguments arguments) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  std::vector<std::string> options;
  for (const absl::string_view word : arguments.subspan(1)) options.emplace_back(word);
  const absl::StatusOr<runtime::ProcessTable> processes = engine->Top(arguments[0], options);
  if (!processes.ok()) return context.ExplainMissing(processes.status(), arguments[0]);
  Table table(processes->titles);
  for (const std::vector<std::string>& row : processes->rows) table.AddRow(row);
  context.out.Write(table.ToString());
  return 0;
}

struct Flags {
  bool all = false;
  bool no_stream = false;
  bool no_trunc = false;
  std::string format;
};

constexpr Option kOptions[] = {
    {'a', "all", "", "Show stopped containers too", Set<&Flags::all>},
    {0, "no-stream", "", "Show one reading and end", Set<&Flags::no_stream>},
    {0, "no-trunc", "", "Show ids whole", Set<&Flags::no_trunc>},
    {0, "format", "form", "table, json, \"table TEMPLATE\" or a template", Set<&Flags::format>},
};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr const OptionGroup* kGroups[] = {&kGroup};

constexpr Column kColumns[] = {
    {"ID", "CONTAINER ID"},
    {"Name", "NAME"},
    {"CPUPerc", "CPU %"},
    {"MemUsage", "MEM USAGE / LIMIT"},
    {"MemPerc", "MEM %"},
    {"NetIO", "NET I/O"},
    {"BlockIO", "BLOCK I/O"},
    {"PIDs", "PIDS"},
    {"Container", "CONTAINER", false},
};

using Samples = std::map<std::string, runtime::StatsSample>;  // by id

std::string Percent(double part, double whole) {
  return absl::StrFormat("%.2f%%", whole > 0 ? part / whole * 100 : 0.0);
}

// 100% is one cpu busy all the time, as docker counts.
std::string CpuPercent(const runtime::StatsSample* before, const runtime::StatsSample& now) {
  if (before == nullptr || now.cpu_nanoseconds < before->cpu_nanoseconds) return "0.00%";
  return Percent(static_cast<double>(now.cpu_nanoseconds - before->cpu_nanoseconds),
                 absl::ToDoubleNanoseconds(now.time - before->time));
}

Value StatsRow(const runtime::Container& container, const Flags& flags,
               const runtime::StatsSample* before, const runtime::StatsSample* now) {
  const state::ContainerConfig& config = container.config;
  Value row = Value::Object({{"ID", flags.no_trunc ? config.id : config.id.substr(0, 12)},
                             {"Name", config.name},
                             {"Container", config.name}});
  if (now == nullptr) {
    for (const char* field : {"CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"}) {
      row.Set(field, "--");
    }
    return row;
  }
  row.Set("CPUPerc", CpuPercent(before, *now));
  row.Set("MemUsage", absl::StrCat(FormatBinaryBytes(now->memory_bytes), " / ",
                                   FormatBinaryBytes(now->memory_limit)));
  row.Set("MemPerc",
          Percent(static_cast<double>(now->memory_bytes), static_cast<double>(now->memory_limit)));
  row.Set("NetIO", absl::StrCat(FormatDecimalBytes(now->network_received), " / ",
                                FormatDecimalBytes(now->network_sent)));
  row.Set("BlockIO", absl::StrCat(FormatDecimalBytes(now->block_read), " / ",
                                  FormatDecimalBytes(now->block_written)));
  row.Set("PIDs", absl::StrCat(now->pids));
  return row;
}

bool Runs(const runtime::Container& container) {
  return container.state.status == state::Status::kRunning ||
         container.state.status == state::Status::kPaused;
}

absl::StatusOr<std::vector<runtime::Container>> Chosen(Context& context, const Flags& flags,
                                                       Arguments names) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  std::vector<runtime::Container> chosen;
  for (const absl::string_view name : names) {
    absl::StatusOr<runtime::Container> container = engine->Inspect(name);
    if (!container.ok()) return context.ExplainMissing(container.status(), name);
    chosen.push_back(*std::move(container));
  }
  if (!names.empty()) return chosen;
  ASSIGN_OR_RETURN(std::vector<runtime::Container> all, engine->List(nullptr));
  for (runtime::Container& container : all) {
    if (flags.all || Runs(container)) chosen.push_back(std::move(container));
  }
  return chosen;
}

// A container that ends between two looks has no sample.
Samples ReadSamples(runtime::Engine& engine, const std::vector<runtime::Container>& containers) {
  Samples samples;
  for (const runtime::Container& container : containers) {
    if (!Runs(container)) continue;
    absl::StatusOr<runtime::StatsSample> sample = engine.Stats(container.config.id);
    if (sample.ok()) samples[container.config.id] = *sample;
  }
  return samples;
}

const runtime::StatsSample* Find(const Samples& samples, const std::string& id) {
  const auto found = samples.find(id);
  return found == samples.end() ? nullptr : &found->second;
}

void Sleep(absl::Duration duration) {
  timespec time = absl::ToTimespec(duration);
  nanosleep(&time, nullptr);
}

absl::StatusOr<int> RunStats(Context& context, Flags& flags, Arguments names) {
  ASSIGN_OR_RETURN(RowFormat format, RowFormat::Parse(flags.format, kColumns));
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const bool redraw = !flags.no_stream && context.out.IsTerminal();
  std::optional<Samples> before;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<runtime::Container> containers,
                     Chosen(context, flags, names));
    if (!before.has_value()) {
      before = ReadSamples(*engine, containers);
      Sleep(absl::Milliseconds(flags.no_stream ? 250 : 500));
    }
    Samples now = ReadSamples(*engine, containers);
    for (const runtime::Container& container : containers) {
      const std::string& id = container.config.id;
      RETURN_IF_ERROR(format.AddRow(StatsRow(container, flags, Find(*before, id), Find(now, id))));
    }
    if (redraw) context.out.Write("\x1b[H\x1b[2J");
    format.Print(context.out);
    context.out.Flush();
    if (flags.no_stream || context.out.error() != 0) return 0;
    before = std::move(now);
    Sleep(absl::Seconds(1));
  }
}

}  // namespace

constinit const Command kTopCommand = {
    .name = "top",
    .summary = "Show the processes of a container",
    .usage = "CONTAINER [PS-OPTIONS]",
    .details =
        "The numbers are the host's. Options are those of ps(1): -ef (default), aux, -o LIST.",
    .examples = "tiny top web\ntiny top web -o pid,user,args",
    .style = {.stop_at_positional = true},
    .min_arguments = 1,
    .run = Run<NoFlags, RunTop>,
};

constinit const Command kStatsCommand = {
    .name = "stats",
    .summary = "Show what containers use, once a second",
    .usage = "[OPTIONS] [CONTAINER...]",
    .details =
        "MEM leaves out the page cache that could be dropped at once. PIDS counts threads. On a\n"
        "machine with cgroup v1, what no limit counts is added up over the processes: MEM is then\n"
        "their own memory, without files and what they share.",
    .examples = "tiny stats\ntiny stats --no-stream --format '{{.Name}} {{.CPUPerc}}' web",
    .options = kGroups,
    .run = Run<Flags, RunStats>,
};

}  // namespace tiny::cli
