// run --explain and --budget: what a start has done, and what it has cost.
#ifndef TINY_CLI_EXPLAIN_H_
#define TINY_CLI_EXPLAIN_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/timeline.h"
#include "base/unique_fd.h"

namespace tiny::cli {

// The steps with the time of each, since the start and by itself, as bars. Pure; thread-safe.
// `client` is the process that printed it; process 1 is the container's first.
std::string TimelineText(const std::vector<TimelineEntry>& entries, pid_t client);
std::string TimelineJson(const std::vector<TimelineEntry>& entries, pid_t client);

// Counts the page faults, context switches and system calls of this process and of all that it
// makes later, by perf_event_open(2), and what a start counts of itself, by Timeline.
// Thread-compatible.
class Budget {
 public:
  Budget();

  // One line a counter; one that the kernel does not give says so.
  std::string Text() const;

 private:
  UniqueFd page_faults_;
  UniqueFd context_switches_;
  UniqueFd system_calls_;
};

}  // namespace tiny::cli

#endif  // TINY_CLI_EXPLAIN_H_
