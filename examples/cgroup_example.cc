// A shell in a cgroup with 64 MiB of memory and 20 processes, on either version of cgroups.
//   sudo bazel-bin/examples/cgroup_example
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cgroup/cgroup.h"

namespace {

absl::Status RunShell() {
  ASSIGN_OR_RETURN(const auto hierarchy, tiny::cgroup::Hierarchy::Detect());
  tiny::cgroup::Resources resources;
  resources.memory_limit = 64 << 20;
  resources.pids_limit = 20;
  const std::string path = absl::StrCat("/tiny-example-", getpid());
  ASSIGN_OR_RETURN(auto cgroup, tiny::cgroup::Cgroup::Create(hierarchy, path, resources));
  const pid_t child = fork();
  if (child == 0) {
    if (!cgroup.Enter(getpid()).ok()) _exit(125);
    execl("/bin/sh", "sh", nullptr);
    _exit(127);
  }
  waitpid(child, nullptr, 0);
  ASSIGN_OR_RETURN(const auto stats, cgroup.ReadStats());
  printf("used %ld ms of cpu, %lu bytes at most; %lu killed for want of memory\n",
         absl::ToInt64Milliseconds(stats.cpu_usage), stats.memory_peak, stats.oom_kills);
  return cgroup.Remove();
}

}  // namespace

int main() {
  const absl::Status status = RunShell();
  if (status.ok()) return 0;
  fprintf(stderr, "%s\n%s\n", std::string(status.message()).c_str(), tiny::GetHint(status).c_str());
  return 1;
}
