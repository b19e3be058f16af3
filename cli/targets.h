// Commands that do one thing to each of several containers.
#ifndef TINY_CLI_TARGETS_H_
#define TINY_CLI_TARGETS_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/context.h"
#include "cli/option.h"

namespace tiny::cli {

// What is done to one; the result is the line to print, "" for none. May run in a thread of its
// own, with an engine of its own.
using TargetAction =
    std::function<absl::StatusOr<std::string>(runtime::Engine& engine, absl::string_view target)>;

enum class TargetOrder {
  kOneByOne,
  kAtOnce,  // each in a thread: for what waits. Not for what forks.
};

// Calls `action` for each target, prints what it returns in the order of the arguments, and its
// errors. The exit code: 0, or 1 where one has failed.
absl::StatusOr<int> ForEachTarget(Context& context, Arguments targets, TargetOrder order,
                                  const TargetAction& action);

}  // namespace tiny::cli

#endif  // TINY_CLI_TARGETS_H_
