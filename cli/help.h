// The help of a command, and of all of them, from their tables.
#ifndef TINY_CLI_HELP_H_
#define TINY_CLI_HELP_H_

#include "cli/command.h"
#include "cli/output.h"

namespace tiny::cli {

void PrintHelp(Output& out, const Command& command);
void PrintOverview(Output& out, absl::Span<const Command* const> commands);

}  // namespace tiny::cli

#endif  // TINY_CLI_HELP_H_
