// tiny: containers without a daemon.
#include <stdlib.h>
#include <unistd.h>

#include <vector>

#include "cli/app.h"
#include "runtime/engine.h"
#include "runtime/launch/launch.h"

int main(int argc, char** argv) {
  // `bazel run` starts programs elsewhere; relative paths are meant from where the user is.
  if (const char* folder = getenv("BUILD_WORKING_DIRECTORY")) {
    if (chdir(folder) != 0) return 125;
    unsetenv("BUILD_WORKING_DIRECTORY");
    unsetenv("BUILD_WORKSPACE_DIRECTORY");
  }
  tiny::cli::Output out(STDOUT_FILENO);
  tiny::cli::Output err(STDERR_FILENO);
  tiny::cli::Context context = {.out = out,
                                .err = err,
                                .open_engine = tiny::runtime::Engine::Open,
                                .start_error_code = tiny::runtime::ExitCodeOfStartError};
  const std::vector<absl::string_view> arguments(argv + 1, argv + argc);
  return tiny::cli::RunApp(context, arguments);
}
