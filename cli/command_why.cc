// tiny why: how a container came to be as it is, in plain words.
#include <signal.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/container_view.h"
#include "cli/why.h"
#include "logs/log_options.h"
#include "logs/log_reader.h"

namespace tiny::cli {
namespace {

constexpr int kLogLines = 10;

// The last lines of the log, oldest first; none where there is no log.
std::vector<std::string> LastLines(const Context& context, const state::ContainerConfig& config) {
  std::vector<std::string> lines;
  const absl::StatusOr<logs::Format> format = logs::ParseFormat(config.log.driver);
  if (!format.ok()) return lines;
  logs::ReadOptions options;
  options.tail = kLogLines;
  absl::StatusOr<logs::LogReader> reader = logs::LogReader::Open(
      absl::StrCat(context.options.root, "/containers/", config.id), *format, options);
  if (!reader.ok()) return lines;
  logs::LogRecord record;
  while (reader->Next(&record)) lines.emplace_back(record.text);
  return lines;
}

absl::StatusOr<int> RunWhy(Context& context, NoFlags&, Arguments arguments) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const absl::StatusOr<runtime::Container> container = engine->Inspect(arguments[0]);
  if (!container.ok()) return context.ExplainMissing(container.status(), arguments[0]);
  for (const std::string& sentence : ExplainState(*container, absl::Now())) {
    context.out.Print(Printable(sentence), "\n");
  }
  const std::vector<std::string> lines = LastLines(context, container->config);
  if (lines.empty()) return 0;
  context.out.Write("The last that it wrote:\n");
  for (const std::string& line : lines) context.out.Print("  ", Printable(line), "\n");
  return 0;
}

}  // namespace

constinit const Command kWhyCommand = {
    .name = "why",
    .summary = "Explain how a container came to be in its state",
    .usage = "CONTAINER",
    .details =
        "Its exit code in words, who stopped it, what it lacked, and the last that it wrote.",
    .examples = "tiny why web",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = Run<NoFlags, RunWhy>,
};

}  // namespace tiny::cli
