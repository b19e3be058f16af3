#include "cgroup/resources.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace tiny::cgroup {
namespace {

constexpr int64_t kUnlimited = -1;
constexpr uint64_t kDefaultPeriod = 100000;

// The writes of one controller, on the version that it is on.
class Writes {
 public:
  Writes(std::vector<ControlWrite>& out, absl::string_view controller, Version version)
      : out_(out), controller_(controller), version_(version) {}

  bool v2() const { return version_ == Version::kV2; }

  ControlWrite& Add(absl::string_view file, absl::string_view value) {
    ControlWrite& write = out_.emplace_back();
    write.version = version_;
    write.controller = controller_;
    write.file = std::string(file);
    write.value = std::string(value);
    return write;
  }
  ControlWrite& AddNumber(absl::string_view file, int64_t value) {
    return Add(file, absl::StrCat(value));
  }
  // Version 1 writes "no limit" as -1, version 2 as "max".
  ControlWrite& AddLimit(absl::string_view file, int64_t value) {
    return Add(file, value == kUnlimited ? (v2() ? "max" : "-1") : absl::StrCat(value));
  }

 private:
  std::vector<ControlWrite>& out_;
  std::string controller_;
  Version version_;
};

absl::Status OutOfRange(absl::string_view what, int64_t value, absl::string_view range) {
  return absl::InvalidArgumentError(absl::StrCat(what, " of ", value, " is not ", range));
}

absl::Status NotInV2(absl::string_view what) {
  return absl::UnimplementedError(absl::StrCat("version 2 of cgroups has no ", what));
}

absl::Status CheckLimit(absl::string_view what, const std::optional<int64_t>& value) {
  if (value && *value < kUnlimited) return OutOfRange(what, *value, "a number of bytes or -1");
  return absl::OkStatus();
}

absl::Status RenderMemory(const Resources& r, Writes writes) {
  // Memory without a limit can't have one together with swap, be it from before.
  const std::optional<int64_t> memory_swap =
      r.memory_limit == kUnlimited && !r.memory_swap ? kUnlimited : r.memory_swap;
  RETURN_IF_ERROR(CheckLimit("memory limit", r.memory_limit));
  RETURN_IF_ERROR(CheckLimit("memory and swap limit", memory_swap));
  RETURN_IF_ERROR(CheckLimit("memory reservation", r.memory_reservation));
  const bool swap_limited = memory_swap && *memory_swap != kUnlimited;
  if (swap_limited && !r.memory_limit) {
    return absl::InvalidArgumentError("a limit of memory and swap needs one of memory");
  }
  if (swap_limited && *memory_swap < *r.memory_limit) {
    return absl::InvalidArgumentError(absl::StrCat("the limit of memory and swap together (",
                                                   *memory_swap, ") is below that of memory (",
                                                   *r.memory_limit, ")"));
  }
  if (r.memory_swappiness && *r.memory_swappiness > 100) {
    return OutOfRange("swappiness", static_cast<int64_t>(*r.memory_swappiness), "0 to 100");
  }
  if (writes.v2()) {
    if (r.memory_swappiness) return NotInV2("memory swappiness of a cgroup");
    if (r.disable_oom_killer) return NotInV2("switch for the OOM killer");
    if (r.memory_limit) writes.AddLimit("memory.max", *r.memory_limit);
    // The swap files are missing where the kernel does not account for swap.
    if (memory_swap) {
      const int64_t swap = swap_limited ? *memory_swap - *r.memory_limit : kUnlimited;
      writes.AddLimit("memory.swap.max", swap).optional = true;
    }
    if (r.memory_reservation) {
      writes.AddNumber("memory.low", std::max<int64_t>(*r.memory_reservation, 0));
    }
    return absl::OkStatus();
  }
  if (r.memory_limit) writes.AddLimit("memory.limit_in_bytes", *r.memory_limit);
  if (memory_swap) writes.AddLimit("memory.memsw.limit_in_bytes", *memory_swap).optional = true;
  if (r.memory_reservation) writes.AddLimit("memory.soft_limit_in_bytes", *r.memory_reservation);
  if (r.memory_swappiness) {
    writes.AddNumber("memory.swappiness", static_cast<int64_t>(*r.memory_swappiness));
  }
  if (r.disable_oom_killer) writes.Add("memory.oom_control", "1");
  return absl::OkStatus();
}

absl::Status RenderRealtime(const Resources& r, Writes writes) {
  if (!r.realtime_runtime && !r.realtime_period) return absl::OkStatus();
  if (writes.v2()) return NotInV2("realtime cpu limit");
  if (r.realtime_period) writes.Add("cpu.rt_period_us", absl::StrCat(*r.realtime_period));
  if (r.realtime_runtime) writes.AddNumber("cpu.rt_runtime_us", *r.realtime_runtime);
  return absl::OkStatus();
}

absl::Status RenderCpu(const Resources& r, Writes writes) {
  if (r.cpu_quota && *r.cpu_quota != kUnlimited && *r.cpu_quota < 1000) {
    return OutOfRange("cpu quota", *r.cpu_quota, "at least 1000 microseconds or -1");
  }
  if (r.cpu_period && (*r.cpu_period < 1000 || *r.cpu_period > 1000000)) {
    return OutOfRange("cpu period", static_cast<int64_t>(*r.cpu_period),
                      "1000 to 1000000 microseconds");
  }
  if (r.cpu_idle && *r.cpu_idle != 0 && *r.cpu_idle != 1) {
    return OutOfRange("cpu idle", *r.cpu_idle, "0 or 1");
  }
  // An idle cgroup has no weight: the kernel refuses one.
  if (r.cpu_idle) writes.AddNumber("cpu.idle", *r.cpu_idle);
  if (r.cpu_shares && r.cpu_idle.value_or(0) == 0) {
    if (writes.v2()) {
      writes.Add("cpu.weight", absl::StrCat(CpuWeightFromShares(*r.cpu_shares)));
    } else {
      writes.Add("cpu.shares", absl::StrCat(*r.cpu_shares));
    }
  }
  if (writes.v2()) {
    if (r.cpu_quota || r.cpu_period) {
      const int64_t quota = r.cpu_quota.value_or(kUnlimited);
      writes.Add("cpu.max", absl::StrCat(quota == kUnlimited ? "max" : absl::StrCat(quota), " ",
                                         r.cpu_period.value_or(kDefaultPeriod)));
    }
    if (r.cpu_burst) writes.Add("cpu.max.burst", absl::StrCat(*r.cpu_burst));
  } else {
    if (r.cpu_period) writes.Add("cpu.cfs_period_us", absl::StrCat(*r.cpu_period));
    if (r.cpu_quota) writes.AddNumber("cpu.cfs_quota_us", *r.cpu_quota);
    if (r.cpu_burst) writes.Add("cpu.cfs_burst_us", absl::StrCat(*r.cpu_burst));
  }
  return RenderRealtime(r, writes);
}

absl::Status RenderPids(const Resources& r, Writes writes) {
  if (!r.pids_limit) return absl::OkStatus();
  writes.Add("pids.max", *r.pids_limit <= 0 ? "max" : absl::StrCat(*r.pids_limit));
  return absl::OkStatus();
}

std::string DeviceName(const BlockDeviceValue& device) {
  return absl::StrCat(device.major, ":", device.minor);
}

// blkio.weight is 10 to 1000; io.weight is 1 to 10000, and bfq's own is 1 to 1000.
uint64_t IoWeight(uint64_t weight) { return 1 + (weight - 10) * 9999 / 990; }

absl::Status RenderIoWeights(const Resources& r, Writes& writes) {
  const auto check = [](uint64_t weight) -> absl::Status {
    if (weight >= 10 && weight <= 1000) return absl::OkStatus();
    return OutOfRange("io weight", static_cast<int64_t>(weight), "10 to 1000");
  };
  if (r.io_weight) {
    RETURN_IF_ERROR(check(*r.io_weight));
    ControlWrite& write =
        writes.v2() ? writes.Add("io.weight", absl::StrCat("default ", IoWeight(*r.io_weight)))
                    : writes.Add("blkio.weight", absl::StrCat(*r.io_weight));
    write.fallback_file = writes.v2() ? "io.bfq.weight" : "blkio.bfq.weight";
    write.fallback_value = absl::StrCat(*r.io_weight);
  }
  for (const BlockDeviceValue& device : r.io_device_weights) {
    RETURN_IF_ERROR(check(device.value));
    const std::string own = absl::StrCat(DeviceName(device), " ", device.value);
    ControlWrite& write =
        writes.v2()
            ? writes.Add("io.weight", absl::StrCat(DeviceName(device), " ", IoWeight(device.value)))
            : writes.Add("blkio.weight_device", own);
    write.fallback_file = writes.v2() ? "io.bfq.weight" : "blkio.bfq.weight_device";
    write.fallback_value = own;
  }
  return absl::OkStatus();
}

absl::Status RenderIo(const Resources& r, Writes writes) {
  RETURN_IF_ERROR(RenderIoWeights(r, writes));
  const struct {
    const std::vector<BlockDeviceValue>& devices;
    absl::string_view legacy_file;
    absl::string_view key;
  } throttles[] = {
      {r.io_read_bps, "blkio.throttle.read_bps_device", "rbps"},
      {r.io_write_bps, "blkio.throttle.write_bps_device", "wbps"},
      {r.io_read_iops, "blkio.throttle.read_iops_device", "riops"},
      {r.io_write_iops, "blkio.throttle.write_iops_device", "wiops"},
  };
  for (const auto& throttle : throttles) {
    for (const BlockDeviceValue& device : throttle.devices) {
      if (writes.v2()) {
        const std::string rate = device.value == 0 ? "max" : absl::StrCat(device.value);
        writes.Add("io.max", absl::StrCat(DeviceName(device), " ", throttle.key, "=", rate));
      } else {
        writes.Add(throttle.legacy_file, absl::StrCat(DeviceName(device), " ", device.value));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status RenderHugetlb(const Resources& r, Writes writes) {
  for (const auto& [size, limit] : r.hugepage_limits) {
    if (size.empty() || size.find('/') != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("\"", size, "\" is not a huge page size"));
    }
    const absl::string_view suffix = writes.v2() ? "max" : "limit_in_bytes";
    writes.Add(absl::StrCat("hugetlb.", size, ".", suffix), absl::StrCat(limit));
    // Reservations too, where the kernel counts them: else a process may get SIGBUS later on.
    writes.Add(absl::StrCat("hugetlb.", size, ".rsvd.", suffix), absl::StrCat(limit)).optional =
        true;
  }
  return absl::OkStatus();
}

absl::Status RenderRdma(const Resources& r, Writes writes) {
  for (const auto& [device, limit] : r.rdma) {
    std::string line = device;
    if (limit.hca_handles) absl::StrAppend(&line, " hca_handle=", *limit.hca_handles);
    if (limit.hca_objects) absl::StrAppend(&line, " hca_object=", *limit.hca_objects);
    writes.Add("rdma.max", line);
  }
  return absl::OkStatus();
}

absl::Status RenderNet(const Resources& r, std::vector<ControlWrite>& out, VersionOf version_of) {
  if (r.net_class_id) {
    if (version_of("net_cls") == Version::kV2) return NotInV2("network class id");
    Writes(out, "net_cls", Version::kV1).Add("net_cls.classid", absl::StrCat(*r.net_class_id));
  }
  for (const auto& [interface, priority] : r.net_priorities) {
    if (version_of("net_prio") == Version::kV2) return NotInV2("network priority");
    Writes(out, "net_prio", Version::kV1)
        .Add("net_prio.ifpriomap", absl::StrCat(interface, " ", priority));
  }
  return absl::OkStatus();
}

void RenderLegacyDevices(const Resources& r, Writes writes) {
  if (r.devices.empty()) return;
  // To the kernel "a" is every device, whatever follows, and ends all rules before it.
  const auto is_for_all = [](const DeviceRule& rule) {
    return rule.type == 'a' && !rule.major && !rule.minor &&
           (rule.access.empty() || rule.access.size() == 3);
  };
  const auto last = std::find_if(r.devices.rbegin(), r.devices.rend(), is_for_all);
  const bool allowed = last != r.devices.rend() && last->allow;
  writes.Add(allowed ? "devices.allow" : "devices.deny", "a");
  const auto number = [](const std::optional<uint32_t>& value) {
    return value ? absl::StrCat(*value) : std::string("*");
  };
  for (auto next = last.base(); next != r.devices.end(); ++next) {
    const DeviceRule& rule = *next;
    const absl::string_view file = rule.allow ? "devices.allow" : "devices.deny";
    const std::string access = rule.access.empty() ? "rwm" : rule.access;
    const std::string device =
        absl::StrCat(" ", number(rule.major), ":", number(rule.minor), " ", access);
    const std::string types = rule.type == 'a' ? "bc" : std::string(1, rule.type);
    for (const char type : types) writes.Add(file, std::string(1, type) + device);
  }
}

absl::Status RenderUnified(const Resources& r, std::vector<ControlWrite>& out) {
  for (const auto& [file, value] : r.unified) {
    const size_t dot = file.find('.');
    if (dot == std::string::npos || dot == 0 || file.find('/') != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("\"", file, "\" is not a file of cgroup v2"));
    }
    Writes(out, file.substr(0, dot), Version::kV2).Add(file, value);
  }
  return absl::OkStatus();
}

}  // namespace

uint64_t CpuWeightFromShares(uint64_t shares) {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const double l = std::log2(static_cast<double>(shares));
  const double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
  return static_cast<uint64_t>(std::ceil(std::pow(10, exponent)));
}

absl::StatusOr<std::vector<ControlWrite>> RenderControlWrites(const Resources& resources,
                                                              VersionOf version_of) {
  std::vector<ControlWrite> out;
  const auto writes = [&](absl::string_view v1_name, absl::string_view v2_name) {
    const Version version = version_of(v2_name);
    return Writes(out, version == Version::kV2 ? v2_name : v1_name, version);
  };
  RETURN_IF_ERROR(RenderMemory(resources, writes("memory", "memory")));
  RETURN_IF_ERROR(RenderCpu(resources, writes("cpu", "cpu")));
  Writes cpuset = writes("cpuset", "cpuset");
  if (!resources.cpuset_cpus.empty()) cpuset.Add("cpuset.cpus", resources.cpuset_cpus);
  if (!resources.cpuset_mems.empty()) cpuset.Add("cpuset.mems", resources.cpuset_mems);
  RETURN_IF_ERROR(RenderPids(resources, writes("pids", "pids")));
  RETURN_IF_ERROR(RenderIo(resources, writes("blkio", "io")));
  // To find out who has these takes a look at the machine.
  if (!resources.hugepage_limits.empty()) {
    RETURN_IF_ERROR(RenderHugetlb(resources, writes("hugetlb", "hugetlb")));
  }
  if (!resources.rdma.empty()) RETURN_IF_ERROR(RenderRdma(resources, writes("rdma", "rdma")));
  RETURN_IF_ERROR(RenderNet(resources, out, version_of));
  if (version_of("devices") == Version::kV1) {
    RenderLegacyDevices(resources, Writes(out, "devices", Version::kV1));
  }
  RETURN_IF_ERROR(RenderUnified(resources, out));
  return out;
}

}  // namespace tiny::cgroup
