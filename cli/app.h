// The whole command line as a function: what main() calls, and tests.
#ifndef TINY_CLI_APP_H_
#define TINY_CLI_APP_H_

#include "cli/context.h"
#include "cli/option.h"

namespace tiny::cli {

// Runs `tiny ARGUMENTS...`, prints what it prints, and returns the exit code. TINY_ROOT,
// TINY_RUN_ROOT and the flags --root and --run-root say where containers are kept; unless the user
// is root, the default is below XDG_DATA_HOME and XDG_RUNTIME_DIR.
int RunApp(Context& context, Arguments arguments);

}  // namespace tiny::cli

#endif  // TINY_CLI_APP_H_
