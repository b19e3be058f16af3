// The columns of ps(1), read from /proc: `tiny top`, `tiny-oci ps`.
#ifndef TINY_RUNTIME_PROCESS_TABLE_H_
#define TINY_RUNTIME_PROCESS_TABLE_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runtime/engine.h"

namespace tiny::runtime {

// The columns that options of ps ask for, by their names in -o: {"pid", "comm"}. Understood are
// none and -ef (uid pid ppid c stime tty time cmd), ax and -x (pid tty stat time command), aux and
// -aux (user pid %cpu %mem vsz rss tty stat start time cmd), and -o or -eo with a list.
// kInvalidArgument names what is not. Pure.
absl::StatusOr<std::vector<std::string>> ParsePsOptions(const std::vector<std::string>& options);

// What /proc tells of one process; times are those of the machine.
struct ProcessRow {
  pid_t pid = 0;
  std::string comm;
  char state = '?';
  pid_t ppid = 0;
  pid_t pgid = 0;
  pid_t sid = 0;
  int tty = 0;
  uint64_t cpu_ticks = 0;
  int priority = 0;
  int nice = 0;
  int threads = 0;
  uint64_t start_ticks = 0;
  uint64_t vsize = 0;  // bytes
  uint64_t rss_pages = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string command_line;
};

// Parses /proc/PID/stat; uid, gid and command_line are left alone. Pure.
absl::StatusOr<ProcessRow> ParseProcessRow(absl::string_view stat);

struct ProcessTableContext {
  absl::Time now;
  absl::Duration uptime;
  long ticks_per_second = 100;
  long page_size = 4096;
  uint64_t memory_total = 1;  // bytes
};

// One column of a row as ps prints it. Pure.
std::string ProcessColumn(absl::string_view column, const ProcessRow& row,
                          const ProcessTableContext& context);

// The title of a column; empty for one that is not known.
std::string ProcessTitle(absl::string_view column);

// The table of these processes; those that end meanwhile are left out.
absl::StatusOr<ProcessTable> ReadProcessTable(const std::vector<pid_t>& pids,
                                              const std::vector<std::string>& columns);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_PROCESS_TABLE_H_
