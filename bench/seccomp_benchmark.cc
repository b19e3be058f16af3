// The default seccomp policy: compiled, looked up ready-made, read from a cache, loaded.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/isolation.h"
#include "bench/short_child.h"
#include "benchmark/benchmark.h"
#include "security/capabilities.h"
#include "security/seccomp/compiler.h"
#include "security/seccomp/default_profile.h"
#include "security/seccomp/default_rules.h"
#include "security/seccomp/program_cache.h"

namespace tiny::bench {
namespace {

using security::CapabilitySet;

void BM_SeccompCompile(benchmark::State& state) {
  const security::Policy policy = security::DefaultPolicy(CapabilitySet());
  for ([[maybe_unused]] auto _ : state) {
    if (!security::CompilePolicy(policy).ok()) return state.SkipWithError("compile");
  }
}
BENCHMARK(BM_SeccompCompile)->Unit(benchmark::kMicrosecond);

void BM_SeccompReadyMade(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    security::Program storage;
    benchmark::DoNotOptimize(security::DefaultProgram(CapabilitySet(), storage));
  }
}
BENCHMARK(BM_SeccompReadyMade);

void BM_SeccompCached(benchmark::State& state) {
  const std::string folder = absl::StrCat(ScratchDirectory(), "/seccomp");
  const std::string profile(16 << 10, 'x');  // about as long as Docker's
  security::Program storage;
  const auto program = security::DefaultProgram(CapabilitySet(), storage);
  if (!program.ok()) return state.SkipWithError("program");
  security::KeepProgram(profile, {.program = {program->begin(), program->end()}}, folder);
  for ([[maybe_unused]] auto _ : state) {
    if (!security::FindProgram(profile, folder)) return state.SkipWithError("cache");
  }
}
BENCHMARK(BM_SeccompCached)->Unit(benchmark::kMicrosecond);

int Load(void* filter) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const long result =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, security::kDefaultProfileFlags, filter);
  _exit(result == 0 ? 0 : 1);
}

// Subtract BM_Clone/none.
void BM_SeccompLoad(benchmark::State& state) {
  security::Program storage;
  const auto program = security::DefaultProgram(CapabilitySet(), storage);
  if (!program.ok()) return state.SkipWithError("no program");
  sock_fprog filter = {static_cast<unsigned short>(program->size()),
                       const_cast<sock_filter*>(program->data())};
  for ([[maybe_unused]] auto _ : state) {
    if (RunInChild(Load, &filter, 0) != 0) return state.SkipWithError("load");
  }
  state.counters["instructions"] = static_cast<double>(program->size());
}
BENCHMARK(BM_SeccompLoad)->UseRealTime();

}  // namespace
}  // namespace tiny::bench
