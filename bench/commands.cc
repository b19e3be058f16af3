#include "bench/commands.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tiny::bench {
namespace {

// False, having said so, where one fails.
bool RunAll(benchmark::State& state, const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    const absl::StatusOr<int> code = RunCommand(command);
    if (!code.ok() || *code != 0) {
      state.SkipWithError(absl::StrCat("failed: ", absl::StrJoin(command, " ")).c_str());
      return false;
    }
  }
  return true;
}

}  // namespace

void Repeat(benchmark::State& state, const Round& round) {
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    const bool ready = RunAll(state, round.before);
    state.ResumeTiming();
    const bool done = ready && RunAll(state, round.timed);
    state.PauseTiming();
    if (!done || !RunAll(state, round.after)) return;
    state.ResumeTiming();
  }
}

}  // namespace tiny::bench
