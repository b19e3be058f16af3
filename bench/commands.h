// Benchmarks of whole commands.
#ifndef TINY_BENCH_COMMANDS_H_
#define TINY_BENCH_COMMANDS_H_

#include <string>
#include <vector>

#include "bench/work_place.h"
#include "benchmark/benchmark.h"

namespace tiny::bench {

using Command = std::vector<std::string>;

// What is done in each round; only `timed` is measured.
struct Round {
  std::vector<Command> before;
  std::vector<Command> timed;
  std::vector<Command> after;
};

// Runs the rounds that `round` says. A command that fails makes the benchmark fail: what did not do
// its work is not timed.
void Repeat(benchmark::State& state, const Round& round);

// As above with what `make` returns for a new work place: one command, or a Round.
template <typename Make>
void RepeatIn(benchmark::State& state, const Make& make) {
  const absl::StatusOr<WorkPlace> place = WorkPlace::Make();
  if (!place.ok()) return state.SkipWithError(std::string(place.status().message()).c_str());
  Repeat(state, make(*place));
}

}  // namespace tiny::bench

#endif  // TINY_BENCH_COMMANDS_H_
