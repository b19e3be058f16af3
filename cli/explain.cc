#include "cli/explain.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "cli/template/value.h"

namespace tiny::cli {
namespace {

constexpr int kBarWidth = 30;

absl::string_view Role(int32_t process, pid_t client) {
  if (process == client) return "client";
  return process == 1 ? "container" : "supervisor";
}

double Microseconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; }

UniqueFd OpenCounter(uint32_t type, uint64_t config) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = type;
  attributes.config = config;
  attributes.inherit = 1;
  return UniqueFd(
      static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
}

// The tracepoint that every system call passes; there is none without tracefs.
UniqueFd OpenSystemCallCounter() {
  for (const char* folder : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    const absl::StatusOr<std::string> text =
        ReadFile(absl::StrCat(folder, "/events/raw_syscalls/sys_enter/id"));
    uint64_t id = 0;
    if (text.ok() && absl::SimpleAtoi(absl::StripAsciiWhitespace(*text), &id)) {
      return OpenCounter(PERF_TYPE_TRACEPOINT, id);
    }
  }
  return UniqueFd();
}

std::string CounterText(absl::string_view name, const UniqueFd& counter) {
  uint64_t value = 0;
  if (counter && read(counter.get(), &value, sizeof(value)) == sizeof(value)) {
    return absl::StrFormat("%-18s %d\n", name, value);
  }
  return absl::StrFormat("%-18s not known: the kernel gives no such counter here\n", name);
}

}  // namespace

std::string TimelineText(const std::vector<TimelineEntry>& entries, pid_t client) {
  if (entries.empty()) return "";
  const uint64_t start = entries.front().nanoseconds;
  // The processes work at the same time: a step took what has passed since the last one of its own
  // process, or, for the first, since the last one of all.
  std::vector<uint64_t> took(entries.size(), 0);
  for (size_t i = 1; i < entries.size(); ++i) {
    size_t before = i;
    while (before > 0 && entries[--before].process != entries[i].process) {
    }
    if (entries[before].process != entries[i].process) before = i - 1;
    took[i] = entries[i].nanoseconds - entries[before].nanoseconds;
  }
  const uint64_t longest = std::max<uint64_t>(1, *std::max_element(took.begin(), took.end()));
  std::string text = absl::StrFormat("%10s %10s  %-10s %-*s  %s\n", "AT us", "TOOK us", "PROCESS",
                                     kBarWidth, "", "STEP");
  for (size_t i = 0; i < entries.size(); ++i) {
    const int bar = static_cast<int>((took[i] * kBarWidth + longest - 1) / longest);
    absl::StrAppendFormat(&text, "%10.1f %10.1f  %-10s %-*s  %s\n",
                          Microseconds(entries[i].nanoseconds - start), Microseconds(took[i]),
                          Role(entries[i].process, client), kBarWidth, std::string(bar, '#'),
                          entries[i].step);
  }
  return text;
}

std::string TimelineJson(const std::vector<TimelineEntry>& entries, pid_t client) {
  Value list = Value(Value::List());
  for (const TimelineEntry& entry : entries) {
    list.Append(Value::Object({{"ns", entry.nanoseconds - entries.front().nanoseconds},
                               {"process", Role(entry.process, client)},
                               {"step", entry.step}}));
  }
  return ToJson(list) + "\n";
}

Budget::Budget()
    : page_faults_(OpenCounter(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS)),
      context_switches_(OpenCounter(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES)),
      system_calls_(OpenSystemCallCounter()) {
  Timeline::Start();
}

std::string Budget::Text() const {
  std::string text = "What the start took:\n";
  for (const auto& [name, tally] : {std::pair("forks", Tally::kForks),
                                    {"execs", Tally::kExecs},
                                    {"netlink messages", Tally::kNetlinkMessages}}) {
    absl::StrAppendFormat(&text, "%-18s %d\n", name, Timeline::Total(tally));
  }
  absl::StrAppend(&text, "And with the program's own part:\n",
                  CounterText("page faults", page_faults_),
                  CounterText("context switches", context_switches_),
                  CounterText("system calls", system_calls_));
  return text;
}

}  // namespace tiny::cli
