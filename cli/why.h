// A container's state in sentences. Pure; thread-safe.
#ifndef TINY_CLI_WHY_H_
#define TINY_CLI_WHY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "runtime/engine.h"

namespace tiny::cli {

std::vector<std::string> ExplainState(const runtime::Container& container, absl::Time now);

// "it was killed by SIGKILL (signal 9)", "its program was not found", ...
std::string ExplainExitCode(int code);

}  // namespace tiny::cli

#endif  // TINY_CLI_WHY_H_
