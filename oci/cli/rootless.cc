#include "oci/cli/rootless.h"

#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "oci/cli/log.h"

namespace tiny::oci {
namespace {

bool IsLimit(const std::optional<int64_t>& value) { return value.value_or(-1) >= 0; }

std::string MemoryLimit(const MemoryResources& memory) {
  if (IsLimit(memory.limit)) return "memory.limit";
  if (IsLimit(memory.reservation)) return "memory.reservation";
  if (IsLimit(memory.swap)) return "memory.swap";
  if (memory.swappiness.has_value()) return "memory.swappiness";
  return memory.disable_oom_killer.value_or(false) ? "memory.disableOOMKiller" : "";
}

std::string CpuLimit(const CpuResources& cpu) {
  if (cpu.shares.has_value()) return "cpu.shares";
  if (IsLimit(cpu.quota)) return "cpu.quota";
  if (cpu.period.has_value()) return "cpu.period";
  if (cpu.burst.has_value()) return "cpu.burst";
  if (IsLimit(cpu.realtime_runtime)) return "cpu.realtimeRuntime";
  if (cpu.realtime_period.has_value()) return "cpu.realtimePeriod";
  if (!cpu.cpus.empty()) return "cpu.cpus";
  if (!cpu.mems.empty()) return "cpu.mems";
  return cpu.idle.has_value() ? "cpu.idle" : "";
}

bool LimitsAnything(const BlockIoResources& io) {
  return io.weight.has_value() || io.leaf_weight.has_value() || !io.weight_device.empty() ||
         !io.throttle_read_bps_device.empty() || !io.throttle_write_bps_device.empty() ||
         !io.throttle_read_iops_device.empty() || !io.throttle_write_iops_device.empty();
}

}  // namespace

std::string FirstLimit(const Resources& resources) {
  if (resources.memory.has_value()) {
    if (std::string limit = MemoryLimit(*resources.memory); !limit.empty()) return limit;
  }
  if (resources.cpu.has_value()) {
    if (std::string limit = CpuLimit(*resources.cpu); !limit.empty()) return limit;
  }
  if (IsLimit(resources.pids_limit)) return "pids.limit";
  if (resources.block_io.has_value() && LimitsAnything(*resources.block_io)) return "blockIO";
  if (!resources.hugepage_limits.empty()) return "hugepageLimits";
  if (resources.network.has_value() &&
      (resources.network->class_id.has_value() || !resources.network->priorities.empty())) {
    return "network";
  }
  if (!resources.rdma.empty()) return "rdma";
  return resources.unified.empty() ? "" : "unified";
}

absl::Status CheckRootlessFlag(const Globals& globals) {
  for (const absl::string_view known : {"auto", "true", "false"}) {
    if (globals.rootless == known) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--rootless ", globals.rootless, ": auto, true or false"));
}

absl::Status GoWithoutCgroup(const Globals& globals, const security::Caller& caller,
                             const Resources& resources, const absl::Status& refused) {
  const bool rootless =
      globals.rootless == "auto" ? !caller.IsMachineRoot() : globals.rootless == "true";
  if (!rootless) return refused;
  if (const std::string limit = FirstLimit(resources); !limit.empty()) {
    return WithHint(Annotate(refused, absl::StrCat("linux.resources.", limit, " needs a cgroup")),
                    "have systemd delegate one to this user (Delegate=yes in user@.service, and "
                    "--systemd-cgroup), or leave the limit out");
  }
  if (globals.debug || globals.log_level == "debug") {
    Log(globals, "debug", absl::StrCat("the container is without a cgroup: ", refused.message()));
  }
  return absl::OkStatus();
}

}  // namespace tiny::oci
