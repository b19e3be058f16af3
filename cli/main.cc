// tiny: containers without a daemon.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <vector>

#include "absl/status/status.h"
#include "base/exec_ids.h"
#include "base/standard_streams.h"
#include "cli/app.h"
#include "cli/command.h"
#include "runtime/engine.h"
#include "runtime/launch/launch.h"
#include "runtime/network/doctor.h"
#include "runtime/network/network_manager.h"

int main(int argc, char** argv) {
  tiny::OpenClosedStandardStreams();
  // `bazel run` starts programs elsewhere; relative paths are meant from where the user is.
  if (const char* folder = getenv("BUILD_WORKING_DIRECTORY")) {
    if (chdir(folder) != 0) perror(folder);
    unsetenv("BUILD_WORKING_DIRECTORY");
    unsetenv("BUILD_WORKSPACE_DIRECTORY");
  }
  tiny::cli::Output out(STDOUT_FILENO);
  tiny::cli::Output err(STDERR_FILENO);
  tiny::cli::Context context = {.out = out,
                                .err = err,
                                .open_engine = tiny::runtime::Engine::Open,
                                .open_networks = tiny::runtime::NetworkManager::Open,
                                .diagnose_network = tiny::runtime::DiagnoseNetwork,
                                .start_error_code = tiny::runtime::ExitCodeOfStartError,
                                .exec_error_code = tiny::runtime::ExitCodeOfExecError};
  // A setuid bit would give everybody the rights of its owner.
  if (tiny::ExecChangedIds()) {
    context.PrintError(absl::PermissionDeniedError("tiny does not run setuid or setgid"));
    return tiny::cli::kUsageErrorCode;
  }
  const std::vector<absl::string_view> arguments(argv + 1, argv + argc);
  return tiny::cli::RunApp(context, arguments);
}
