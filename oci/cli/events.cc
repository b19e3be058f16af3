#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "nlohmann/json.hpp"
#include "oci/cli/command.h"
#include "oci/cli/container_cgroup.h"
#include "oci/cli/container_store.h"

namespace tiny::oci {
namespace {

using Json = nlohmann::ordered_json;

// In the form of `runc events --stats`, which engines parse.
Json StatsJson(const cgroup::Stats& stats) {
  const auto nanos = [](absl::Duration duration) { return absl::ToInt64Nanoseconds(duration); };
  Json usage = {{"total", nanos(stats.cpu_usage)},
                {"kernel", nanos(stats.cpu_system)},
                {"user", nanos(stats.cpu_user)}};
  Json throttling = {{"periods", stats.cpu_periods},
                     {"throttledPeriods", stats.cpu_throttled_periods},
                     {"throttledTime", nanos(stats.cpu_throttled)}};
  Json memory = {{"usage", stats.memory_usage}, {"max", stats.memory_peak}, {"failcnt", 0}};
  if (stats.memory_limit) memory["limit"] = *stats.memory_limit;
  Json pids = {{"current", stats.pids}};
  if (stats.pids_limit) pids["limit"] = *stats.pids_limit;
  const auto io = [](const char* operation, uint64_t bytes) {
    return Json{{"major", 0}, {"minor", 0}, {"op", operation}, {"value", bytes}};
  };
  return {
      {"cpu", {{"usage", usage}, {"throttling", throttling}}},
      {"memory", {{"usage", memory}, {"raw", Json::object()}}},
      {"pids", pids},
      {"blkio",
       {{"ioServiceBytesRecursive",
         {io("Read", stats.io_read_bytes), io("Write", stats.io_write_bytes)}}}},
      {"hugetlb", Json::object()},
  };
}

absl::Status PrintEvent(const char* type, const std::string& id, const Json& data) {
  Json event = {{"type", type}, {"id", id}};
  if (!data.is_null()) event["data"] = data;
  return Print(event.dump() + "\n");
}

}  // namespace

absl::StatusOr<int> RunEvents(const Globals& globals, Arguments arguments) {
  bool once = false;
  std::string interval_text = "5s";
  Flags flags;
  flags.Add({"stats", '\0', "print the statistics once", &once});
  flags.Add({"interval", '\0', "the time between statistics", &interval_text});
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, ParseOperands(flags, arguments, 1));
  ASSIGN_OR_RETURN(const absl::Duration interval, ParseDuration(interval_text));
  if (interval <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--interval: must be greater than zero");
  }
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(const Record record, LoadLive(store, operands[0]));
  ASSIGN_OR_RETURN(const UniqueFd process, OpenProcess(record.init));
  ASSIGN_OR_RETURN(const cgroup::Cgroup group, OpenContainerCgroup(record));
  uint64_t oom_kills = group.OomKills().value_or(0);
  while (true) {
    ASSIGN_OR_RETURN(const cgroup::Stats stats, group.ReadStats());
    RETURN_IF_ERROR(PrintEvent("stats", record.id, StatsJson(stats)));
    if (once) return 0;
    ASSIGN_OR_RETURN(const bool ended, WaitForExit(process.get(), interval));
    if (const uint64_t now = group.OomKills().value_or(oom_kills); now > oom_kills) {
      oom_kills = now;
      RETURN_IF_ERROR(PrintEvent("oom", record.id, nullptr));
    }
    if (ended) return 0;
  }
}

}  // namespace tiny::oci
