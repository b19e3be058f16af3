// tiny logs.
#include <unistd.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/times.h"
#include "logs/log_printer.h"

namespace tiny::cli {
namespace {

struct Flags {
  logs::PrintOptions print;
  bool details = false;
};

constexpr Option kOptions[] = {
    {'f', "follow", "", "Follow the log until the container ends",
     SetIn<&Flags::print, &logs::PrintOptions::follow>},
    {'n', "tail", "number", "Only the last lines (default all)",
     Apply<[](Flags& f, absl::string_view v) {
       int64_t lines = 0;
       f.print.read.tail = absl::SimpleAtoi(v, &lines) && lines >= 0 ? lines : -1;
       return absl::OkStatus();
     }>},
    {0, "since", "time", "Only lines since then: a time, or for example 10m",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseMoment(v, absl::Now()), &f.print.read.since);
     }>},
    {0, "until", "time", "Only lines before then", Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseMoment(v, absl::Now()), &f.print.read.until);
     }>},
    {'t', "timestamps", "", "Show when each line was written",
     SetIn<&Flags::print, &logs::PrintOptions::timestamps>},
    {0, "details", "", "", Set<&Flags::details>},
};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr const OptionGroup* kGroups[] = {&kGroup};

bool HasEnded(runtime::Engine& engine, const std::string& id) {
  const absl::StatusOr<runtime::Container> container = engine.Inspect(id);
  if (!container.ok()) return true;
  const state::Status status = container->state.status;
  return status == state::Status::kExited || status == state::Status::kDead ||
         status == state::Status::kCreated;
}

absl::StatusOr<logs::LogSource> SourceOf(Context& context, runtime::Engine& engine,
                                         absl::string_view name) {
  absl::StatusOr<runtime::Container> container = engine.Inspect(name);
  if (!container.ok()) return context.ExplainMissing(container.status(), name);
  const state::ContainerConfig& config = container->config;
  if (config.log.driver == "none") {
    return absl::FailedPreconditionError(
        absl::StrCat(name, " has no log: it runs with --log-driver none"));
  }
  ASSIGN_OR_RETURN(const logs::Format format, logs::ParseFormat(config.log.driver));
  logs::LogSource source;
  source.directory = absl::StrCat(context.options.root, "/containers/", config.id);
  source.format = format;
  source.ended = [&engine, id = config.id] { return HasEnded(engine, id); };
  return source;
}

absl::StatusOr<int> RunLogs(Context& context, Flags& flags, Arguments names) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  std::vector<logs::LogSource> sources;
  size_t longest = 0;
  for (const absl::string_view name : names) longest = std::max(longest, name.size());
  for (const absl::string_view name : names) {
    ASSIGN_OR_RETURN(logs::LogSource source, SourceOf(context, *engine, name));
    if (names.size() > 1) {
      source.prefix = absl::StrCat(name, std::string(longest - name.size(), ' '), " | ");
    }
    sources.push_back(std::move(source));
  }
  const absl::Status printed =
      logs::PrintLogs(std::move(sources), flags.print, STDOUT_FILENO, STDERR_FILENO);
  if (absl::IsCancelled(printed)) return 0;
  RETURN_IF_ERROR(printed);
  return 0;
}

}  // namespace

constinit const Command kLogsCommand = {
    .name = "logs",
    .summary = "Show what containers have written",
    .usage = "[OPTIONS] CONTAINER...",
    .details =
        "What went to standard error goes there again. Several logs are merged by time, with\n"
        "their names before the lines.",
    .examples = "tiny logs web\ntiny logs -f --tail 20 web\ntiny logs --since 10m -t web db",
    .options = kGroups,
    .min_arguments = 1,
    .run = Run<Flags, RunLogs>,
};

}  // namespace tiny::cli
