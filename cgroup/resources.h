// What a cgroup may use, in terms that suit both versions of cgroups.
//
// An absent value is left as the kernel has it. -1 means no limit. The same request gives the same
// effect on either version; what one of them cannot do is an error of RenderControlWrites.
#ifndef TINY_CGROUP_RESOURCES_H_
#define TINY_CGROUP_RESOURCES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::cgroup {

// For each of read, write and mknod the last rule that matches the device decides; with none, the
// access is refused. A runtime that makes device nodes inside the cgroup has to let itself.
struct DeviceRule {
  bool allow = false;
  char type = 'a';                // 'b', 'c', or 'a' for both
  std::optional<uint32_t> major;  // absent: any
  std::optional<uint32_t> minor;
  std::string access;  // of "rwm"; empty: all three
};

// A rate or a weight of one block device.
struct BlockDeviceValue {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint64_t value = 0;
};

struct RdmaLimit {
  std::optional<uint32_t> hca_handles;
  std::optional<uint32_t> hca_objects;
};

struct Resources {
  // Bytes. `memory_swap` counts memory and swap together, as version 1 and Docker do.
  std::optional<int64_t> memory_limit;
  std::optional<int64_t> memory_swap;
  std::optional<int64_t> memory_reservation;
  std::optional<uint64_t> memory_swappiness;  // 0 to 100; version 1 only
  bool disable_oom_killer = false;            // version 1 only

  std::optional<uint64_t> cpu_shares;  // 2 to 262144, 1024 is the usual
  std::optional<int64_t> cpu_quota;    // microseconds in each period
  std::optional<uint64_t> cpu_period;  // microseconds
  std::optional<uint64_t> cpu_burst;   // microseconds
  std::optional<int64_t> cpu_idle;     // 1: runs only when nothing else does
  std::optional<int64_t> realtime_runtime;
  std::optional<uint64_t> realtime_period;
  std::string cpuset_cpus;  // "0-2,4"
  std::string cpuset_mems;

  std::optional<int64_t> pids_limit;

  std::optional<uint64_t> io_weight;  // 10 to 1000, as version 1 has it
  std::vector<BlockDeviceValue> io_device_weights;
  std::vector<BlockDeviceValue> io_read_bps;
  std::vector<BlockDeviceValue> io_write_bps;
  std::vector<BlockDeviceValue> io_read_iops;
  std::vector<BlockDeviceValue> io_write_iops;

  std::map<std::string, uint64_t> hugepage_limits;  // "2MB" -> bytes
  std::map<std::string, RdmaLimit> rdma;            // device -> limit
  std::optional<uint32_t> net_class_id;             // version 1 only
  std::map<std::string, uint32_t> net_priorities;   // interface -> priority; version 1 only

  // On version 1: a directory of every controller that counts (memory, cpu, cpuacct, pids, blkio)
  // and is mounted, even where nothing is limited, for engines that read the counters there. With
  // limits, of cpuset, too.
  bool count_usage = false;

  std::vector<DeviceRule> devices;
  std::map<std::string, std::string> unified;  // file of version 2 -> value, written last
};

enum class Version { kV1, kV2 };

// One file to write, in the cgroup's directory of that controller.
struct ControlWrite {
  Version version = Version::kV2;
  std::string controller;  // "memory"; of kV1: "blkio", of kV2: "io"; "cgroup" needs none
  std::string file;        // "memory.max"
  std::string value;
  // Where the kernel was built or booted without the file: written instead, or left out.
  std::string fallback_file;
  std::string fallback_value;
  bool optional = false;

  bool operator==(const ControlWrite&) const = default;
};

// The version that does a controller, given by its version 2 name: on a hybrid machine they differ.
using VersionOf = absl::FunctionRef<Version(absl::string_view controller)>;

// Every write that `resources` comes to, in order, but for device rules of version 2, which are a
// BPF program (device_program.h). Pure. kInvalidArgument for a value that is out of range,
// kUnimplemented for one that this version does not have.
absl::StatusOr<std::vector<ControlWrite>> RenderControlWrites(const Resources& resources,
                                                              VersionOf version_of);

// cpu.weight that matches cpu.shares: 2 -> 1, 1024 -> 100, 262144 -> 10000, and a curve through
// them, as newer container runtimes agreed.
uint64_t CpuWeightFromShares(uint64_t shares);

}  // namespace tiny::cgroup

#endif  // TINY_CGROUP_RESOURCES_H_
