// What a user of tiny waits for: whole commands from exec to exit, with a program that does
// nothing.
//
//   bazel run -c opt //bench:start_latency -- --benchmark_out=start.json
//
// "floor" is //bench:floor: the same namespaces, cgroup, mounts and limits by bare system calls, in
// a program that checks nothing. All of it is in a network namespace of this process.
#include "bench/commands.h"

namespace tiny::bench {
namespace {

Round Timed(Command command) { return {{}, {std::move(command)}, {}}; }

void Floor(benchmark::State& state) {
  RepeatIn(state, [](const WorkPlace& place) {
    return Timed({WorkPlace::Program("bench/floor"), "run", place.rootfs(), "/bench-floor"});
  });
}
BENCHMARK(Floor)->Unit(benchmark::kMicrosecond)->UseRealTime();

void Run(benchmark::State& state, const char* network, const char* suffix) {
  RepeatIn(state, [=](const WorkPlace& place) {
    return Timed(place.Tiny(
        {"run", "--rm", "--network", network, "--rootfs", place.rootfs() + suffix, "true"}));
  });
}
BENCHMARK_CAPTURE(Run, no_network, "none", "")->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(Run, host_network, "host", "")->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(Run, bridge, "bridge", "")->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(Run, overlay, "none", ":O")->Unit(benchmark::kMicrosecond)->UseRealTime();

// A container that lives until it is stopped, called "held".
Command Hold(const WorkPlace& place) {
  return place.Tiny({"run", "-d", "--name", "held", "--network", "none", "--rootfs", place.rootfs(),
                     "wait-for-term"});
}

void RunDetached(benchmark::State& state) {
  RepeatIn(state, [](const WorkPlace& place) {
    return Round{{}, {Hold(place)}, {place.Tiny({"rm", "-f", "held"})}};
  });
}
BENCHMARK(RunDetached)->Unit(benchmark::kMicrosecond)->UseRealTime();

void Exec(benchmark::State& state) {
  const absl::StatusOr<WorkPlace> place = WorkPlace::Make();
  if (!place.ok() || RunCommand(Hold(*place)).value_or(1) != 0) return state.SkipWithError("run");
  Repeat(state, Timed(place->Tiny({"exec", "held", "true"})));
  (void)RunCommand(place->Tiny({"rm", "-f", "held"}));
}
BENCHMARK(Exec)->Unit(benchmark::kMicrosecond)->UseRealTime();

void Stop(benchmark::State& state) {
  RepeatIn(state, [](const WorkPlace& place) {
    return Round{{Hold(place)}, {place.Tiny({"stop", "held"})}, {place.Tiny({"rm", "held"})}};
  });
}
BENCHMARK(Stop)->Unit(benchmark::kMicrosecond)->UseRealTime();

void Rm(benchmark::State& state) {
  RepeatIn(state, [](const WorkPlace& place) {
    return Round{{place.Tiny({"run", "--name", "ended", "--network", "none", "--rootfs",
                              place.rootfs(), "true"})},
                 {place.Tiny({"rm", "ended"})},
                 {}};
  });
}
BENCHMARK(Rm)->Unit(benchmark::kMicrosecond)->UseRealTime();

// Over containers that have ended.
void Ps(benchmark::State& state) {
  const absl::StatusOr<WorkPlace> place = WorkPlace::Make();
  if (!place.ok()) return state.SkipWithError("no work place");
  for (int i = 0; i < state.range(0); ++i) {
    const Command create = place->Tiny({"create", "--rootfs", place->rootfs(), "true"});
    if (RunCommand(create).value_or(1) != 0) return state.SkipWithError("create");
  }
  Repeat(state, Timed(place->Tiny({"ps", "-a"})));
}
BENCHMARK(Ps)->Arg(1)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond)->UseRealTime();

void Version(benchmark::State& state) {
  RepeatIn(state, [](const WorkPlace& place) { return Timed(place.Tiny({"version"})); });
}
BENCHMARK(Version)->Unit(benchmark::kMicrosecond)->UseRealTime();

void Hello(benchmark::State& state) {
  RepeatIn(state, [](const WorkPlace&) { return Timed({WorkPlace::Program("bench/hello")}); });
}
BENCHMARK(Hello)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace tiny::bench
