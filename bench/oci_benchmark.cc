// tiny-oci as an engine calls it: whole commands from exec to exit. //bench:compare has crun and
// runc beside it.
//
//   bazel run -c opt //bench:oci
#include "bench/commands.h"

namespace tiny::bench {
namespace {

void Floor(benchmark::State& state) {
  RepeatIn(state, [](const WorkPlace& place) {
    return Round{
        {}, {{WorkPlace::Program("bench/floor"), "run", place.rootfs(), "/bench-floor"}}, {}};
  });
}
BENCHMARK(Floor)->Unit(benchmark::kMicrosecond)->UseRealTime();

void OciRun(benchmark::State& state) {
  RepeatIn(state, [](const WorkPlace& place) {
    return Round{{}, {place.TinyOci({"run", "--bundle", place.bundle(), "bench"})}, {}};
  });
}
BENCHMARK(OciRun)->Unit(benchmark::kMicrosecond)->UseRealTime();

void OciCreateStartDelete(benchmark::State& state) {
  RepeatIn(state, [](const WorkPlace& place) {
    return Round{{},
                 {place.TinyOci({"create", "--bundle", place.bundle(), "bench"}),
                  place.TinyOci({"start", "bench"}), place.TinyOci({"delete", "--force", "bench"})},
                 {}};
  });
}
BENCHMARK(OciCreateStartDelete)->Unit(benchmark::kMicrosecond)->UseRealTime();

// In a container that has been created and waits for its start.
void OciExec(benchmark::State& state) {
  const absl::StatusOr<WorkPlace> place = WorkPlace::Make();
  if (!place.ok()) return state.SkipWithError("no work place");
  const Command create = place->TinyOci({"create", "--bundle", place->bundle(), "bench"});
  if (RunCommand(create).value_or(1) != 0) return state.SkipWithError("create");
  Repeat(state, {{}, {place->TinyOci({"exec", "bench", "/bin/true"})}, {}});
  (void)RunCommand(place->TinyOci({"delete", "--force", "bench"}));
}
BENCHMARK(OciExec)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace tiny::bench
