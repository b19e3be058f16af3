// What each namespace adds to clone(2), from the call to the end of a child that does nothing.
#include <sched.h>
#include <unistd.h>

#include "bench/short_child.h"
#include "benchmark/benchmark.h"

namespace tiny::bench {
namespace {

int ExitAtOnce(void*) { _exit(0); }

void BM_Clone(benchmark::State& state, int namespaces) {
  for ([[maybe_unused]] auto _ : state) {
    if (RunInChild(ExitAtOnce, nullptr, namespaces) != 0) return state.SkipWithError("clone");
  }
}

constexpr int kCheap = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC;
constexpr int kDefault = kCheap | CLONE_NEWNET | CLONE_NEWCGROUP;

BENCHMARK_CAPTURE(BM_Clone, none, 0)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, pid, CLONE_NEWPID)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, mount, CLONE_NEWNS)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, uts, CLONE_NEWUTS)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, ipc, CLONE_NEWIPC)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, network, CLONE_NEWNET)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, user, CLONE_NEWUSER)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, cgroup, CLONE_NEWCGROUP)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, all_but_network, kCheap)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, default, kDefault)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, default_and_user, kDefault | CLONE_NEWUSER)->UseRealTime();

}  // namespace
}  // namespace tiny::bench
