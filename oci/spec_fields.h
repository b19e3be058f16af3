// Which JSON key each field of the spec has, once for both directions: the parser and the
// serializer are visitors of these functions.
//
// A visitor is called as visit("key", field), and as visit.Inner("outer", "key", field) where the
// JSON has an object with a single member for what is a plain field here.
#ifndef TINY_OCI_SPEC_FIELDS_H_
#define TINY_OCI_SPEC_FIELDS_H_

#include <concepts>
#include <type_traits>

#include "oci/spec.h"

namespace tiny::oci {

// T or const T.
template <typename Actual, typename T>
concept Is = std::same_as<std::remove_const_t<Actual>, T>;

void Fields(auto& visit, Is<Root> auto& root) {
  visit("path", root.path);
  visit("readonly", root.readonly);
}

void Fields(auto& visit, Is<IdMapping> auto& mapping) {
  visit("containerID", mapping.container_id);
  visit("hostID", mapping.host_id);
  visit("size", mapping.size);
}

void Fields(auto& visit, Is<Mount> auto& mount) {
  visit("destination", mount.destination);
  visit("type", mount.type);
  visit("source", mount.source);
  visit("options", mount.options);
  visit("uidMappings", mount.uid_mappings);
  visit("gidMappings", mount.gid_mappings);
}

void Fields(auto& visit, Is<User> auto& user) {
  visit("uid", user.uid);
  visit("gid", user.gid);
  visit("umask", user.umask);
  visit("additionalGids", user.additional_gids);
}

void Fields(auto& visit, Is<Rlimit> auto& rlimit) {
  visit("type", rlimit.type);
  visit("soft", rlimit.soft);
  visit("hard", rlimit.hard);
}

void Fields(auto& visit, Is<Capabilities> auto& capabilities) {
  visit("bounding", capabilities.bounding);
  visit("effective", capabilities.effective);
  visit("inheritable", capabilities.inheritable);
  visit("permitted", capabilities.permitted);
  visit("ambient", capabilities.ambient);
}

void Fields(auto& visit, Is<ConsoleSize> auto& size) {
  visit("height", size.height);
  visit("width", size.width);
}

void Fields(auto& visit, Is<Scheduler> auto& scheduler) {
  visit("policy", scheduler.policy);
  visit("nice", scheduler.nice);
  visit("priority", scheduler.priority);
  visit("flags", scheduler.flags);
  visit("runtime", scheduler.runtime);
  visit("deadline", scheduler.deadline);
  visit("period", scheduler.period);
}

void Fields(auto& visit, Is<IoPriority> auto& priority) {
  visit("class", priority.class_name);
  visit("priority", priority.priority);
}

void Fields(auto& visit, Is<CpuAffinity> auto& affinity) {
  visit("initial", affinity.initial);
  visit("final", affinity.final_affinity);
}

void Fields(auto& visit, Is<Process> auto& process) {
  visit("terminal", process.terminal);
  visit("consoleSize", process.console_size);
  visit("user", process.user);
  visit("args", process.args);
  visit("env", process.env);
  visit("cwd", process.cwd);
  visit("capabilities", process.capabilities);
  visit("rlimits", process.rlimits);
  visit("noNewPrivileges", process.no_new_privileges);
  visit("apparmorProfile", process.apparmor_profile);
  visit("oomScoreAdj", process.oom_score_adj);
  visit("selinuxLabel", process.selinux_label);
  visit("scheduler", process.scheduler);
  visit("ioPriority", process.io_priority);
  visit("execCPUAffinity", process.exec_cpu_affinity);
}

void Fields(auto& visit, Is<Hook> auto& hook) {
  visit("path", hook.path);
  visit("args", hook.args);
  visit("env", hook.env);
  visit("timeout", hook.timeout);
}

void Fields(auto& visit, Is<Hooks> auto& hooks) {
  visit("prestart", hooks.prestart);
  visit("createRuntime", hooks.create_runtime);
  visit("createContainer", hooks.create_container);
  visit("startContainer", hooks.start_container);
  visit("poststart", hooks.poststart);
  visit("poststop", hooks.poststop);
}

void Fields(auto& visit, Is<Namespace> auto& ns) {
  visit("type", ns.type);
  visit("path", ns.path);
}

void Fields(auto& visit, Is<Device> auto& device) {
  visit("type", device.type);
  visit("path", device.path);
  visit("major", device.major);
  visit("minor", device.minor);
  visit("fileMode", device.file_mode);
  visit("uid", device.uid);
  visit("gid", device.gid);
}

void Fields(auto& visit, Is<DeviceRule> auto& rule) {
  visit("allow", rule.allow);
  visit("type", rule.type);
  visit("major", rule.major);
  visit("minor", rule.minor);
  visit("access", rule.access);
}

void Fields(auto& visit, Is<MemoryResources> auto& memory) {
  visit("limit", memory.limit);
  visit("reservation", memory.reservation);
  visit("swap", memory.swap);
  visit("kernel", memory.kernel);
  visit("kernelTCP", memory.kernel_tcp);
  visit("swappiness", memory.swappiness);
  visit("disableOOMKiller", memory.disable_oom_killer);
  visit("useHierarchy", memory.use_hierarchy);
  visit("checkBeforeUpdate", memory.check_before_update);
}

void Fields(auto& visit, Is<CpuResources> auto& cpu) {
  visit("shares", cpu.shares);
  visit("quota", cpu.quota);
  visit("burst", cpu.burst);
  visit("period", cpu.period);
  visit("realtimeRuntime", cpu.realtime_runtime);
  visit("realtimePeriod", cpu.realtime_period);
  visit("cpus", cpu.cpus);
  visit("mems", cpu.mems);
  visit("idle", cpu.idle);
}

void Fields(auto& visit, Is<WeightDevice> auto& device) {
  visit("major", device.major);
  visit("minor", device.minor);
  visit("weight", device.weight);
  visit("leafWeight", device.leaf_weight);
}

void Fields(auto& visit, Is<ThrottleDevice> auto& device) {
  visit("major", device.major);
  visit("minor", device.minor);
  visit("rate", device.rate);
}

void Fields(auto& visit, Is<BlockIoResources> auto& io) {
  visit("weight", io.weight);
  visit("leafWeight", io.leaf_weight);
  visit("weightDevice", io.weight_device);
  visit("throttleReadBpsDevice", io.throttle_read_bps_device);
  visit("throttleWriteBpsDevice", io.throttle_write_bps_device);
  visit("throttleReadIOPSDevice", io.throttle_read_iops_device);
  visit("throttleWriteIOPSDevice", io.throttle_write_iops_device);
}

void Fields(auto& visit, Is<HugepageLimit> auto& limit) {
  visit("pageSize", limit.page_size);
  visit("limit", limit.limit);
}

void Fields(auto& visit, Is<InterfacePriority> auto& priority) {
  visit("name", priority.name);
  visit("priority", priority.priority);
}

void Fields(auto& visit, Is<NetworkResources> auto& network) {
  visit("classID", network.class_id);
  visit("priorities", network.priorities);
}

void Fields(auto& visit, Is<RdmaLimit> auto& limit) {
  visit("hcaHandles", limit.hca_handles);
  visit("hcaObjects", limit.hca_objects);
}

void Fields(auto& visit, Is<Resources> auto& resources) {
  visit("devices", resources.devices);
  visit("memory", resources.memory);
  visit("cpu", resources.cpu);
  visit.Inner("pids", "limit", resources.pids_limit);
  visit("blockIO", resources.block_io);
  visit("hugepageLimits", resources.hugepage_limits);
  visit("network", resources.network);
  visit("rdma", resources.rdma);
  visit("unified", resources.unified);
}

void Fields(auto& visit, Is<SeccompArg> auto& arg) {
  visit("index", arg.index);
  visit("value", arg.value);
  visit("valueTwo", arg.value_two);
  visit("op", arg.op);
}

void Fields(auto& visit, Is<SeccompRule> auto& rule) {
  visit("names", rule.names);
  visit("action", rule.action);
  visit("errnoRet", rule.errno_ret);
  visit("args", rule.args);
}

void Fields(auto& visit, Is<Seccomp> auto& seccomp) {
  visit("defaultAction", seccomp.default_action);
  visit("defaultErrnoRet", seccomp.default_errno_ret);
  visit("architectures", seccomp.architectures);
  visit("flags", seccomp.flags);
  visit("listenerPath", seccomp.listener_path);
  visit("listenerMetadata", seccomp.listener_metadata);
  visit("syscalls", seccomp.syscalls);
}

void Fields(auto& visit, Is<TimeOffset> auto& offset) {
  visit("secs", offset.secs);
  visit("nanosecs", offset.nanosecs);
}

void Fields(auto& visit, Is<Personality> auto& personality) { visit("domain", personality.domain); }

void Fields(auto& visit, Is<IntelRdt> auto& rdt) {
  visit("closID", rdt.clos_id);
  visit("l3CacheSchema", rdt.l3_cache_schema);
  visit("memBwSchema", rdt.mem_bw_schema);
  visit("schemata", rdt.schemata);
  visit("enableMonitoring", rdt.enable_monitoring);
}

void Fields(auto& visit, Is<MemoryPolicy> auto& policy) {
  visit("mode", policy.mode);
  visit("nodes", policy.nodes);
  visit("flags", policy.flags);
}

void Fields(auto& visit, Is<NetDevice> auto& device) { visit("name", device.name); }

void Fields(auto& visit, Is<Linux> auto& config) {
  visit("uidMappings", config.uid_mappings);
  visit("gidMappings", config.gid_mappings);
  visit("sysctl", config.sysctl);
  visit("resources", config.resources);
  visit("cgroupsPath", config.cgroups_path);
  visit("namespaces", config.namespaces);
  visit("devices", config.devices);
  visit("netDevices", config.net_devices);
  visit("seccomp", config.seccomp);
  visit("rootfsPropagation", config.rootfs_propagation);
  visit("maskedPaths", config.masked_paths);
  visit("readonlyPaths", config.readonly_paths);
  visit("mountLabel", config.mount_label);
  visit("intelRdt", config.intel_rdt);
  visit("memoryPolicy", config.memory_policy);
  visit("personality", config.personality);
  visit("timeOffsets", config.time_offsets);
}

void Fields(auto& visit, Is<Spec> auto& spec) {
  visit("ociVersion", spec.oci_version);
  visit("process", spec.process);
  visit("root", spec.root);
  visit("hostname", spec.hostname);
  visit("domainname", spec.domainname);
  visit("mounts", spec.mounts);
  visit("hooks", spec.hooks);
  visit("annotations", spec.annotations);
  visit("linux", spec.linux_);
}

}  // namespace tiny::oci

#endif  // TINY_OCI_SPEC_FIELDS_H_
