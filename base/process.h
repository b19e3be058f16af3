// Processes by pidfd while held, and by (boot, pid, start time) on disk.
#ifndef TINY_BASE_PROCESS_H_
#define TINY_BASE_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"

namespace tiny {

// Names one process for as long as the machine's disk lasts: a pid alone is reused.
struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_time = 0;  // clock ticks since boot: field 22 of proc_pid_stat(5)
  std::string boot_id;      // /proc/sys/kernel/random/boot_id

  bool operator==(const ProcessIdentity&) const = default;
};

// The part of proc_pid_stat(5) that tiny uses.
struct ProcessStat {
  std::string comm;
  char state = '?';
  pid_t parent = 0;
  uint64_t start_time = 0;
};

// Parses the text of /proc/PID/stat; comm may hold spaces and parentheses.
absl::StatusOr<ProcessStat> ParseProcessStat(absl::string_view text);

// This machine's boot id, read once.
const std::string& BootId();

// kNotFound where there is no such process.
absl::StatusOr<ProcessStat> ReadProcessStat(pid_t pid);
absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid);

// A pidfd (pidfd_open(2)) of exactly that process: kNotFound if it is gone, is a zombie, or if its
// pid belongs to another process by now. One without a boot id is of this boot, as all is that was
// kept in memory.
absl::StatusOr<UniqueFd> OpenProcess(const ProcessIdentity& identity);

// pidfd_open(2) without a check of who it is.
absl::StatusOr<UniqueFd> OpenPidfd(pid_t pid);

// pidfd_send_signal(2). kNotFound if the process is gone.
absl::Status SendSignal(int pidfd, int signal);

// Waits until the process has ended or the time is over (infinite: absl::InfiniteDuration());
// false on time-out. The process need not be a child.
absl::StatusOr<bool> WaitForExit(int pidfd, absl::Duration timeout);

// Reaps a child: its waitid(2) status as a shell would say it, 0 to 255, 128+n for signal n.
absl::StatusOr<int> ReapChild(int pidfd);

}  // namespace tiny

#endif  // TINY_BASE_PROCESS_H_
