// The members of ContainerConfig and ContainerState, listed once: what a writer, a reader and a
// test visit. Internal to state/.
//
// Each VisitFields(visitor, value, defaults) calls visitor(key, member, default) for every member.
// The structured binding that it begins with names all members, so that one which is added to a
// struct and not here is an error of the compiler.
#ifndef TINY_STATE_RECORD_FIELDS_H_
#define TINY_STATE_RECORD_FIELDS_H_

#include <concepts>
#include <type_traits>

#include "state/container_config.h"
#include "state/container_state.h"

namespace tiny::state {

// T or const T: a reader changes the value that it visits, a writer does not.
template <class T, class U>
concept MaybeConst = std::same_as<std::remove_const_t<T>, U>;

void VisitFields(auto& visit, MaybeConst<MountConfig> auto& value, const MountConfig& d) {
  auto& [type, source, destination, read_only, propagation, recursive, create_source, no_copy,
         tmpfs_options, volume_subpath] = value;
  visit("type", type, d.type);
  visit("source", source, d.source);
  visit("destination", destination, d.destination);
  visit("read_only", read_only, d.read_only);
  visit("propagation", propagation, d.propagation);
  visit("recursive", recursive, d.recursive);
  visit("create_source", create_source, d.create_source);
  visit("no_copy", no_copy, d.no_copy);
  visit("tmpfs_options", tmpfs_options, d.tmpfs_options);
  visit("volume_subpath", volume_subpath, d.volume_subpath);
}

void VisitFields(auto& visit, MaybeConst<PortMapping> auto& value, const PortMapping& d) {
  auto& [host_ip, host_port, host_port_end, container_port, protocol] = value;
  visit("host_ip", host_ip, d.host_ip);
  visit("host_port", host_port, d.host_port);
  visit("host_port_end", host_port_end, d.host_port_end);
  visit("container_port", container_port, d.container_port);
  visit("protocol", protocol, d.protocol);
}

void VisitFields(auto& visit, MaybeConst<NetworkAttachment> auto& value,
                 const NetworkAttachment& d) {
  auto& [network, aliases, ip, ip6, mac_address] = value;
  visit("network", network, d.network);
  visit("aliases", aliases, d.aliases);
  visit("ip", ip, d.ip);
  visit("ip6", ip6, d.ip6);
  visit("mac_address", mac_address, d.mac_address);
}

void VisitFields(auto& visit, MaybeConst<UlimitConfig> auto& value, const UlimitConfig& d) {
  auto& [name, soft, hard] = value;
  visit("name", name, d.name);
  visit("soft", soft, d.soft);
  visit("hard", hard, d.hard);
}

void VisitFields(auto& visit, MaybeConst<DeviceConfig> auto& value, const DeviceConfig& d) {
  auto& [path_on_host, path_in_container, permissions] = value;
  visit("path_on_host", path_on_host, d.path_on_host);
  visit("path_in_container", path_in_container, d.path_in_container);
  visit("permissions", permissions, d.permissions);
}

void VisitFields(auto& visit, MaybeConst<DeviceRate> auto& value, const DeviceRate& d) {
  auto& [path, rate] = value;
  visit("path", path, d.path);
  visit("rate", rate, d.rate);
}

void VisitFields(auto& visit, MaybeConst<ResourceConfig> auto& value, const ResourceConfig& d) {
  auto& [memory, memory_swap, memory_reservation, memory_swappiness, nano_cpus, cpu_shares,
         cpu_period, cpu_quota, cpuset_cpus, cpuset_mems, pids_limit, blkio_weight, device_read_bps,
         device_write_bps, device_read_iops, device_write_iops, device_cgroup_rules] = value;
  visit("memory", memory, d.memory);
  visit("memory_swap", memory_swap, d.memory_swap);
  visit("memory_reservation", memory_reservation, d.memory_reservation);
  visit("memory_swappiness", memory_swappiness, d.memory_swappiness);
  visit("nano_cpus", nano_cpus, d.nano_cpus);
  visit("cpu_shares", cpu_shares, d.cpu_shares);
  visit("cpu_period", cpu_period, d.cpu_period);
  visit("cpu_quota", cpu_quota, d.cpu_quota);
  visit("cpuset_cpus", cpuset_cpus, d.cpuset_cpus);
  visit("cpuset_mems", cpuset_mems, d.cpuset_mems);
  visit("pids_limit", pids_limit, d.pids_limit);
  visit("blkio_weight", blkio_weight, d.blkio_weight);
  visit("device_read_bps", device_read_bps, d.device_read_bps);
  visit("device_write_bps", device_write_bps, d.device_write_bps);
  visit("device_read_iops", device_read_iops, d.device_read_iops);
  visit("device_write_iops", device_write_iops, d.device_write_iops);
  visit("device_cgroup_rules", device_cgroup_rules, d.device_cgroup_rules);
}

void VisitFields(auto& visit, MaybeConst<RestartPolicy> auto& value, const RestartPolicy& d) {
  auto& [name, maximum_retry_count] = value;
  visit("name", name, d.name);
  visit("maximum_retry_count", maximum_retry_count, d.maximum_retry_count);
}

void VisitFields(auto& visit, MaybeConst<HealthConfig> auto& value, const HealthConfig& d) {
  auto& [test, interval, timeout, start_period, start_interval, retries] = value;
  visit("test", test, d.test);
  visit("interval", interval, d.interval);
  visit("timeout", timeout, d.timeout);
  visit("start_period", start_period, d.start_period);
  visit("start_interval", start_interval, d.start_interval);
  visit("retries", retries, d.retries);
}

void VisitFields(auto& visit, MaybeConst<LogConfig> auto& value, const LogConfig& d) {
  auto& [driver, options] = value;
  visit("driver", driver, d.driver);
  visit("options", options, d.options);
}

void VisitFields(auto& visit, MaybeConst<SecurityConfig> auto& value, const SecurityConfig& d) {
  auto& [cap_add, cap_drop, privileged, no_new_privileges, seccomp, systempaths_unconfined,
         apparmor] = value;
  visit("cap_add", cap_add, d.cap_add);
  visit("cap_drop", cap_drop, d.cap_drop);
  visit("privileged", privileged, d.privileged);
  visit("no_new_privileges", no_new_privileges, d.no_new_privileges);
  visit("seccomp", seccomp, d.seccomp);
  visit("systempaths_unconfined", systempaths_unconfined, d.systempaths_unconfined);
  visit("apparmor", apparmor, d.apparmor);
}

void VisitFields(auto& visit, MaybeConst<ContainerConfig> auto& value, const ContainerConfig& d) {
  auto& [id, name, created_at, image, rootfs, rootfs_overlay, entrypoint, command, env, working_dir,
         user, group_add, hostname, domainname, tty, open_stdin, attach_stdin, init, auto_remove,
         stop_signal, stop_timeout, labels, annotations, mounts, read_only, shm_size, devices,
         networks, ports, publish_all, exposed_ports, dns, dns_search, dns_options, extra_hosts,
         pid_mode, ipc_mode, uts_mode, cgroupns_mode, userns_mode, cgroup_parent, resources,
         ulimits, oom_score_adj, sysctls, security, restart_policy, health, log] = value;
  visit("id", id, d.id);
  visit("name", name, d.name);
  visit("created_at", created_at, d.created_at);
  visit("image", image, d.image);
  visit("rootfs", rootfs, d.rootfs);
  visit("rootfs_overlay", rootfs_overlay, d.rootfs_overlay);
  visit("entrypoint", entrypoint, d.entrypoint);
  visit("command", command, d.command);
  visit("env", env, d.env);
  visit("working_dir", working_dir, d.working_dir);
  visit("user", user, d.user);
  visit("group_add", group_add, d.group_add);
  visit("hostname", hostname, d.hostname);
  visit("domainname", domainname, d.domainname);
  visit("tty", tty, d.tty);
  visit("open_stdin", open_stdin, d.open_stdin);
  visit("attach_stdin", attach_stdin, d.attach_stdin);
  visit("init", init, d.init);
  visit("auto_remove", auto_remove, d.auto_remove);
  visit("stop_signal", stop_signal, d.stop_signal);
  visit("stop_timeout", stop_timeout, d.stop_timeout);
  visit("labels", labels, d.labels);
  visit("annotations", annotations, d.annotations);
  visit("mounts", mounts, d.mounts);
  visit("read_only", read_only, d.read_only);
  visit("shm_size", shm_size, d.shm_size);
  visit("devices", devices, d.devices);
  visit("networks", networks, d.networks);
  visit("ports", ports, d.ports);
  visit("publish_all", publish_all, d.publish_all);
  visit("exposed_ports", exposed_ports, d.exposed_ports);
  visit("dns", dns, d.dns);
  visit("dns_search", dns_search, d.dns_search);
  visit("dns_options", dns_options, d.dns_options);
  visit("extra_hosts", extra_hosts, d.extra_hosts);
  visit("pid_mode", pid_mode, d.pid_mode);
  visit("ipc_mode", ipc_mode, d.ipc_mode);
  visit("uts_mode", uts_mode, d.uts_mode);
  visit("cgroupns_mode", cgroupns_mode, d.cgroupns_mode);
  visit("userns_mode", userns_mode, d.userns_mode);
  visit("cgroup_parent", cgroup_parent, d.cgroup_parent);
  visit("resources", resources, d.resources);
  visit("ulimits", ulimits, d.ulimits);
  visit("oom_score_adj", oom_score_adj, d.oom_score_adj);
  visit("sysctls", sysctls, d.sysctls);
  visit("security", security, d.security);
  visit("restart_policy", restart_policy, d.restart_policy);
  visit("health", health, d.health);
  visit("log", log, d.log);
}

void VisitFields(auto& visit, MaybeConst<ProcessIdentity> auto& value, const ProcessIdentity& d) {
  auto& [pid, start_time, boot_id] = value;
  visit("pid", pid, d.pid);
  visit("start_time", start_time, d.start_time);
  visit("boot_id", boot_id, d.boot_id);
}

void VisitFields(auto& visit, MaybeConst<HealthProbe> auto& value, const HealthProbe& d) {
  auto& [start, end, exit_code, output] = value;
  visit("start", start, d.start);
  visit("end", end, d.end);
  visit("exit_code", exit_code, d.exit_code);
  visit("output", output, d.output);
}

void VisitFields(auto& visit, MaybeConst<HealthState> auto& value, const HealthState& d) {
  auto& [status, failing_streak, log] = value;
  visit("status", status, d.status);
  visit("failing_streak", failing_streak, d.failing_streak);
  visit("log", log, d.log);
}

void VisitFields(auto& visit, MaybeConst<NetworkEndpoint> auto& value, const NetworkEndpoint& d) {
  auto& [network, interface_name, ip, prefix_length, gateway, ip6, prefix_length6, gateway6,
         mac_address, host_interface, aliases, network_id] = value;
  visit("network", network, d.network);
  visit("interface_name", interface_name, d.interface_name);
  visit("ip", ip, d.ip);
  visit("prefix_length", prefix_length, d.prefix_length);
  visit("gateway", gateway, d.gateway);
  visit("ip6", ip6, d.ip6);
  visit("prefix_length6", prefix_length6, d.prefix_length6);
  visit("gateway6", gateway6, d.gateway6);
  visit("mac_address", mac_address, d.mac_address);
  visit("host_interface", host_interface, d.host_interface);
  visit("aliases", aliases, d.aliases);
  visit("network_id", network_id, d.network_id);
}

void VisitFields(auto& visit, MaybeConst<ContainerState> auto& value, const ContainerState& d) {
  auto& [status, init, supervisor, exit_code, oom_killed, manually_stopped, error, started_at,
         finished_at, restart_count, cgroup_path, endpoints, ports, volumes, health] = value;
  visit("status", status, d.status);
  visit("init", init, d.init);
  visit("supervisor", supervisor, d.supervisor);
  visit("exit_code", exit_code, d.exit_code);
  visit("oom_killed", oom_killed, d.oom_killed);
  visit("manually_stopped", manually_stopped, d.manually_stopped);
  visit("error", error, d.error);
  visit("started_at", started_at, d.started_at);
  visit("finished_at", finished_at, d.finished_at);
  visit("restart_count", restart_count, d.restart_count);
  visit("cgroup_path", cgroup_path, d.cgroup_path);
  visit("endpoints", endpoints, d.endpoints);
  visit("ports", ports, d.ports);
  visit("volumes", volumes, d.volumes);
  visit("health", health, d.health);
}

}  // namespace tiny::state

#endif  // TINY_STATE_RECORD_FIELDS_H_
