// A container's cgroup: made, joined and removed, on each layout that this machine's mounts allow.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "benchmark/benchmark.h"
#include "cgroup/cgroup.h"

namespace tiny::bench {
namespace {

using cgroup::Mode;

// The hierarchy that there would be if only the mounts of `mode` were there.
absl::StatusOr<cgroup::Hierarchy> Detect(Mode mode) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile("/proc/self/mountinfo"));
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  const absl::string_view unwanted = mode == Mode::kUnified  ? " - cgroup "
                                     : mode == Mode::kLegacy ? " - cgroup2 "
                                                             : "";
  if (!unwanted.empty()) {
    std::erase_if(lines, [&](absl::string_view line) { return absl::StrContains(line, unwanted); });
  }
  ASSIGN_OR_RETURN(cgroup::Hierarchy hierarchy, cgroup::Hierarchy::FromMountInfo(absl::StrCat(
                                                    absl::StrJoin(lines, "\n"), "\n")));
  if (hierarchy.mode() != mode) {
    return absl::UnavailableError("this machine does not mount that version");
  }
  return hierarchy;
}

std::string Path() { return absl::StrCat("/tiny-bench-", getpid()); }

absl::Status MakeAndRemove(const cgroup::Hierarchy& hierarchy, const cgroup::Resources& resources) {
  ASSIGN_OR_RETURN(cgroup::Cgroup cgroup, cgroup::Cgroup::Create(hierarchy, Path(), resources));
  return cgroup.Remove();
}

void BM_CgroupDetect(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    if (!cgroup::Hierarchy::Detect().ok()) return state.SkipWithError("detect");
  }
}
BENCHMARK(BM_CgroupDetect)->UseRealTime();

void BM_CgroupCreateRemove(benchmark::State& state, Mode mode, bool limits) {
  const absl::StatusOr<cgroup::Hierarchy> hierarchy = Detect(mode);
  if (!hierarchy.ok()) {
    return state.SkipWithError(std::string(hierarchy.status().message()).c_str());
  }
  cgroup::Resources resources;
  if (limits) {
    resources.memory_limit = 64 << 20;
    resources.pids_limit = 100;
  }
  for ([[maybe_unused]] auto _ : state) {
    const absl::Status status = MakeAndRemove(*hierarchy, resources);
    if (!status.ok()) return state.SkipWithError(std::string(status.message()).c_str());
  }
}
BENCHMARK_CAPTURE(BM_CgroupCreateRemove, v2, Mode::kUnified, false)->UseRealTime();
BENCHMARK_CAPTURE(BM_CgroupCreateRemove, v1, Mode::kLegacy, false)->UseRealTime();
BENCHMARK_CAPTURE(BM_CgroupCreateRemove, hybrid, Mode::kHybrid, false)->UseRealTime();
BENCHMARK_CAPTURE(BM_CgroupCreateRemove, v2_memory_pids, Mode::kUnified, true)->UseRealTime();
BENCHMARK_CAPTURE(BM_CgroupCreateRemove, hybrid_memory_pids, Mode::kHybrid, true)->UseRealTime();

// A process moved by a write to cgroup.procs.
void BM_CgroupJoin(benchmark::State& state, Mode mode) {
  const absl::StatusOr<cgroup::Hierarchy> hierarchy = Detect(mode);
  if (!hierarchy.ok()) {
    return state.SkipWithError(std::string(hierarchy.status().message()).c_str());
  }
  absl::StatusOr<cgroup::Cgroup> cgroup = cgroup::Cgroup::Create(*hierarchy, Path(), {});
  if (!cgroup.ok()) return state.SkipWithError("create");
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    const pid_t child = fork();
    if (child == 0) {
      while (true) pause();
    }
    state.ResumeTiming();
    const absl::Status status = cgroup->Enter(child);
    state.PauseTiming();
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    if (!status.ok()) {
      state.SkipWithError(std::string(status.message()).c_str());
      break;
    }
    state.ResumeTiming();
  }
  (void)cgroup->Remove();
}
BENCHMARK_CAPTURE(BM_CgroupJoin, v2, Mode::kUnified)->UseRealTime()->Iterations(200);
BENCHMARK_CAPTURE(BM_CgroupJoin, v1, Mode::kLegacy)->UseRealTime()->Iterations(200);

}  // namespace
}  // namespace tiny::bench
