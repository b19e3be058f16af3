// What each phase of a container's start costs.
//
//   sudo bazel run -c opt //bench:phases -- --benchmark_filter=Launch
//
// BM_Launch builds the default container up, one part of its specification after the other: the
// difference between two rows is what the part costs. It starts, runs and reaps busybox true.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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
#include "init/image.h"
#include "oci/spec.h"
#include "runtime/launch/launch.h"
#include "security/seccomp/default_profile.h"

namespace tiny::bench {
namespace {

std::string CgroupPath() { return absl::StrCat("/tiny-bench-", getpid()); }

int ExitAtOnce(void*) {
  _exit(0);
  return 0;
}

// clone(2) to the end of the child, in the memory of the parent.
void BM_Clone(benchmark::State& state, int namespaces) {
  alignas(16) static char stack[16384];
  for (auto _ : state) {
    const pid_t child = clone(ExitAtOnce, stack + sizeof(stack),
                              namespaces | CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
    if (child < 0 || waitpid(child, nullptr, 0) != child) state.SkipWithError("clone");
  }
}
BENCHMARK_CAPTURE(BM_Clone, none, 0)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, pid, CLONE_NEWPID)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, mount, CLONE_NEWNS)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, uts_ipc, CLONE_NEWUTS | CLONE_NEWIPC)->UseRealTime();
BENCHMARK_CAPTURE(BM_Clone, network, CLONE_NEWNET)->UseRealTime();
constexpr int kAllNamespaces =
    CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
BENCHMARK_CAPTURE(BM_Clone, all, kAllNamespaces)->UseRealTime();

void BM_DetectCgroups(benchmark::State& state) {
  for (auto _ : state) {
    if (!cgroup::Hierarchy::Detect().ok()) state.SkipWithError("detect");
  }
}
BENCHMARK(BM_DetectCgroups)->UseRealTime();

absl::Status MakeAndRemoveCgroup(const cgroup::Hierarchy& hierarchy,
                                 const cgroup::Resources& resources) {
  ASSIGN_OR_RETURN(cgroup::Cgroup cgroup,
                   cgroup::Cgroup::Create(hierarchy, CgroupPath(), resources));
  return cgroup.Remove();
}

void BM_CgroupCreateRemove(benchmark::State& state, bool limits) {
  const absl::StatusOr<cgroup::Hierarchy> hierarchy = cgroup::Hierarchy::Detect();
  if (!hierarchy.ok()) return state.SkipWithError("detect");
  cgroup::Resources resources;
  if (limits) {
    resources.memory_limit = 64 << 20;
    resources.pids_limit = 100;
  }
  for (auto _ : state) {
    const absl::Status status = MakeAndRemoveCgroup(*hierarchy, resources);
    if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
  }
}
BENCHMARK_CAPTURE(BM_CgroupCreateRemove, no_limits, false)->UseRealTime();
BENCHMARK_CAPTURE(BM_CgroupCreateRemove, memory_pids, true)->UseRealTime();

int LoadFilter(void* argument) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const long result =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, security::kDefaultProfileFlags, argument);
  _exit(result == 0 ? 0 : 1);
}

// Subtract BM_Clone/none.
void BM_SeccompLoad(benchmark::State& state) {
  alignas(16) static char stack[16384];
  security::Program storage;
  const auto program = security::DefaultProgram(security::CapabilitySet(), storage);
  if (!program.ok()) return state.SkipWithError("no program");
  sock_fprog filter = {static_cast<unsigned short>(program->size()),
                       const_cast<sock_filter*>(program->data())};
  for (auto _ : state) {
    const pid_t child =
        clone(LoadFilter, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &filter);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
      state.SkipWithError("load");
    }
  }
  state.counters["instructions"] = static_cast<double>(program->size());
}
BENCHMARK(BM_SeccompLoad)->UseRealTime();

void BM_StubImage(benchmark::State& state) {
  for (auto _ : state) {
    if (!init::OpenStub().ok()) state.SkipWithError("memfd");
  }
}
BENCHMARK(BM_StubImage)->UseRealTime();

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
  request.cgroup_path = CgroupPath();
  request.default_seccomp = last_part >= kSeccomp;
  absl::Status status = MakeBundle(&request.bundle);
  for (auto _ : state) {
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
