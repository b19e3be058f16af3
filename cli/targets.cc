#include "cli/targets.h"

#include <memory>
#include <thread>
#include <vector>

#include "base/status_macros.h"

namespace tiny::cli {
namespace {

// Runs the action with an engine that no other thread uses.
absl::StatusOr<std::string> ActAlone(const Context& context, absl::string_view target,
                                     const TargetAction& action) {
  ASSIGN_OR_RETURN(const std::unique_ptr<runtime::Engine> engine,
                   context.open_engine(context.options));
  return action(*engine, target);
}

int Report(Context& context, absl::string_view target, const absl::StatusOr<std::string>& result) {
  if (!result.ok()) {
    context.PrintError(context.ExplainMissing(result.status(), target));
    return 1;
  }
  if (!result->empty()) context.out.Print(*result, "\n");
  context.out.Flush();
  return 0;
}

}  // namespace

absl::StatusOr<int> ForEachTarget(Context& context, Arguments targets, TargetOrder order,
                                  const TargetAction& action) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  int code = 0;
  if (order == TargetOrder::kOneByOne || targets.size() == 1) {
    for (const absl::string_view target : targets) {
      code |= Report(context, target, action(*engine, target));
    }
    return code;
  }
  std::vector<absl::StatusOr<std::string>> results(targets.size(), absl::UnknownError(""));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < targets.size(); ++i) {
    threads.emplace_back([&, i] { results[i] = ActAlone(context, targets[i], action); });
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    threads[i].join();
    code |= Report(context, targets[i], results[i]);
  }
  return code;
}

}  // namespace tiny::cli
