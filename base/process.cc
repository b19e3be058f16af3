#include "base/process.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/value_file.h"

namespace tiny {
namespace {

constexpr auto kPidfd = static_cast<idtype_t>(3);  // P_PIDFD, which glibc 2.36 does not name in C++

}  // namespace

absl::StatusOr<ProcessStat> ParseProcessStat(absl::string_view text) {
  const absl::Status malformed = absl::InvalidArgumentError("malformed /proc/PID/stat");
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == absl::string_view::npos || close == absl::string_view::npos || close < open) {
    return malformed;
  }
  ProcessStat stat;
  stat.comm = std::string(text.substr(open + 1, close - open - 1));
  const std::vector<absl::string_view> fields =
      absl::StrSplit(text.substr(close + 1), absl::ByAnyChar(" \n"), absl::SkipEmpty());
  // Field 3, the state, is the first after comm.
  if (fields.size() < 20 || fields[0].size() != 1 || !absl::SimpleAtoi(fields[1], &stat.parent) ||
      !absl::SimpleAtoi(fields[19], &stat.start_time)) {
    return malformed;
  }
  stat.state = fields[0][0];
  return stat;
}

const std::string& BootId() {
  static const std::string* const id = [] {
    absl::StatusOr<std::string> text = ReadValue("/proc/sys/kernel/random/boot_id");
    return new std::string(text.ok() ? absl::StripAsciiWhitespace(*text) : "");
  }();
  return *id;
}

absl::StatusOr<ProcessStat> ReadProcessStat(pid_t pid) {
  absl::StatusOr<std::string> text = ReadValue(absl::StrCat("/proc/", pid, "/stat"));
  if (!text.ok()) {
    const std::optional<int> error_number = GetErrno(text.status());
    if (error_number == ENOENT || error_number == ESRCH) {
      return PosixStatus(ESRCH, absl::StrCat("process ", pid));
    }
    return text.status();
  }
  return ParseProcessStat(*text);
}

absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid) {
  ASSIGN_OR_RETURN(const ProcessStat stat, ReadProcessStat(pid));
  return ProcessIdentity{pid, stat.start_time, BootId()};
}

absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return PosixStatus(errno, absl::StrCat("pidfd_open ", pid));
  return fd;
}

absl::StatusOr<UniqueFd> OpenProcess(const ProcessIdentity& identity) {
  const absl::Status gone =
      absl::NotFoundError(absl::StrCat("process ", identity.pid, " has ended"));
  if (identity.pid <= 0) return gone;
  if (!identity.boot_id.empty() && identity.boot_id != BootId()) return gone;
  absl::StatusOr<UniqueFd> fd = OpenPidfd(identity.pid);
  if (!fd.ok()) return GetErrno(fd.status()) == ESRCH ? gone : fd.status();
  // Read after the descriptor is held, so that the answer is about the process that it names.
  absl::StatusOr<ProcessStat> stat = ReadProcessStat(identity.pid);
  if (!stat.ok() || stat->start_time != identity.start_time || stat->state == 'Z' ||
      stat->state == 'X') {
    return gone;
  }
  return fd;
}

absl::Status SendSignal(int pidfd, int signal) {
  if (syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0) {
    if (errno == ESRCH) return absl::NotFoundError("the process has ended");
    return PosixStatus(errno, absl::StrCat("send signal ", signal));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> WaitForExit(int pidfd, absl::Duration timeout) {
  const absl::Time deadline = WallNow() + timeout;
  while (true) {
    int wait = -1;
    if (timeout != absl::InfiniteDuration()) {
      const int64_t left =
          absl::ToInt64Milliseconds(deadline - WallNow() + absl::Microseconds(999));
      wait = static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX));
    }
    pollfd entry{pidfd, POLLIN, 0};
    const int ready = poll(&entry, 1, wait);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return PosixStatus(errno, "poll a pidfd");
    if (ready == 0 && (wait == 0 || WallNow() >= deadline)) return false;
  }
}

absl::StatusOr<int> ReapChild(int pidfd) {
  siginfo_t info = {};
  while (waitid(kPidfd, static_cast<id_t>(pidfd), &info, WEXITED) != 0) {
    if (errno != EINTR) return PosixStatus(errno, "wait for a child");
  }
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace tiny
