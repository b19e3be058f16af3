#include "runtime/supervisor/process_setup.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "base/files.h"

namespace tiny::runtime {

void BecomeSupervisor(const char* name) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  // A parent may have had it ignored, and then no child of ours could be waited for.
  signal(SIGCHLD, SIG_DFL);
  setsid();
  prctl(PR_SET_NAME, name);
  if (chdir("/") != 0) return;
  umask(022);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  if (null > 2) close(null);
}

std::optional<int> SettleDown() {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory("/proc/self/fd");
  if (names.ok()) {
    for (const std::string& name : *names) {
      int fd = -1;
      if (!absl::SimpleAtoi(name, &fd) || fd < 3) continue;
      const int flags = fcntl(fd, F_GETFD);
      if (flags >= 0 && (flags & FD_CLOEXEC) == 0) close(fd);
    }
  }
  malloc_trim(0);
  int before = 0;
  constexpr char kOomScore[] = "/proc/self/oom_score_adj";
  const absl::StatusOr<std::string> text = ReadFile(kOomScore, 64);
  if (!text.ok() || !absl::SimpleAtoi(*text, &before)) return std::nullopt;
  if (!WriteControlFile(kOomScore, "-999").ok()) return std::nullopt;
  return before;
}

}  // namespace tiny::runtime
