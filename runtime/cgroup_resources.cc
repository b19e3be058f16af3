#include "runtime/cgroup_resources.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

absl::StatusOr<uint32_t> DeviceNumber(int64_t number) {
  if (number < 0 || number > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("device number ", number, " is out of range"));
  }
  return static_cast<uint32_t>(number);
}

absl::Status AddRates(const std::vector<oci::ThrottleDevice>& rates,
                      std::vector<cgroup::BlockDeviceValue>& values) {
  for (const oci::ThrottleDevice& rate : rates) {
    cgroup::BlockDeviceValue value;
    ASSIGN_OR_RETURN(value.major, DeviceNumber(rate.major));
    ASSIGN_OR_RETURN(value.minor, DeviceNumber(rate.minor));
    value.value = rate.rate;
    values.push_back(value);
  }
  return absl::OkStatus();
}

absl::Status AddBlockIo(const oci::BlockIoResources& block_io, cgroup::Resources& out) {
  out.io_weight = block_io.weight;
  for (const oci::WeightDevice& device : block_io.weight_device) {
    if (!device.weight.has_value()) continue;
    cgroup::BlockDeviceValue value;
    ASSIGN_OR_RETURN(value.major, DeviceNumber(device.major));
    ASSIGN_OR_RETURN(value.minor, DeviceNumber(device.minor));
    value.value = *device.weight;
    out.io_device_weights.push_back(value);
  }
  RETURN_IF_ERROR(AddRates(block_io.throttle_read_bps_device, out.io_read_bps));
  RETURN_IF_ERROR(AddRates(block_io.throttle_write_bps_device, out.io_write_bps));
  RETURN_IF_ERROR(AddRates(block_io.throttle_read_iops_device, out.io_read_iops));
  return AddRates(block_io.throttle_write_iops_device, out.io_write_iops);
}

absl::Status AddDevices(const std::vector<oci::DeviceRule>& rules, cgroup::Resources& out) {
  for (const oci::DeviceRule& rule : rules) {
    cgroup::DeviceRule converted;
    converted.allow = rule.allow;
    if (!rule.type.empty()) converted.type = rule.type[0];
    if (rule.type.size() > 1 ||
        (converted.type != 'a' && converted.type != 'b' && converted.type != 'c')) {
      return absl::InvalidArgumentError(absl::StrCat("unknown device type \"", rule.type, "\""));
    }
    // -1 was written for "any" before the fields became optional.
    if (rule.major.has_value() && *rule.major != -1) {
      ASSIGN_OR_RETURN(converted.major, DeviceNumber(*rule.major));
    }
    if (rule.minor.has_value() && *rule.minor != -1) {
      ASSIGN_OR_RETURN(converted.minor, DeviceNumber(*rule.minor));
    }
    converted.access = rule.access;
    out.devices.push_back(converted);
  }
  return absl::OkStatus();
}

// Without the limits of kernel memory, which Linux has no more.
void AddMemory(const oci::MemoryResources& memory, cgroup::Resources& out) {
  out.memory_limit = memory.limit;
  out.memory_swap = memory.swap;
  out.memory_reservation = memory.reservation;
  out.memory_swappiness = memory.swappiness;
  out.disable_oom_killer = memory.disable_oom_killer.value_or(false);
}

void AddCpu(const oci::CpuResources& cpu, cgroup::Resources& out) {
  out.cpu_shares = cpu.shares;
  out.cpu_quota = cpu.quota;
  out.cpu_period = cpu.period;
  out.cpu_burst = cpu.burst;
  out.cpu_idle = cpu.idle;
  out.realtime_runtime = cpu.realtime_runtime;
  out.realtime_period = cpu.realtime_period;
  out.cpuset_cpus = cpu.cpus;
  out.cpuset_mems = cpu.mems;
}

}  // namespace

absl::StatusOr<cgroup::Resources> CgroupResources(const oci::Resources& resources) {
  cgroup::Resources out;
  if (resources.memory.has_value()) AddMemory(*resources.memory, out);
  if (resources.cpu.has_value()) AddCpu(*resources.cpu, out);
  // Engines write 0 where they mean no limit; the kernel would allow no process.
  if (resources.pids_limit.has_value() && *resources.pids_limit != 0) {
    out.pids_limit = *resources.pids_limit < 0 ? -1 : *resources.pids_limit;
  }
  if (resources.block_io.has_value()) RETURN_IF_ERROR(AddBlockIo(*resources.block_io, out));
  for (const oci::HugepageLimit& limit : resources.hugepage_limits) {
    out.hugepage_limits[limit.page_size] = limit.limit;
  }
  for (const auto& [device, limit] : resources.rdma) {
    out.rdma[device] = {limit.hca_handles, limit.hca_objects};
  }
  if (resources.network.has_value()) {
    out.net_class_id = resources.network->class_id;
    for (const oci::InterfacePriority& priority : resources.network->priorities) {
      out.net_priorities[priority.name] = priority.priority;
    }
  }
  RETURN_IF_ERROR(AddDevices(resources.devices, out));
  out.unified = resources.unified;
  return out;
}

}  // namespace tiny::runtime
