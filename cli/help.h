// The help of a command, and of all of them, from their tables.
#ifndef TINY_CLI_HELP_H_
#define TINY_CLI_HELP_H_

#include "cli/command.h"
#include "cli/output.h"

namespace tiny::cli {

void PrintHelp(Output& out, const Command& command);
// What `tiny GROUP --help` says: its commands, by the names that they have in it.
void PrintGroup(Output& out, absl::string_view group);
void PrintOverview(Output& out, absl::Span<const Command* const> commands);

}  // namespace tiny::cli

#endif  // TINY_CLI_HELP_H_
