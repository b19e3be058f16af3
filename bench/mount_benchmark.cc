// What the kernel takes for each mount of a container, and for pivot_root(2). The kernel alone:
// what tiny adds is the difference between two rows of BM_Launch.
//
// Each child has pid, mount and ipc namespaces of its own: subtract BM_Mount/nothing.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "bench/isolation.h"
#include "bench/short_child.h"
#include "benchmark/benchmark.h"

namespace tiny::bench {
namespace {

struct Kind {
  const char* type = nullptr;  // nullptr: nothing is mounted
  const char* options = nullptr;
  bool pivot = false;
  const char* target = nullptr;
};

int MountOnce(void* argument) {
  const Kind& kind = *static_cast<const Kind*>(argument);
  if (kind.type != nullptr && mount(kind.type, kind.target, kind.type, 0, kind.options) != 0) {
    _exit(1);
  }
  if (kind.pivot && (chdir(kind.target) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
                     umount2(".", MNT_DETACH) != 0)) {
    _exit(1);
  }
  _exit(0);
}

void BM_Mount(benchmark::State& state, Kind kind) {
  const std::string target = absl::StrCat(ScratchDirectory(), "/target");
  mkdir(target.c_str(), 0755);
  kind.target = target.c_str();
  for ([[maybe_unused]] auto _ : state) {
    if (RunInChild(MountOnce, &kind, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC) != 0) {
      return state.SkipWithError("mount");
    }
  }
}

BENCHMARK_CAPTURE(BM_Mount, nothing, {})->UseRealTime();
BENCHMARK_CAPTURE(BM_Mount, proc, {"proc"})->UseRealTime();
BENCHMARK_CAPTURE(BM_Mount, tmpfs, {"tmpfs", "mode=755,size=64k"})->UseRealTime();
BENCHMARK_CAPTURE(BM_Mount, devpts, {"devpts", "newinstance,ptmxmode=0666"})->UseRealTime();
BENCHMARK_CAPTURE(BM_Mount, mqueue, {"mqueue"})->UseRealTime();
BENCHMARK_CAPTURE(BM_Mount, sysfs, {"sysfs"})->UseRealTime();
BENCHMARK_CAPTURE(BM_Mount, tmpfs_and_pivot, {"tmpfs", "size=64k", true})->UseRealTime();

}  // namespace
}  // namespace tiny::bench
