// Benchmarks of whole commands.
#ifndef TINY_BENCH_COMMANDS_H_
#define TINY_BENCH_COMMANDS_H_

#include <string>
#include <vector>

#include "bench/work_place.h"
#include "benchmark/benchmark.h"

namespace tiny::bench {

// Runs the command that `make` says for a work place, again and again. A command that fails makes
// the benchmark fail: what did not do its work is not timed.
template <typename Make>
void Repeat(benchmark::State& state, const Make& make) {
  const absl::StatusOr<WorkPlace> place = WorkPlace::Make();
  if (!place.ok()) {
    state.SkipWithError(std::string(place.status().message()).c_str());
    return;
  }
  const std::vector<std::string> command = make(*place);
  for (auto _ : state) {
    const absl::StatusOr<int> code = RunCommand(command);
    if (!code.ok() || *code != 0) {
      state.SkipWithError("the command failed");
      return;
    }
  }
}

}  // namespace tiny::bench

#endif  // TINY_BENCH_COMMANDS_H_
