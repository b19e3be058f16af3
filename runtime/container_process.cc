#include "runtime/container_process.h"

#include <sys/stat.h>
#include <sys/types.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/process.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kPause = absl::Milliseconds(1);

bool ExecuteTheSame(pid_t one, pid_t other) {
  struct stat files[2];
  return stat(absl::StrCat("/proc/", one, "/exe").c_str(), &files[0]) == 0 &&
         stat(absl::StrCat("/proc/", other, "/exe").c_str(), &files[1]) == 0 &&
         files[0].st_dev == files[1].st_dev && files[0].st_ino == files[1].st_ino;
}

}  // namespace

absl::StatusOr<UniqueFd> OpenContainerProcess(const state::ContainerState& state) {
  const pid_t pid = state.init.pid;
  for (absl::Duration waited; waited < kPatience; waited += kPause) {
    ASSIGN_OR_RETURN(UniqueFd pidfd, OpenProcess(state.init));
    ASSIGN_OR_RETURN(const ProcessStat stat, ReadProcessStat(pid));
    if (stat.comm != kSupervisorName || !ExecuteTheSame(pid, state.supervisor.pid)) return pidfd;
    absl::SleepFor(kPause);
  }
  return absl::UnavailableError(absl::StrCat("process ", pid, " is still being started"));
}

}  // namespace tiny::runtime
