// What a command costs in counts rather than in time: system calls, page faults, processes and
// programs of the whole tree of processes that it starts, daemonised ones included.
//
//   ASSIGN_OR_RETURN(const ProcessCounts counts, CountProcesses({"tiny-oci", "run", "x"}, "true"));
//
// The tree is followed by ptrace(2). Counts hardly vary from run to run, and so can be held to by a
// test on a busy machine, where times cannot.
#ifndef TINY_BENCH_PROCESS_COUNTS_H_
#define TINY_BENCH_PROCESS_COUNTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::bench {

struct ProcessCounts {
  int64_t system_calls = 0;
  int64_t page_faults = 0;     // minor ones
  int64_t forks = 0;           // processes and threads beyond the first
  int64_t execs = 0;           // beyond the first
  int64_t peak_kilobytes = 0;  // resident memory of the largest process, the payload apart
  int exit_code = 0;
  std::map<long, int64_t> by_number;  // system calls by their numbers
};

// Runs `argv` to the end of every process that it starts. Once a process has executed a program
// whose name is `payload`, its system calls and page faults are no longer counted, and its
// children's neither: they are the user's program's. PosixStatus where ptrace(2) is not allowed.
absl::StatusOr<ProcessCounts> CountProcesses(const std::vector<std::string>& argv,
                                             absl::string_view payload);

}  // namespace tiny::bench

#endif  // TINY_BENCH_PROCESS_COUNTS_H_
