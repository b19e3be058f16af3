#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "cgroup/cgroup.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"
#include "runtime/process_table.h"

namespace tiny::runtime {
namespace {

absl::Status NotRunning(const Container& container) {
  return absl::FailedPreconditionError(
      absl::StrCat("container ", container.config.name, " is not running"));
}

bool HasProcess(const Container& container) {
  return container.state.status == state::Status::kRunning ||
         container.state.status == state::Status::kPaused;
}

absl::StatusOr<cgroup::Cgroup> OpenCgroup(const Container& container) {
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  return cgroup::Cgroup::Open(hierarchy, container.state.cgroup_path);
}

// Adds up proc_pid_net(5)'s "dev" of the container's namespace, loopback left out.
void AddNetwork(absl::string_view text, StatsSample& sample) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos || absl::StrContains(line.substr(0, colon), " lo")) {
      continue;
    }
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line.substr(colon + 1), ' ', absl::SkipEmpty());
    uint64_t received = 0;
    uint64_t sent = 0;
    if (fields.size() < 9 || !absl::SimpleAtoi(fields[0], &received) ||
        !absl::SimpleAtoi(fields[8], &sent)) {
      continue;
    }
    sample.network_received += received;
    sample.network_sent += sent;
  }
}

}  // namespace

absl::StatusOr<ProcessTable> EngineImpl::Top(absl::string_view reference,
                                             const std::vector<std::string>& options) {
  ASSIGN_OR_RETURN(const std::vector<std::string> columns, ParsePsOptions(options));
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  if (!HasProcess(container)) return NotRunning(container);
  ASSIGN_OR_RETURN(const cgroup::Cgroup cgroup, OpenCgroup(container));
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, cgroup.Pids());
  LogEvent(options_.root, container.config, "top");
  return ReadProcessTable(pids, columns);
}

absl::StatusOr<StatsSample> EngineImpl::Stats(absl::string_view reference) {
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  if (!HasProcess(container)) return NotRunning(container);
  ASSIGN_OR_RETURN(const cgroup::Cgroup cgroup, OpenCgroup(container));
  ASSIGN_OR_RETURN(const cgroup::Stats stats, cgroup.ReadStats());
  StatsSample sample;
  sample.time = absl::Now();
  sample.cpu_nanoseconds = static_cast<uint64_t>(absl::ToInt64Nanoseconds(stats.cpu_usage));
  sample.online_cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  sample.memory_bytes = stats.memory_usage;
  struct sysinfo machine;
  if (sysinfo(&machine) == 0) sample.memory_limit = machine.totalram * machine.mem_unit;
  if (stats.memory_limit.has_value()) {
    sample.memory_limit = std::min(sample.memory_limit, *stats.memory_limit);
  }
  sample.block_read = stats.io_read_bytes;
  sample.block_written = stats.io_write_bytes;
  sample.pids = stats.pids;
  const absl::StatusOr<std::string> devices =
      ReadFile(absl::StrCat("/proc/", container.state.init.pid, "/net/dev"));
  if (devices.ok()) AddNetwork(*devices, sample);
  return sample;
}

}  // namespace tiny::runtime
