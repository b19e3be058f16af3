#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "oci/cli/bundle.h"
#include "oci/cli/command.h"
#include "oci/cli/container_cgroup.h"
#include "oci/cli/container_store.h"
#include "oci/cli/create_container.h"
#include "oci/cli/systemd_scope.h"
#include "oci/spec_parser.h"
#include "runtime/cgroup_resources.h"
#include "runtime/launch/intel_rdt.h"

namespace tiny::oci {
namespace {

struct UpdateFlags {
  std::string resources;
  std::string memory, memory_reservation, memory_swap;
  std::string kernel_memory, kernel_memory_tcp;
  std::string cpuset_cpus, cpuset_mems;
  std::string l3_cache_schema, memory_bandwidth_schema;
  std::optional<int64_t> cpu_shares, cpu_quota, cpu_period, cpu_burst, cpu_idle;
  std::optional<int64_t> cpu_rt_runtime, cpu_rt_period;
  std::optional<int64_t> pids_limit, blkio_weight;
};

Flags MakeFlags(UpdateFlags& out) {
  Flags flags;
  flags.Add({"resources", 'r', "a file with linux.resources; - is standard input", &out.resources});
  flags.Add({"memory", '\0', "bytes", &out.memory});
  flags.Add({"memory-reservation", '\0', "bytes", &out.memory_reservation});
  flags.Add({"memory-swap", '\0', "memory and swap together; -1: no limit", &out.memory_swap});
  flags.Add({"kernel-memory", '\0', "ignored: kernels have no such limit", &out.kernel_memory});
  flags.Add({"kernel-memory-tcp", '\0', "ignored likewise", &out.kernel_memory_tcp});
  flags.Add({"cpu-shares", '\0', "the relative weight", &out.cpu_shares});
  flags.Add({"cpu-share", '\0', "the relative weight", &out.cpu_shares});
  flags.Add({"cpu-quota", '\0', "microseconds of each period", &out.cpu_quota});
  flags.Add({"cpu-period", '\0', "microseconds", &out.cpu_period});
  flags.Add({"cpu-burst", '\0', "microseconds", &out.cpu_burst});
  flags.Add({"cpu-idle", '\0', "1: SCHED_IDLE", &out.cpu_idle});
  flags.Add({"cpu-rt-runtime", '\0', "microseconds of realtime", &out.cpu_rt_runtime});
  flags.Add({"cpu-rt-period", '\0', "microseconds", &out.cpu_rt_period});
  flags.Add({"cpuset-cpus", '\0', "a list of cpus", &out.cpuset_cpus});
  flags.Add({"cpuset-mems", '\0', "a list of memory nodes", &out.cpuset_mems});
  flags.Add({"pids-limit", '\0', "how many processes; -1: no limit", &out.pids_limit});
  flags.Add({"blkio-weight", '\0', "10 to 1000", &out.blkio_weight});
  flags.Add({"l3-cache-schema", '\0', "lines of resctrl for the cache", &out.l3_cache_schema});
  flags.Add({"mem-bw-schema", '\0', "lines of resctrl for memory bandwidth",
             &out.memory_bandwidth_schema});
  return flags;
}

absl::Status SetBytes(const char* flag, const std::string& text, std::optional<int64_t>& out) {
  if (text.empty()) return absl::OkStatus();
  if (text == "-1") {
    out = -1;
    return absl::OkStatus();
  }
  absl::StatusOr<int64_t> bytes = ParseBytes(text);
  if (!bytes.ok()) return Annotate(bytes.status(), flag);
  out = *bytes;
  return absl::OkStatus();
}

template <typename T>
absl::Status SetNumber(const char* flag, const std::optional<int64_t>& value,
                       std::optional<T>& out) {
  if (!value) return absl::OkStatus();
  if (!std::in_range<T>(*value)) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": ", *value, " is out of range"));
  }
  out = static_cast<T>(*value);
  return absl::OkStatus();
}

absl::StatusOr<Resources> ReadResources(const UpdateFlags& in) {
  if (!in.resources.empty()) {
    ASSIGN_OR_RETURN(const std::string text,
                     in.resources == "-" ? ReadFd(0, "standard input") : ReadFile(in.resources));
    absl::StatusOr<Resources> resources = ParseResources(text);
    if (!resources.ok()) return Annotate(resources.status(), "--resources");
    return resources;
  }
  Resources resources;
  MemoryResources memory;
  RETURN_IF_ERROR(SetBytes("--memory", in.memory, memory.limit));
  RETURN_IF_ERROR(SetBytes("--memory-reservation", in.memory_reservation, memory.reservation));
  RETURN_IF_ERROR(SetBytes("--memory-swap", in.memory_swap, memory.swap));
  if (memory.limit || memory.reservation || memory.swap) resources.memory = memory;
  CpuResources cpu;
  RETURN_IF_ERROR(SetNumber("--cpu-shares", in.cpu_shares, cpu.shares));
  RETURN_IF_ERROR(SetNumber("--cpu-quota", in.cpu_quota, cpu.quota));
  RETURN_IF_ERROR(SetNumber("--cpu-period", in.cpu_period, cpu.period));
  RETURN_IF_ERROR(SetNumber("--cpu-burst", in.cpu_burst, cpu.burst));
  RETURN_IF_ERROR(SetNumber("--cpu-idle", in.cpu_idle, cpu.idle));
  RETURN_IF_ERROR(SetNumber("--cpu-rt-runtime", in.cpu_rt_runtime, cpu.realtime_runtime));
  RETURN_IF_ERROR(SetNumber("--cpu-rt-period", in.cpu_rt_period, cpu.realtime_period));
  cpu.cpus = in.cpuset_cpus;
  cpu.mems = in.cpuset_mems;
  resources.cpu = std::move(cpu);
  resources.pids_limit = in.pids_limit;
  if (in.blkio_weight) {
    RETURN_IF_ERROR(
        SetNumber("--blkio-weight", in.blkio_weight, resources.block_io.emplace().weight));
  }
  return resources;
}

absl::Status SetSchemata(const Record& record, const UpdateFlags& in) {
  if (in.l3_cache_schema.empty() && in.memory_bandwidth_schema.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Spec spec, ParseSpec(record.config));
  if (!spec.linux_.intel_rdt.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat("container ", record.id, " was made without linux.intelRdt"));
  }
  IntelRdt rdt = {.clos_id = spec.linux_.intel_rdt->clos_id,
                  .l3_cache_schema = in.l3_cache_schema,
                  .mem_bw_schema = in.memory_bandwidth_schema};
  return runtime::UpdateIntelRdt(rdt, record.id);
}

}  // namespace

absl::StatusOr<int> RunUpdate(const Globals& globals, Arguments arguments) {
  UpdateFlags in;
  ASSIGN_OR_RETURN(const std::vector<std::string> operands,
                   ParseOperands(MakeFlags(in), arguments, 1));
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(const UniqueFd lock, store.Lock(operands[0]));
  ASSIGN_OR_RETURN(const Record record, LoadLive(store, operands[0]));
  ASSIGN_OR_RETURN(Resources resources, ReadResources(in));
  // The device rules of a running container stay: engines send the whole of linux.resources.
  resources.devices.clear();
  WarnOfKernelMemory(globals, resources);
  DropZeroLimits(resources, record.oci_version);
  ASSIGN_OR_RETURN(const cgroup::Resources limits, runtime::CgroupResources(resources));
  ASSIGN_OR_RETURN(cgroup::Cgroup group, OpenContainerCgroup(record));
  if (!record.systemd_unit.empty()) RETURN_IF_ERROR(UpdateScope(record.systemd_unit, limits));
  RETURN_IF_ERROR(group.Update(limits));
  RETURN_IF_ERROR(SetSchemata(record, in));
  return 0;
}

}  // namespace tiny::oci
