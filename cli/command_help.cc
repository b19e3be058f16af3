// tiny help and tiny version.
#include <sys/utsname.h>

#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/help.h"
#include "cli/version.h"

namespace tiny::cli {
namespace {

absl::StatusOr<int> RunHelp(Context& context, NoFlags&, Arguments arguments) {
  if (arguments.empty()) {
    PrintOverview(context.out, AllCommands());
    return 0;
  }
  const FoundCommand found = FindCommand(arguments);
  if (found.command != nullptr) {
    PrintHelp(context.out, *found.command);
    return 0;
  }
  if (arguments.size() > 1 || !IsGroup(arguments[0])) return UnknownCommand(arguments);
  PrintGroup(context.out, arguments[0]);
  return 0;
}

struct VersionFlags {
  std::string format;
};
constexpr Option kVersionOptions[] = {
    {'f', "format", "form", "json, or a template such as {{.Version}}", Set<&VersionFlags::format>},
};
constexpr OptionGroup kVersionGroup = {"", kVersionOptions};
constexpr const OptionGroup* kVersionGroups[] = {&kVersionGroup};

absl::StatusOr<int> RunVersion(Context& context, VersionFlags& flags, Arguments) {
  utsname kernel = {};
  uname(&kernel);
  if (flags.format.empty()) {
    context.out.Print("tiny ", kVersion, " (Linux ", kernel.release, ", ", kernel.machine, ")\n");
    return 0;
  }
  const Value fields = Value::Object({{"Version", kVersion},
                                      {"ApiVersion", "1.43"},
                                      {"Os", "linux"},
                                      {"Arch", kernel.machine},
                                      {"KernelVersion", kernel.release}});
  Value value = fields;
  value.Set("Client", fields);
  value.Set("Server", fields);
  ASSIGN_OR_RETURN(const std::string text, FormatValue(flags.format, value));
  context.out.Print(text, "\n");
  return 0;
}

}  // namespace

constinit const Command kHelpCommand = {
    .name = "help",
    .summary = "Show help for a command, or list all commands",
    .usage = "[COMMAND]",
    .examples = "tiny help run\ntiny help network",
    .run = Run<NoFlags, RunHelp>,
};

constinit const Command kVersionCommand = {
    .name = "version",
    .summary = "Show the version",
    .usage = "[OPTIONS]",
    .examples = "tiny version -f '{{.Version}}'",
    .options = kVersionGroups,
    .max_arguments = 0,
    .run = Run<VersionFlags, RunVersion>,
};

}  // namespace tiny::cli
