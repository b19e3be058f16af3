#include "runtime/supervisor/exit_info.h"

#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"

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

int CodeOfStatus(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::optional<int> AskPidfd(int pidfd) {
  PidfdInfo info = {};
  info.mask = kPidfdInfoExit;
  if (ioctl(pidfd, kPidfdGetInfo, &info) != 0 || (info.mask & kPidfdInfoExit) == 0) {
    return std::nullopt;
  }
  return CodeOfStatus(info.exit_code);
}

// Field 52 of proc_pid_stat(5), which is 0 to those who must not trace the process; ns/user is kept
// from them, too, and outlives the process's other namespaces.
std::optional<int> AskZombie(pid_t pid) {
  const std::string folder = absl::StrCat("/proc/", pid);
  char link[64];
  if (readlink(absl::StrCat(folder, "/ns/user").c_str(), link, sizeof(link)) < 0) {
    return std::nullopt;
  }
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat(folder, "/stat"));
  if (!text.ok()) return std::nullopt;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(*text).substr(text->rfind(')') + 1), absl::ByAnyChar(" \n"),
                     absl::SkipEmpty());
  int status = 0;
  if (fields.size() < 50 || fields[0] != "Z" || !absl::SimpleAtoi(fields[49], &status)) {
    return std::nullopt;
  }
  return CodeOfStatus(status);
}

}  // namespace

std::optional<int> ExitCodeOfStranger(const ProcessIdentity& process, int pidfd,
                                      absl::Duration patience) {
  constexpr absl::Duration kStep = absl::Milliseconds(10);
  for (absl::Duration waited;; waited += kStep) {
    if (const std::optional<int> code = AskPidfd(pidfd)) return code;
    // Its pid is its own until it is reaped, and after that its pidfd tells.
    const absl::StatusOr<ProcessStat> stat = ReadProcessStat(process.pid);
    if (!stat.ok() || stat->start_time != process.start_time) return AskPidfd(pidfd);
    if (const std::optional<int> code = AskZombie(process.pid)) return code;
    if (waited >= patience) return std::nullopt;
    poll(nullptr, 0, static_cast<int>(kStep / absl::Milliseconds(1)));
  }
}

}  // namespace tiny::runtime
