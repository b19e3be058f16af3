#include <errno.h>
#include <poll.h>

#include <algorithm>
#include <climits>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "nlohmann/json.hpp"
#include "oci/cli/command.h"
#include "oci/cli/container_cgroup.h"
#include "oci/cli/container_store.h"
#include "oci/cli/oom_events.h"
#include "oci/cli/stats_json.h"

namespace tiny::oci {
namespace {

using Json = nlohmann::ordered_json;

absl::Status PrintEvent(const char* type, const std::string& id, Json data = nullptr) {
  Json event = {{"type", type}, {"id", id}};
  if (!data.is_null()) event["data"] = std::move(data);
  return Print(event.dump() + "\n");
}

// For poll(2).
int MillisecondsUntil(absl::Time time) {
  const absl::Duration left = std::max(time - WallNow(), absl::ZeroDuration());
  return static_cast<int>(std::min(absl::ToInt64Milliseconds(left) + 1, int64_t{INT_MAX}));
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
  RETURN_IF_ERROR(store.hierarchy().status());
  const cgroup::Hierarchy& hierarchy = *store.hierarchy();
  ASSIGN_OR_RETURN(OomEvents oom, OomEvents::Watch(hierarchy, record.cgroup_path));
  absl::Time next = WallNow();
  while (true) {
    if (WallNow() >= next) {
      ASSIGN_OR_RETURN(const cgroup::Stats stats, group.ReadStats());
      RETURN_IF_ERROR(PrintEvent("stats", record.id,
                                 StatsJson(hierarchy, record.cgroup_path, stats, record.init.pid)));
      if (once) return 0;
      next += interval;
    }
    pollfd events[] = {{process.get(), POLLIN, 0}, oom.Poller()};
    if (poll(events, 2, MillisecondsUntil(next)) < 0 && errno != EINTR) {
      return PosixStatus(errno, "poll");
    }
    if (oom.Take()) RETURN_IF_ERROR(PrintEvent("oom", record.id));
    if (events[0].revents != 0) return 0;
  }
}

}  // namespace tiny::oci
