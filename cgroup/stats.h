// What a cgroup has used.
#ifndef TINY_CGROUP_STATS_H_
#define TINY_CGROUP_STATS_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tiny::cgroup {

struct Stats {
  absl::Duration cpu_usage;
  absl::Duration cpu_user;
  absl::Duration cpu_system;
  uint64_t cpu_periods = 0;  // of --cpus: enforced, and those in which it was throttled
  uint64_t cpu_throttled_periods = 0;
  absl::Duration cpu_throttled;

  uint64_t memory_usage = 0;             // bytes, less the page cache that is not in use
  uint64_t memory_peak = 0;              // bytes; 0: not known
  std::optional<uint64_t> memory_limit;  // absent: none
  uint64_t oom_kills = 0;                // processes killed for want of memory
  bool memory_estimated = false;         // from /proc, as there is no memory controller

  uint64_t pids = 0;  // processes and threads
  std::optional<uint64_t> pids_limit;

  uint64_t io_read_bytes = 0;
  uint64_t io_write_bytes = 0;
};

// The value after `key` in "key value" lines, as in memory.stat, cpu.stat and cgroup.events.
std::optional<uint64_t> FlatKeyedValue(absl::string_view text, absl::string_view key);

// The sum over devices of a "MAJ:MIN key=value ..." file (io.stat) for `key`.
uint64_t SumNestedKeyed(absl::string_view text, absl::string_view key);

// The sum over devices of "MAJ:MIN Operation value" lines (blkio.throttle.io_service_bytes).
uint64_t SumBlkio(absl::string_view text, absl::string_view operation);

}  // namespace tiny::cgroup

#endif  // TINY_CGROUP_STATS_H_
