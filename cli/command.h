// One verb of the command line: its options, its help, and the function that does it.
//
//   struct Flags { bool size = false; };
//   constexpr Option kOptions[] = {{'s', "size", "", "Show sizes", Set<&Flags::size>}};
//   constexpr OptionGroup kGroup = {"", kOptions};
//   constexpr const OptionGroup* kGroups[] = {&kGroup};
//   absl::StatusOr<int> Inspect(Context& context, Flags& flags, Arguments names);
//   constinit const Command kInspectCommand = {
//       .name = "inspect", .summary = "...", .usage = "[OPTIONS] NAME...",
//       .options = kGroups, .min_arguments = 1, .run = Run<Flags, Inspect>};
//
// A command's result is the exit code of the process, or an error that main prints.
#ifndef TINY_CLI_COMMAND_H_
#define TINY_CLI_COMMAND_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/context.h"
#include "cli/option.h"

namespace tiny::cli {

struct Command {
  static constexpr int kAnyNumber = -1;

  absl::string_view name = {};                       // "run", "network create"
  absl::Span<const absl::string_view> aliases = {};  // whole names too: "container ls"
  absl::string_view summary = {};                    // one line, no full stop
  absl::string_view usage = {};                      // what follows the name
  absl::string_view details = {};                    // paragraphs for --help
  absl::string_view examples = {};                   // lines for --help
  OptionGroups options = {};
  ParseStyle style = {};
  int min_arguments = 0;
  int max_arguments = kAnyNumber;
  int failure_code = 1;  // 125 where Docker keeps the lower codes for the container's program
  absl::StatusOr<int> (*run)(Context& context, const Command& command,
                             Arguments arguments) = nullptr;
};

// What a mistake in the command line itself exits with, as in Docker's.
inline constexpr int kUsageErrorCode = 125;

// kInvalidArgument, known by main as a mistake in the command line.
absl::Status UsageError(absl::string_view message, absl::string_view hint = "");
bool IsUsageError(const absl::Status& status);

// Parses into `flags` and counts the positional arguments. With `help` in the result, the help has
// been printed and there is nothing left to do.
absl::StatusOr<ParsedArguments> ParseCommandLine(Context& context, const Command& command,
                                                 Arguments arguments, void* flags);

template <typename Flags, absl::StatusOr<int> (*kFunction)(Context&, Flags&, Arguments)>
absl::StatusOr<int> Run(Context& context, const Command& command, Arguments arguments) {
  Flags flags;
  absl::StatusOr<ParsedArguments> parsed = ParseCommandLine(context, command, arguments, &flags);
  if (!parsed.ok()) return parsed.status();
  if (parsed->help) return 0;
  return kFunction(context, flags, parsed->positionals);
}

struct NoFlags {};

}  // namespace tiny::cli

#endif  // TINY_CLI_COMMAND_H_
