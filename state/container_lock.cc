#include "state/container_lock.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"

namespace tiny::state {
namespace {

absl::Status HeldByOther(int fd, absl::string_view what, absl::Duration timeout) {
  std::string holder = "another process";
  struct stat info;
  const absl::StatusOr<std::string> locks = ReadFile("/proc/locks");
  if (locks.ok() && fstat(fd, &info) == 0) {
    if (const pid_t pid = FindLockHolder(*locks, info); pid > 0) {
      const absl::StatusOr<ProcessStat> stat = ReadProcessStat(pid);
      holder = absl::StrCat("process ", pid, stat.ok() ? absl::StrCat(" (", stat->comm, ")") : "");
    }
  }
  return WithHint(
      absl::DeadlineExceededError(absl::StrCat(what, " is locked by ", holder, " for more than ",
                                               absl::FormatDuration(timeout))),
      absl::StrCat("wait for ", holder, " to finish, or end it."));
}

}  // namespace

absl::Status LockFile(int fd, absl::string_view what, absl::Duration timeout) {
  // flock(2) has no time-out, and a timer's signal would be the whole process's. Short naps at
  // first: most holders are done in less than a millisecond.
  const absl::Time deadline = WallNow() + timeout;
  absl::Duration nap = absl::Microseconds(50);
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return PosixStatus(errno, absl::StrCat("lock ", what));
    }
    const absl::Duration left = deadline - WallNow();
    if (left <= absl::ZeroDuration()) return HeldByOther(fd, what, timeout);
    absl::SleepFor(std::min(nap, left));
    nap = std::min(nap * 2, absl::Milliseconds(5));
  }
  return absl::OkStatus();
}

pid_t FindLockHolder(absl::string_view proc_locks, const struct stat& file) {
  // "1: FLOCK  ADVISORY  WRITE 708 08:01:524291 0 EOF"; who waits has "->" after the number.
  const std::string wanted =
      absl::StrFormat("%02x:%02x:%d", major(file.st_dev), minor(file.st_dev), file.st_ino);
  for (const absl::string_view line : absl::StrSplit(proc_locks, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    pid_t pid;
    if (fields.size() >= 6 && fields[1] == "FLOCK" && fields[5] == wanted &&
        absl::SimpleAtoi(fields[4], &pid)) {
      return pid;
    }
  }
  return 0;
}

}  // namespace tiny::state
