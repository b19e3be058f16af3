#include "runtime/launch/process_limits.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "security/rlimits.h"

namespace tiny::runtime {
namespace {

// struct sched_attr of linux/sched/types.h, which can't be included beside sched.h.
struct SchedulingAttributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

constexpr int kIoPriorityWhoProcess = 1;
constexpr int kIoPriorityClassShift = 13;

absl::Status SetRlimits(pid_t pid, const std::vector<oci::Rlimit>& limits) {
  for (const oci::Rlimit& limit : limits) {
    ASSIGN_OR_RETURN(const int resource, security::RlimitFromName(limit.type));
    const rlimit64 value = {limit.soft, limit.hard};
    if (syscall(SYS_prlimit64, pid, resource, &value, nullptr) != 0) {
      const int error = errno;
      return WithHint(
          PosixStatus(error, absl::StrCat("set ", limit.type, " to ", limit.soft, ":", limit.hard)),
          error == EPERM ? "a hard limit above one's own needs CAP_SYS_RESOURCE" : "");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> PolicyFromName(absl::string_view name) {
  constexpr std::array<std::pair<absl::string_view, uint32_t>, 7> kPolicies = {
      {{"SCHED_OTHER", SCHED_NORMAL},
       {"SCHED_FIFO", SCHED_FIFO},
       {"SCHED_RR", SCHED_RR},
       {"SCHED_BATCH", SCHED_BATCH},
       {"SCHED_ISO", 4},
       {"SCHED_IDLE", SCHED_IDLE},
       {"SCHED_DEADLINE", SCHED_DEADLINE}}};
  for (const auto& [known, policy] : kPolicies) {
    if (name == known) return policy;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("process.scheduler.policy: no such policy: \"", name, "\""));
}

absl::StatusOr<uint64_t> SchedulerFlag(absl::string_view name) {
  constexpr std::array<std::pair<absl::string_view, uint64_t>, 7> kFlags = {
      {{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
       {"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
       {"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
       {"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
       {"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
       {"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
       {"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX}}};
  for (const auto& [known, flag] : kFlags) {
    if (name == known) return flag;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("process.scheduler.flags: no such flag: \"", name, "\""));
}

absl::Status SetScheduler(pid_t pid, const oci::Scheduler& scheduler) {
  SchedulingAttributes attributes = {};
  attributes.size = sizeof(attributes);
  ASSIGN_OR_RETURN(attributes.policy, PolicyFromName(scheduler.policy));
  for (const std::string& name : scheduler.flags) {
    ASSIGN_OR_RETURN(const uint64_t flag, SchedulerFlag(name));
    attributes.flags |= flag;
  }
  attributes.nice = scheduler.nice.value_or(0);
  attributes.priority = static_cast<uint32_t>(scheduler.priority.value_or(0));
  attributes.runtime = scheduler.runtime.value_or(0);
  attributes.deadline = scheduler.deadline.value_or(0);
  attributes.period = scheduler.period.value_or(0);
  if (syscall(SYS_sched_setattr, pid, &attributes, 0) != 0) {
    return PosixStatus(errno, absl::StrCat("set scheduling policy ", scheduler.policy));
  }
  return absl::OkStatus();
}

absl::Status SetIoPriority(pid_t pid, const oci::IoPriority& priority) {
  int io_class = 0;
  if (priority.class_name == "IOPRIO_CLASS_RT") {
    io_class = 1;
  } else if (priority.class_name == "IOPRIO_CLASS_BE") {
    io_class = 2;
  } else if (priority.class_name == "IOPRIO_CLASS_IDLE") {
    io_class = 3;
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("process.ioPriority.class: no such class: \"", priority.class_name, "\""));
  }
  const int value = io_class << kIoPriorityClassShift | priority.priority;
  if (syscall(SYS_ioprio_set, kIoPriorityWhoProcess, pid, value) != 0) {
    return PosixStatus(errno, absl::StrCat("set I/O priority ", priority.class_name));
  }
  return absl::OkStatus();
}

absl::Status SetAffinity(pid_t pid, const oci::CpuAffinity& affinity) {
  const std::string& cpus =
      affinity.final_affinity.empty() ? affinity.initial : affinity.final_affinity;
  if (cpus.empty()) return absl::OkStatus();
  const absl::StatusOr<cpu_set_t> set = ParseIndexList(cpus);
  if (!set.ok()) return Annotate(set.status(), "process.execCPUAffinity");
  if (sched_setaffinity(pid, sizeof(*set), &*set) != 0) {
    return PosixStatus(errno, absl::StrCat("set cpu affinity ", cpus));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<cpu_set_t> ParseIndexList(absl::string_view text) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (text.empty()) return set;
  for (const absl::string_view range : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(range, absl::MaxSplits('-', 1));
    int first = 0;
    int last = 0;
    if (!absl::SimpleAtoi(ends.front(), &first) || !absl::SimpleAtoi(ends.back(), &last) ||
        first < 0 || last < first || last >= CPU_SETSIZE) {
      return absl::InvalidArgumentError(absl::StrCat("invalid list of numbers \"", text, "\""));
    }
    for (int index = first; index <= last; ++index) CPU_SET(index, &set);
  }
  return set;
}

bool MayBeSetEarly(const oci::Process& process, int highest_descriptor) {
  if (process.oom_score_adj.has_value() || process.scheduler.has_value() ||
      process.io_priority.has_value() || process.exec_cpu_affinity.has_value()) {
    return false;
  }
  // More than the making of a container takes.
  const uint64_t enough_files = static_cast<uint64_t>(highest_descriptor) + 256;
  // Not RLIMIT_NPROC, which execve(2) heeds after a change of the uid.
  constexpr std::array<absl::string_view, 6> kHarmless = {
      "RLIMIT_CORE", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE",
      "RLIMIT_NICE", "RLIMIT_RTPRIO",  "RLIMIT_SIGPENDING",
  };
  const auto is_harmless = [&](const oci::Rlimit& limit) {
    if (limit.type == "RLIMIT_NOFILE") return limit.soft >= enough_files;
    return std::find(kHarmless.begin(), kHarmless.end(), limit.type) != kHarmless.end();
  };
  return std::all_of(process.rlimits.begin(), process.rlimits.end(), is_harmless);
}

absl::Status SetProcessLimits(pid_t pid, const oci::Process& process,
                              const security::Caller* caller) {
  RETURN_IF_ERROR(SetRlimits(pid, process.rlimits));
  if (process.oom_score_adj.has_value()) {
    const absl::Status set = WriteControlFile(absl::StrCat("/proc/", pid, "/oom_score_adj"),
                                              absl::StrCat(*process.oom_score_adj));
    if (!set.ok() && (caller == nullptr || GetErrno(set) != EACCES || caller->IsMachineRoot())) {
      return set;
    }
  }
  if (process.scheduler.has_value()) RETURN_IF_ERROR(SetScheduler(pid, *process.scheduler));
  if (process.io_priority.has_value()) RETURN_IF_ERROR(SetIoPriority(pid, *process.io_priority));
  if (process.exec_cpu_affinity.has_value()) {
    RETURN_IF_ERROR(SetAffinity(pid, *process.exec_cpu_affinity));
  }
  return absl::OkStatus();
}

}  // namespace tiny::runtime
