// The options of run and create that limit what the container may use.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/units.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/resources.h"

namespace tiny::cli {
namespace {

using Flags = ContainerFlags;

constexpr int64_t kLeastMemory = int64_t{6} << 20;  // as Docker has it

absl::Status SetMemory(absl::string_view value, int64_t* field) {
  absl::StatusOr<int64_t> bytes = ParseBytes(value);
  if (bytes.ok() && *bytes != 0 && *bytes < kLeastMemory) {
    return absl::InvalidArgumentError("it is below 6m, with which no container starts");
  }
  return Store(std::move(bytes), field);
}

absl::Status SetCgroupParent(absl::string_view value, std::string* field) {
  if (value.empty()) return absl::InvalidArgumentError("empty path");
  const std::vector<absl::string_view> names = absl::StrSplit(value, '/');
  if (std::count(names.begin(), names.end(), "..") > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", value, "\" must not leave its place by \"..\""));
  }
  *field = std::string(value);
  return absl::OkStatus();
}

// Cpus or memory nodes, of those that are online in /sys/devices/system/`kind`.
absl::Status SetCpuset(absl::string_view value, absl::string_view kind, std::string* field) {
  const absl::StatusOr<std::string> online =
      ReadFile(absl::StrCat("/sys/devices/system/", kind, "/online"));
  const std::string all = online.value_or("0");  // a kernel without NUMA has one node
  return Store(ParseCpuList(value, absl::StripAsciiWhitespace(all)), field);
}

constexpr Option kLimits[] = {
    {'m', "memory", "bytes", "Memory limit",
     Apply<[](Flags& f, absl::string_view v) { return SetMemory(v, &f.config.resources.memory); }>},
    {0, "memory-swap", "bytes", "Limit of memory and swap together; -1 for none",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseBytesOrUnlimited(v), &f.config.resources.memory_swap);
     }>},
    {0, "memory-reservation", "bytes", "Memory kept for it when the host runs short",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseBytes(v), &f.config.resources.memory_reservation);
     }>},
    {0, "cpus", "number", "Number of CPUs, such as 1.5", Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseCpus(v), &f.config.resources.nano_cpus);
     }>},
    {'c', "cpu-shares", "weight", "Relative CPU weight (2 to 262144, default 1024)",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNumber(v, 0, 262144), &f.config.resources.cpu_shares);
     }>},
    {0, "cpu-period", "us", "Period of the cpu quota", Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNumber(v, 1000, 1000000), &f.config.resources.cpu_period);
     }>},
    {0, "cpu-quota", "us", "CPU time in each period; -1 for no limit",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNumber(v, -1, INT64_MAX / 1000), &f.config.resources.cpu_quota);
     }>},
    {0, "cpuset-cpus", "list", "CPUs that it may use, such as 0-2,5",
     Apply<[](Flags& f, absl::string_view v) {
       return SetCpuset(v, "cpu", &f.config.resources.cpuset_cpus);
     }>},
    {0, "cpuset-mems", "list", "Memory nodes that it may use",
     Apply<[](Flags& f, absl::string_view v) {
       return SetCpuset(v, "node", &f.config.resources.cpuset_mems);
     }>},
    {0, "pids-limit", "number", "Limit of processes and threads; -1 for none",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseNumber(v, -1, 4194304), &f.config.resources.pids_limit);
     }>},
    {0, "blkio-weight", "10-1000", "Relative weight for block I/O",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       absl::StatusOr<int64_t> weight = ParseNumber(v, 0, 1000);
       if (weight.ok() && *weight != 0 && *weight < 10) weight = ParseNumber(v, 10, 1000);
       if (!weight.ok()) return weight.status();
       f.config.resources.blkio_weight = static_cast<uint16_t>(*weight);
       return absl::OkStatus();
     }>},
};

constexpr Option kMore[] = {
    {0, "memory-swappiness", "0-100", "Readiness to swap (cgroup v1 only)",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       absl::StatusOr<int64_t> number = ParseNumber(v, -1, 100);
       if (!number.ok()) return number.status();
       if (*number >= 0) f.config.resources.memory_swappiness = *number;
       return absl::OkStatus();
     }>},
    {0, "device-read-bps", "dev:rate", "Limit reads from a disk, in bytes per second",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseDeviceBytes(v), &f.config.resources.device_read_bps);
     }>},
    {0, "device-write-bps", "dev:rate", "Limit writes to a disk, in bytes per second",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseDeviceBytes(v), &f.config.resources.device_write_bps);
     }>},
    {0, "device-read-iops", "dev:rate", "Limit reads from a disk, in operations per second",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseDeviceOperations(v), &f.config.resources.device_read_iops);
     }>},
    {0, "device-write-iops", "dev:rate", "Limit writes to a disk, in operations per second",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseDeviceOperations(v), &f.config.resources.device_write_iops);
     }>},
    {0, "ulimit", "name=soft[:hard]", "Limit of setrlimit(2), such as nofile=1024",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseUlimit(v), &f.config.ulimits);
     }>},
    {0, "oom-score-adj", "-1000-1000", "Adjust the OOM killer's preference for it",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       absl::StatusOr<int64_t> score = ParseNumber(v, -1000, 1000);
       if (!score.ok()) return score.status();
       f.config.oom_score_adj = static_cast<int>(*score);
       return absl::OkStatus();
     }>},
    {0, "cgroup-parent", "path", "Parent of its cgroup", Apply<[](Flags& f, absl::string_view v) {
       return SetCgroupParent(v, &f.config.cgroup_parent);
     }>},
};

}  // namespace

constinit const OptionGroup kLimitOptions = {"Limits", kLimits};
constinit const OptionGroup kResourceOptions = {"More limits", kMore};

}  // namespace tiny::cli
