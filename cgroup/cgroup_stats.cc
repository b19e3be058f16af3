// What a cgroup has used, from wherever this machine counts it.
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cgroup/cgroup.h"

namespace tiny::cgroup {
namespace {

// Version 1 writes "no limit" of memory as the largest multiple of the page size.
constexpr uint64_t kNoLegacyLimit = uint64_t{1} << 62;

// Counters are read as far as they are there: an empty text gives zeros.
std::string Text(const Directory& directory, absl::string_view file) {
  return ReadFileAt(directory.fd.get(), file).value_or("");
}

std::optional<uint64_t> Number(const Directory& directory, absl::string_view file) {
  uint64_t value = 0;
  if (!absl::SimpleAtoi(Text(directory, file), &value)) return std::nullopt;  // "max" too
  return value;
}

uint64_t UsageLessCache(uint64_t usage, absl::string_view memory_stat, absl::string_view key) {
  const uint64_t inactive = FlatKeyedValue(memory_stat, key).value_or(0);
  return usage > inactive ? usage - inactive : 0;
}

bool ReadMemory(const Directory* v1, const Directory* v2, Stats& stats) {
  if (v1 != nullptr) {
    stats.memory_usage = UsageLessCache(Number(*v1, "memory.usage_in_bytes").value_or(0),
                                        Text(*v1, "memory.stat"), "total_inactive_file");
    stats.memory_peak = Number(*v1, "memory.max_usage_in_bytes").value_or(0);
    stats.memory_limit = Number(*v1, "memory.limit_in_bytes");
    if (stats.memory_limit.value_or(0) >= kNoLegacyLimit) stats.memory_limit.reset();
    stats.oom_kills = FlatKeyedValue(Text(*v1, "memory.oom_control"), "oom_kill").value_or(0);
    return true;
  }
  const std::optional<uint64_t> usage =
      v2 != nullptr ? Number(*v2, "memory.current") : std::nullopt;
  if (!usage) return false;
  stats.memory_usage = UsageLessCache(*usage, Text(*v2, "memory.stat"), "inactive_file");
  stats.memory_peak = Number(*v2, "memory.peak").value_or(0);
  stats.memory_limit = Number(*v2, "memory.max");
  stats.oom_kills = FlatKeyedValue(Text(*v2, "memory.events"), "oom_kill").value_or(0);
  return true;
}

bool ReadCpu(const Directory* cpu, const Directory* cpuacct, const Directory* v2, Stats& stats) {
  if (v2 != nullptr) {
    const std::string text = Text(*v2, "cpu.stat");
    stats.cpu_usage = absl::Microseconds(FlatKeyedValue(text, "usage_usec").value_or(0));
    stats.cpu_user = absl::Microseconds(FlatKeyedValue(text, "user_usec").value_or(0));
    stats.cpu_system = absl::Microseconds(FlatKeyedValue(text, "system_usec").value_or(0));
    stats.cpu_periods = FlatKeyedValue(text, "nr_periods").value_or(0);
    stats.cpu_throttled_periods = FlatKeyedValue(text, "nr_throttled").value_or(0);
    stats.cpu_throttled = absl::Microseconds(FlatKeyedValue(text, "throttled_usec").value_or(0));
  }
  if (cpu != nullptr) {
    const std::string text = Text(*cpu, "cpu.stat");
    stats.cpu_periods = FlatKeyedValue(text, "nr_periods").value_or(0);
    stats.cpu_throttled_periods = FlatKeyedValue(text, "nr_throttled").value_or(0);
    stats.cpu_throttled = absl::Nanoseconds(FlatKeyedValue(text, "throttled_time").value_or(0));
  }
  if (v2 == nullptr && cpuacct != nullptr) {
    stats.cpu_usage = absl::Nanoseconds(Number(*cpuacct, "cpuacct.usage").value_or(0));
    stats.cpu_user = absl::Nanoseconds(Number(*cpuacct, "cpuacct.usage_user").value_or(0));
    stats.cpu_system = absl::Nanoseconds(Number(*cpuacct, "cpuacct.usage_sys").value_or(0));
  }
  return v2 != nullptr || cpuacct != nullptr;
}

bool ReadIo(const Directory* v1, const Directory* v2, Stats& stats) {
  if (v1 != nullptr) {
    const std::string text = Text(*v1, "blkio.throttle.io_service_bytes_recursive");
    stats.io_read_bytes = SumBlkio(text, "Read");
    stats.io_write_bytes = SumBlkio(text, "Write");
    return true;
  }
  if (v2 == nullptr) return false;
  const absl::StatusOr<std::string> text = ReadFileAt(v2->fd.get(), "io.stat");
  if (!text.ok()) return false;
  stats.io_read_bytes = SumNestedKeyed(*text, "rbytes");
  stats.io_write_bytes = SumNestedKeyed(*text, "wbytes");
  return true;
}

// What no controller counts is added up over the processes that live now. Their memory is then that
// which is theirs alone: neither shared nor of files.
struct Wanted {
  bool cpu = false;
  bool memory = false;
  bool io = false;
};

void AddProcess(pid_t pid, const Wanted& wanted, Stats& stats) {
  const std::string folder = absl::StrCat("/proc/", pid, "/");
  if (wanted.memory) {
    const std::string text = ReadFile(folder + "statm").value_or("");
    const std::vector<absl::string_view> pages = absl::StrSplit(text, ' ');
    uint64_t resident = 0;
    uint64_t of_files = 0;
    if (pages.size() > 2 && absl::SimpleAtoi(pages[1], &resident) &&
        absl::SimpleAtoi(pages[2], &of_files) && resident > of_files) {
      stats.memory_usage += (resident - of_files) * static_cast<uint64_t>(getpagesize());
    }
  }
  if (wanted.io) {
    const std::string text = ReadFile(folder + "io").value_or("");
    stats.io_read_bytes += FlatKeyedValue(text, "read_bytes:").value_or(0);
    stats.io_write_bytes += FlatKeyedValue(text, "write_bytes:").value_or(0);
  }
  if (wanted.cpu) {
    // proc_pid_stat(5): after the name in parentheses, fields 14 to 17 are at 11 to 14. The last
    // two are of children that have been waited for: what has ended is counted with who reaped it.
    const std::string text = ReadFile(folder + "stat").value_or("");
    const std::vector<absl::string_view> fields = absl::StrSplit(
        absl::string_view(text).substr(std::min(text.rfind(')') + 2, text.size())), ' ');
    uint64_t ticks[4] = {};
    bool complete = fields.size() > 14;
    for (size_t i = 0; complete && i < 4; ++i) {
      complete = absl::SimpleAtoi(fields[11 + i], &ticks[i]);
    }
    if (complete) {
      const absl::Duration tick = absl::Seconds(1) / sysconf(_SC_CLK_TCK);
      stats.cpu_user += tick * (ticks[0] + ticks[2]);
      stats.cpu_system += tick * (ticks[1] + ticks[3]);
      stats.cpu_usage = stats.cpu_user + stats.cpu_system;
    }
  }
}

uint64_t CountLines(absl::string_view text) {
  return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

absl::StatusOr<Stats> Cgroup::ReadStats() const {
  const auto v1 = [&](absl::string_view name) { return Find(name, Version::kV1); };
  const Directory* const v2 = Find("cgroup", Version::kV2);
  Stats stats;
  Wanted wanted;
  wanted.memory = !ReadMemory(v1("memory"), v2, stats);
  wanted.cpu = !ReadCpu(v1("cpu"), v1("cpuacct"), v2, stats);
  wanted.io = !ReadIo(v1("blkio"), v2, stats);
  stats.memory_estimated = wanted.memory;

  const Directory* pids = v1("pids");
  if (pids == nullptr && v2 != nullptr && Number(*v2, "pids.current")) pids = v2;
  if (pids != nullptr) {
    stats.pids = Number(*pids, "pids.current").value_or(0);
    stats.pids_limit = Number(*pids, "pids.max");
  } else {
    RETURN_IF_ERROR(ForEachCgroup(Tracking(), [&](const Directory& cgroup) {
      stats.pids += CountLines(Text(cgroup, v2 != nullptr ? "cgroup.threads" : "tasks"));
      return absl::OkStatus();
    }));
  }
  if (wanted.memory || wanted.cpu || wanted.io) {
    ASSIGN_OR_RETURN(const std::vector<pid_t> processes, Pids());
    for (const pid_t pid : processes) AddProcess(pid, wanted, stats);
  }
  return stats;
}

absl::StatusOr<uint64_t> Cgroup::OomKills() const {
  if (const Directory* memory = Find("memory", Version::kV1); memory != nullptr) {
    return FlatKeyedValue(Text(*memory, "memory.oom_control"), "oom_kill").value_or(0);
  }
  if (!unified_.fd) return 0;
  return FlatKeyedValue(Text(unified_, "memory.events"), "oom_kill").value_or(0);
}

}  // namespace tiny::cgroup
