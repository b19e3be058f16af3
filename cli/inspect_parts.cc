#include "cli/inspect_parts.h"

#include <signal.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/units.h"
#include "runtime/network/network.h"

namespace tiny::cli {
namespace {

int64_t Nanoseconds(absl::Duration duration) { return absl::ToInt64Nanoseconds(duration); }

Value EmptySet(const std::vector<std::string>& keys) {
  Value value = Value::Dictionary();
  for (const std::string& key : keys) value.Set(key, Value::Object());
  return value;
}

Value RatesValue(const std::vector<state::DeviceRate>& rates) {
  Value list = Value(Value::List());
  for (const state::DeviceRate& rate : rates) {
    list.Append(Value::Object({{"Path", rate.path}, {"Rate", rate.rate}}));
  }
  return list;
}

Value UlimitsValue(const std::vector<state::UlimitConfig>& ulimits) {
  Value list = Value(Value::List());
  for (const state::UlimitConfig& each : ulimits) {
    list.Append(Value::Object({{"Name", each.name}, {"Hard", each.hard}, {"Soft", each.soft}}));
  }
  return list;
}

Value DevicesValue(const std::vector<state::DeviceConfig>& devices) {
  Value list = Value(Value::List());
  for (const state::DeviceConfig& each : devices) {
    list.Append(Value::Object({{"PathOnHost", each.path_on_host},
                               {"PathInContainer", each.path_in_container},
                               {"CgroupPermissions", each.permissions}}));
  }
  return list;
}

Value BindsValue(const state::ContainerConfig& config) {
  Value list = Value(Value::List());
  for (const state::MountConfig& mount : config.mounts) {
    if (mount.type == state::MountConfig::Type::kTmpfs) continue;
    list.Append(absl::StrCat(mount.source, mount.source.empty() ? "" : ":", mount.destination,
                             mount.read_only ? ":ro" : ""));
  }
  return list;
}

Value TmpfsValue(const state::ContainerConfig& config) {
  Value value = Value::Dictionary();
  for (const state::MountConfig& mount : config.mounts) {
    if (mount.type != state::MountConfig::Type::kTmpfs) continue;
    value.Set(mount.destination, mount.tmpfs_options);
  }
  return value;
}

std::vector<std::string> SecurityOptions(const state::SecurityConfig& security) {
  std::vector<std::string> options;
  if (security.no_new_privileges) options.push_back("no-new-privileges");
  if (security.seccomp == "unconfined") {
    options.push_back("seccomp=unconfined");
  } else if (!security.seccomp.empty()) {
    options.push_back("seccomp=custom");
  }
  if (!security.apparmor.empty()) options.push_back("apparmor=" + security.apparmor);
  if (security.systempaths_unconfined) options.push_back("systempaths=unconfined");
  return options;
}

void AddResources(const state::ResourceConfig& limits, Value* value) {
  value->Set("CpuShares", limits.cpu_shares);
  value->Set("Memory", limits.memory);
  value->Set("NanoCpus", limits.nano_cpus);
  value->Set("BlkioWeight", int64_t{limits.blkio_weight});
  value->Set("BlkioDeviceReadBps", RatesValue(limits.device_read_bps));
  value->Set("BlkioDeviceWriteBps", RatesValue(limits.device_write_bps));
  value->Set("BlkioDeviceReadIOps", RatesValue(limits.device_read_iops));
  value->Set("BlkioDeviceWriteIOps", RatesValue(limits.device_write_iops));
  value->Set("CpuPeriod", limits.cpu_period);
  value->Set("CpuQuota", limits.cpu_quota);
  value->Set("CpusetCpus", limits.cpuset_cpus);
  value->Set("CpusetMems", limits.cpuset_mems);
  value->Set("DeviceCgroupRules", Value(limits.device_cgroup_rules));
  value->Set("MemoryReservation", limits.memory_reservation);
  value->Set("MemorySwap", limits.memory_swap);
  value->Set("MemorySwappiness",
             limits.memory_swappiness.has_value() ? Value(*limits.memory_swappiness) : Value());
  value->Set("PidsLimit", limits.pids_limit);
}

Value HealthcheckValue(const state::HealthConfig& health) {
  return Value::Object({{"Test", Value(health.test)},
                        {"Interval", Nanoseconds(health.interval)},
                        {"Timeout", Nanoseconds(health.timeout)},
                        {"StartPeriod", Nanoseconds(health.start_period)},
                        {"StartInterval", Nanoseconds(health.start_interval)},
                        {"Retries", health.retries}});
}

Value EndpointValue(const state::NetworkEndpoint& endpoint) {
  return Value::Object({{"Aliases", Value(endpoint.aliases)},
                        {"NetworkID", endpoint.network_id},
                        {"Gateway", endpoint.gateway},
                        {"IPAddress", endpoint.ip},
                        {"IPPrefixLen", endpoint.prefix_length},
                        {"IPv6Gateway", endpoint.gateway6},
                        {"GlobalIPv6Address", endpoint.ip6},
                        {"GlobalIPv6PrefixLen", endpoint.prefix_length6},
                        {"MacAddress", endpoint.mac_address},
                        {"InterfaceName", endpoint.interface_name},
                        {"HostInterfaceName", endpoint.host_interface}});
}

}  // namespace

Value PortBindings(const std::vector<state::PortMapping>& ports, absl::string_view all_addresses) {
  std::map<std::string, Value> bindings;
  for (const state::PortMapping& port : ports) {
    bindings[absl::StrCat(port.container_port, "/", port.protocol)].Append(
        Value::Object({{"HostIp", port.host_ip.empty() ? all_addresses : port.host_ip},
                       {"HostPort", port.host_port == 0 ? "" : absl::StrCat(port.host_port)}}));
  }
  Value value = Value::Dictionary();
  for (auto& [key, list] : bindings) value.Set(key, std::move(list));
  return value;
}

Value ConfigValue(const state::ContainerConfig& config) {
  Value value = Value::Object({
      {"Hostname", config.hostname.empty() ? config.id.substr(0, 12) : config.hostname},
      {"Domainname", config.domainname},
      {"User", config.user},
      {"AttachStdin", config.attach_stdin},
      {"Tty", config.tty},
      {"OpenStdin", config.open_stdin},
      {"StdinOnce", config.attach_stdin},
      {"ExposedPorts", EmptySet(config.exposed_ports)},
      {"Env", Value(config.env)},
      {"Cmd", Value(config.command)},
      {"Image", config.image},
      {"WorkingDir", config.working_dir},
      {"Entrypoint", config.entrypoint.empty() ? Value() : Value(config.entrypoint)},
      {"Labels", Value::Dictionary(config.labels)},
      {"StopSignal", config.stop_signal.empty() ? SignalName(SIGTERM) : config.stop_signal},
  });
  // Docker's templates may ask for what there is none of.
  value.Set("StopTimeout", config.stop_timeout.has_value() ? Value(*config.stop_timeout) : Value());
  value.Set("Healthcheck", config.health.test.empty() ? Value() : HealthcheckValue(config.health));
  for (const char* none : {"Volumes", "OnBuild", "Shell"}) value.Set(none, Value());
  return value;
}

Value HostConfigValue(const state::ContainerConfig& config) {
  Value value = Value::Object({
      {"Binds", BindsValue(config)},
      {"Tmpfs", TmpfsValue(config)},
      {"LogConfig", Value::Object({{"Type", config.log.driver},
                                   {"Config", Value::Dictionary(config.log.options)}})},
      {"NetworkMode", config.networks.empty() ? "bridge" : config.networks[0].network},
      {"PortBindings", PortBindings(config.ports, "")},
      {"RestartPolicy",
       Value::Object({{"Name", config.restart_policy.name},
                      {"MaximumRetryCount", config.restart_policy.maximum_retry_count}})},
      {"AutoRemove", config.auto_remove},
      {"CapAdd", Value(config.security.cap_add)},
      {"CapDrop", Value(config.security.cap_drop)},
      {"CgroupnsMode", config.cgroupns_mode.empty() ? "private" : config.cgroupns_mode},
      {"Dns", Value(config.dns)},
      {"DnsOptions", Value(config.dns_options)},
      {"DnsSearch", Value(config.dns_search)},
      {"ExtraHosts", Value(config.extra_hosts)},
      {"GroupAdd", Value(config.group_add)},
      {"IpcMode", config.ipc_mode.empty() ? "private" : config.ipc_mode},
      {"OomScoreAdj", config.oom_score_adj.value_or(0)},
      {"PidMode", config.pid_mode},
      {"Privileged", config.security.privileged},
      {"PublishAllPorts", config.publish_all},
      {"ReadonlyRootfs", config.read_only},
      {"SecurityOpt", Value(SecurityOptions(config.security))},
      {"UTSMode", config.uts_mode},
      {"UsernsMode", config.userns_mode},
      {"ShmSize", config.shm_size},
      {"Sysctls", Value::Dictionary(config.sysctls)},
      {"Runtime", "tiny"},
      {"Annotations", Value::Dictionary(config.annotations)},
      {"CgroupParent", config.cgroup_parent},
      {"Devices", DevicesValue(config.devices)},
      {"Ulimits", UlimitsValue(config.ulimits)},
      {"Init", config.init},
      {"Rootfs", config.rootfs},
      {"ContainerIDFile", ""},
      {"OomKillDisable", false},
  });
  for (const char* none : {"VolumesFrom", "Links", "Mounts"}) value.Set(none, Value());
  AddResources(config.resources, &value);
  return value;
}

Value NetworkSettingsValue(const runtime::Container& container) {
  const std::vector<state::NetworkEndpoint>& endpoints = container.state.endpoints;
  Value networks = Value::Dictionary();
  for (const state::NetworkEndpoint& endpoint : endpoints) {
    networks.Set(endpoint.network, EndpointValue(endpoint));
  }
  if (endpoints.empty()) {
    for (const state::NetworkAttachment& wanted : container.config.networks) {
      if (wanted.network != runtime::kLeftAll) networks.Set(wanted.network, EndpointValue({}));
    }
  }
  const state::NetworkEndpoint first = endpoints.empty() ? state::NetworkEndpoint() : endpoints[0];
  const int64_t pid = container.state.init.pid;
  return Value::Object({{"SandboxKey", pid == 0 ? "" : absl::StrCat("/proc/", pid, "/ns/net")},
                        {"Ports", PortBindings(container.state.ports, "0.0.0.0")},
                        {"Gateway", first.gateway},
                        {"GlobalIPv6Address", first.ip6},
                        {"GlobalIPv6PrefixLen", first.prefix_length6},
                        {"IPAddress", first.ip},
                        {"IPPrefixLen", first.prefix_length},
                        {"IPv6Gateway", first.gateway6},
                        {"MacAddress", first.mac_address},
                        {"Networks", networks}});
}

}  // namespace tiny::cli
