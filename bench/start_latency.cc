// What a user waits for: whole commands from exec to exit, with a program that does nothing.
//
//   bazel run -c opt //bench:start_latency -- --benchmark_out=start.json
//
// "floor" is //bench:floor: the same namespaces, mounts and limits by bare system calls, in a
// program that checks nothing.
#include <sched.h>

#include "bench/commands.h"

namespace tiny::bench {
namespace {

void Floor(benchmark::State& state) {
  Repeat(state, [](const WorkPlace& place) {
    return std::vector<std::string>{WorkPlace::Program("bench/floor"), place.rootfs()};
  });
}
BENCHMARK(Floor)->Unit(benchmark::kMicrosecond)->UseRealTime();

void OciRun(benchmark::State& state) {
  Repeat(state, [](const WorkPlace& place) {
    return place.TinyOci({"run", "--bundle", place.bundle(), "bench"});
  });
}
BENCHMARK(OciRun)->Unit(benchmark::kMicrosecond)->UseRealTime();

void Run(benchmark::State& state, const char* network) {
  Repeat(state, [network](const WorkPlace& place) {
    return place.Tiny({"run", "--rm", "--network", network, "--rootfs", place.rootfs(), "true"});
  });
}
BENCHMARK_CAPTURE(Run, no_network, "none")->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(Run, host_network, "host")->Unit(benchmark::kMicrosecond)->UseRealTime();

void RunOverlay(benchmark::State& state) {
  Repeat(state, [](const WorkPlace& place) {
    return place.Tiny(
        {"run", "--rm", "--network", "none", "--rootfs", place.rootfs() + ":O", "true"});
  });
}
BENCHMARK(RunOverlay)->Unit(benchmark::kMicrosecond)->UseRealTime();

void Version(benchmark::State& state) {
  Repeat(state, [](const WorkPlace& place) { return place.Tiny({"version"}); });
}
BENCHMARK(Version)->Unit(benchmark::kMicrosecond)->UseRealTime();

// On a bridge of this process's own network namespace: the machine's network is left as it is.
void RunBridge(benchmark::State& state) {
  if (unshare(CLONE_NEWNET) != 0) {
    state.SkipWithError("cannot make a network namespace");
    return;
  }
  Run(state, "bridge");
}
BENCHMARK(RunBridge)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace tiny::bench

BENCHMARK_MAIN();
