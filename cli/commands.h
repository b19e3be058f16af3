// Every command, and how a command line finds its own.
#ifndef TINY_CLI_COMMANDS_H_
#define TINY_CLI_COMMANDS_H_

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/command.h"
#include "cli/template/value.h"

namespace tiny::cli {

inline constexpr absl::string_view kPsAliases[] = {"container ls", "container list",
                                                   "container ps"};
inline constexpr absl::string_view kRmAliases[] = {"container rm", "container remove"};

inline constexpr absl::string_view kInspectAliases[] = {"container inspect"};

extern const Command kAttachCommand;
extern const Command kCreateCommand;
extern const Command kExecCommand;
extern const Command kInspectCommand;
extern const Command kKillCommand;
extern const Command kLogsCommand;
extern const Command kPauseCommand;
extern const Command kPsCommand;
extern const Command kRenameCommand;
extern const Command kRestartCommand;
extern const Command kRmCommand;
extern const Command kRunCommand;
extern const Command kStartCommand;
extern const Command kStopCommand;
extern const Command kUnpauseCommand;
extern const Command kWaitCommand;
extern const Command kVersionCommand;
extern const Command kHelpCommand;

// What the inspect commands share: the values that `look` finds for the names, printed as one JSON
// list or each by the template; then the errors. The exit code is 1 where there was one.
absl::StatusOr<int> InspectAll(Context& context, absl::string_view format, Arguments names,
                               absl::FunctionRef<absl::StatusOr<Value>(absl::string_view)> look);

// In the order of help.
absl::Span<const Command* const> AllCommands();

// The command that the arguments begin with ("network", "create") and how many of them its name
// takes; nullptr where there is none. "container VERB" is the verb.
struct FoundCommand {
  const Command* command = nullptr;
  size_t words = 0;
};
FoundCommand FindCommand(Arguments arguments);

// "no such command", with the nearest one as the hint.
absl::Status UnknownCommand(Arguments arguments);

}  // namespace tiny::cli

#endif  // TINY_CLI_COMMANDS_H_
