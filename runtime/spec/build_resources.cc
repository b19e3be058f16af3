// linux.resources of the limits that Docker's flags give.

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "runtime/spec/build_spec.h"

namespace tiny::runtime {
namespace {

using state::DeviceRate;
using state::ResourceConfig;

constexpr int64_t kDefaultCpuPeriod = 100000;  // microseconds
constexpr int64_t kMinCpuQuota = 1000;
constexpr int64_t kNanosPerCpu = 1000000000;

absl::StatusOr<std::optional<oci::MemoryResources>> BuildMemory(const ResourceConfig& config) {
  oci::MemoryResources memory;
  bool any = false;
  if (config.memory > 0) {
    memory.limit = config.memory;
    any = true;
  }
  if (config.memory_swap != 0) {
    if (config.memory <= 0 && config.memory_swap > 0) {
      return absl::InvalidArgumentError("--memory-swap needs --memory, as it is their sum");
    }
    if (config.memory_swap > 0 && config.memory_swap < config.memory) {
      return absl::InvalidArgumentError(
          "--memory-swap is memory and swap together, so it can't be below --memory");
    }
    memory.swap = config.memory_swap;
    any = true;
  } else if (config.memory > 0) {
    memory.swap = config.memory > INT64_MAX / 2 ? -1 : 2 * config.memory;
  }
  if (config.memory_reservation > 0) {
    if (config.memory > 0 && config.memory_reservation > config.memory) {
      return absl::InvalidArgumentError("--memory-reservation can't be above --memory");
    }
    memory.reservation = config.memory_reservation;
    any = true;
  }
  if (config.memory_swappiness && *config.memory_swappiness >= 0) {
    if (*config.memory_swappiness > 100) {
      return absl::InvalidArgumentError("--memory-swappiness: must be 0 to 100");
    }
    memory.swappiness = static_cast<uint64_t>(*config.memory_swappiness);
    any = true;
  }
  if (!any) return std::nullopt;
  return memory;
}

absl::StatusOr<std::optional<oci::CpuResources>> BuildCpu(const ResourceConfig& config) {
  oci::CpuResources cpu;
  bool any = false;
  if (config.nano_cpus > 0) {
    if (config.cpu_quota != 0 || config.cpu_period != 0) {
      return absl::InvalidArgumentError("--cpus can't be used with --cpu-quota or --cpu-period");
    }
    const int64_t quota = config.nano_cpus / (kNanosPerCpu / kDefaultCpuPeriod);
    if (quota < kMinCpuQuota) return absl::InvalidArgumentError("--cpus: must be 0.01 or more");
    cpu.period = kDefaultCpuPeriod;
    cpu.quota = quota;
    any = true;
  }
  if (config.cpu_period != 0) {
    if (config.cpu_period < 1000 || config.cpu_period > 1000000) {
      return absl::InvalidArgumentError("--cpu-period: must be 1000 to 1000000 microseconds");
    }
    cpu.period = static_cast<uint64_t>(config.cpu_period);
    any = true;
  }
  if (config.cpu_quota != 0) {
    if (config.cpu_quota > 0 && config.cpu_quota < kMinCpuQuota) {
      return absl::InvalidArgumentError("--cpu-quota: must be 1000 microseconds or more");
    }
    cpu.quota = config.cpu_quota;
    any = true;
  }
  if (config.cpu_shares > 0) {
    cpu.shares = static_cast<uint64_t>(config.cpu_shares);
    any = true;
  }
  cpu.cpus = config.cpuset_cpus;
  cpu.mems = config.cpuset_mems;
  if (!any && cpu.cpus.empty() && cpu.mems.empty()) return std::nullopt;
  return cpu;
}

absl::StatusOr<std::vector<oci::ThrottleDevice>> BuildRates(
    const std::vector<DeviceRate>& rates, const std::map<std::string, oci::Device>& devices) {
  std::vector<oci::ThrottleDevice> throttles;
  for (const DeviceRate& rate : rates) {
    const auto device = devices.find(rate.path);
    if (device == devices.end() || device->second.type != "b") {
      return absl::NotFoundError(absl::StrCat(rate.path, ": no such block device"));
    }
    throttles.push_back({device->second.major, device->second.minor, rate.rate});
  }
  return throttles;
}

absl::StatusOr<std::optional<oci::BlockIoResources>> BuildBlockIo(
    const ResourceConfig& config, const std::map<std::string, oci::Device>& devices) {
  oci::BlockIoResources io;
  bool any = false;
  if (config.blkio_weight != 0) {
    if (config.blkio_weight < 10 || config.blkio_weight > 1000) {
      return absl::InvalidArgumentError("--blkio-weight: must be 10 to 1000");
    }
    io.weight = config.blkio_weight;
    any = true;
  }
  const std::pair<const std::vector<DeviceRate>*, std::vector<oci::ThrottleDevice>*> lists[] = {
      {&config.device_read_bps, &io.throttle_read_bps_device},
      {&config.device_write_bps, &io.throttle_write_bps_device},
      {&config.device_read_iops, &io.throttle_read_iops_device},
      {&config.device_write_iops, &io.throttle_write_iops_device},
  };
  for (const auto& [rates, throttles] : lists) {
    ASSIGN_OR_RETURN(*throttles, BuildRates(*rates, devices));
    any = any || !throttles->empty();
  }
  if (!any) return std::nullopt;
  return io;
}

}  // namespace

absl::StatusOr<oci::Resources> BuildResources(
    const ResourceConfig& config, const std::map<std::string, oci::Device>& host_devices) {
  oci::Resources resources;
  ASSIGN_OR_RETURN(resources.memory, BuildMemory(config));
  ASSIGN_OR_RETURN(resources.cpu, BuildCpu(config));
  ASSIGN_OR_RETURN(resources.block_io, BuildBlockIo(config, host_devices));
  if (config.pids_limit > 0) resources.pids_limit = config.pids_limit;
  return resources;
}

}  // namespace tiny::runtime
