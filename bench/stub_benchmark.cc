// The init stub: put into a sealed memfd, and executed from there. Subtract BM_Clone/none.
#include <fcntl.h>
#include <unistd.h>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "bench/short_child.h"
#include "benchmark/benchmark.h"
#include "init/image.h"

namespace tiny::bench {
namespace {

void BM_StubImage(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    if (!init::OpenStub().ok()) return state.SkipWithError("memfd");
  }
}
BENCHMARK(BM_StubImage)->UseRealTime();

// Without a configuration on its descriptor it ends at once, with an error.
int Execute(void* image) {
  char* const nothing[] = {nullptr};
  close_range(0, ~0u, CLOSE_RANGE_CLOEXEC);
  execveat(*static_cast<int*>(image), "", nothing, nothing, AT_EMPTY_PATH);
  _exit(0);
}

void BM_StubExec(benchmark::State& state) {
  const absl::StatusOr<UniqueFd> image = init::OpenStub();
  if (!image.ok()) return state.SkipWithError("memfd");
  int fd = image->get();
  for ([[maybe_unused]] auto _ : state) {
    if (RunInChild(Execute, &fd, 0) <= 0) return state.SkipWithError("exec");
  }
}
BENCHMARK(BM_StubExec)->UseRealTime();

}  // namespace
}  // namespace tiny::bench
