// The default container built up, one part of its specification after the other: the difference
// between two rows is what the part costs. Each starts, runs and reaps busybox true.
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "bench/isolation.h"
#include "benchmark/benchmark.h"
#include "cgroup/cgroup.h"
#include "oci/spec.h"
#include "runtime/launch/launch.h"

namespace tiny::bench {
namespace {

enum Part { kNamespaces, kNetwork, kProc, kMounts, kMasks, kSeccomp };

oci::Spec MakeSpec(int last_part) {
  oci::Spec spec;
  spec.root = oci::Root{"rootfs", false};
  spec.process = oci::Process();
  spec.process->args = {"/bin/true"};
  for (const char* type : {"pid", "mount", "uts", "ipc"}) {
    spec.linux_.namespaces.push_back({type, ""});
  }
  if (last_part >= kNetwork) spec.linux_.namespaces.push_back({"network", ""});
  if (last_part >= kProc) spec.mounts.push_back({"/proc", "proc", "proc", {}, {}, {}});
  if (last_part >= kMounts) {
    spec.mounts.push_back({"/dev", "tmpfs", "tmpfs", {"nosuid", "mode=755"}, {}, {}});
    spec.mounts.push_back({"/dev/pts", "devpts", "devpts", {"nosuid", "newinstance"}, {}, {}});
    spec.mounts.push_back({"/dev/shm", "tmpfs", "shm", {"nosuid", "nodev"}, {}, {}});
    spec.mounts.push_back({"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "nodev"}, {}, {}});
    spec.mounts.push_back({"/sys", "sysfs", "sysfs", {"nosuid", "nodev", "ro"}, {}, {}});
  }
  if (last_part >= kMasks) {
    spec.linux_.masked_paths = {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"};
    spec.linux_.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"};
  }
  return spec;
}

absl::Status RunToItsEnd(const runtime::LaunchRequest& request) {
  ASSIGN_OR_RETURN(runtime::LaunchedContainer container, runtime::Launch(request));
  RETURN_IF_ERROR(container.Start());
  ASSIGN_OR_RETURN(const int code, ReapChild(container.pidfd()));
  if (code != 0) return absl::InternalError(absl::StrCat("exit code ", code));
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  ASSIGN_OR_RETURN(cgroup::Cgroup cgroup, cgroup::Cgroup::Open(hierarchy, request.cgroup_path));
  return cgroup.Remove();
}

void BM_Launch(benchmark::State& state, int last_part) {
  const oci::Spec spec = MakeSpec(last_part);
  runtime::LaunchRequest request;
  request.spec = &spec;
  request.id = "bench";
  request.cgroup_path = absl::StrCat("/tiny-bench-", getpid());
  request.default_seccomp = last_part >= kSeccomp;
  absl::Status status = MakeBundle(&request.bundle);
  for ([[maybe_unused]] auto _ : state) {
    if (status.ok()) status = RunToItsEnd(request);
    if (!status.ok()) return state.SkipWithError(std::string(status.message()).c_str());
  }
}
BENCHMARK_CAPTURE(BM_Launch, namespaces, kNamespaces)->UseRealTime();
BENCHMARK_CAPTURE(BM_Launch, network, kNetwork)->UseRealTime();
BENCHMARK_CAPTURE(BM_Launch, proc, kProc)->UseRealTime();
BENCHMARK_CAPTURE(BM_Launch, mounts, kMounts)->UseRealTime();
BENCHMARK_CAPTURE(BM_Launch, masks, kMasks)->UseRealTime();
BENCHMARK_CAPTURE(BM_Launch, seccomp, kSeccomp)->UseRealTime();

}  // namespace
}  // namespace tiny::bench
