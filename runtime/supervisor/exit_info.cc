#include "runtime/supervisor/exit_info.h"

#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

namespace tiny::runtime {
namespace {

// struct pidfd_info of include/uapi/linux/pidfd.h, its first version.
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup_id;
  uint32_t ids[11];
  int32_t exit_code;  // as wait(2) has it
};
static_assert(sizeof(PidfdInfo) == 64);

constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);
constexpr uint64_t kPidfdInfoExit = 1 << 3;

}  // namespace

std::optional<int> ExitCodeOfStranger(int pidfd, absl::Duration patience) {
  constexpr absl::Duration kStep = absl::Milliseconds(10);
  for (absl::Duration waited;; waited += kStep) {
    PidfdInfo info = {};
    info.mask = kPidfdInfoExit;
    if (ioctl(pidfd, kPidfdGetInfo, &info) == 0 && (info.mask & kPidfdInfoExit) != 0) {
      const int status = info.exit_code;
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    if (waited >= patience) return std::nullopt;
    poll(nullptr, 0, static_cast<int>(kStep / absl::Milliseconds(1)));
  }
}

}  // namespace tiny::runtime
