#include "runtime/spec/build_spec.h"

#include <sys/utsname.h>

#include <cstdio>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "oci/spec_validator.h"
#include "runtime/spec/seccomp_policy.h"
#include "runtime/spec/spec_devices.h"
#include "runtime/spec/spec_mounts.h"
#include "runtime/spec/spec_process.h"
#include "security/seccomp/profile_json.h"

namespace tiny::runtime {
namespace {

using state::ContainerConfig;

// Files that show or change what is not the container's. Source: the advisories behind Docker's,
// podman's and runc's lists, of which this is the union.
constexpr const char* kMaskedPaths[] = {
    "/proc/acpi",       "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
    "/proc/keys",       "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
    "/proc/timer_list", "/proc/timer_stats",   "/sys/firmware",     "/sys/devices/virtual/powercap",
    "/sys/fs/selinux",
};
constexpr const char* kReadonlyPaths[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

std::string NetworkMode(const ContainerConfig& config) {
  return config.networks.empty() ? "bridge" : config.networks.front().network;
}

void AddPaths(const SpecInputs& inputs, oci::Linux& out) {
  out.masked_paths.assign(std::begin(kMaskedPaths), std::end(kMaskedPaths));
  for (int cpu = 0; cpu < inputs.cpu_count; ++cpu) {
    out.masked_paths.push_back(
        absl::StrCat("/sys/devices/system/cpu/cpu", cpu, "/thermal_throttle"));
  }
  out.readonly_paths.assign(std::begin(kReadonlyPaths), std::end(kReadonlyPaths));
}

// "container:<id>" needs the path of that container's namespace; "host" adds nothing.
absl::Status AddNamespace(const std::string& mode, const char* type, const std::string& path,
                          std::vector<oci::Namespace>& namespaces) {
  if (mode == "host") return absl::OkStatus();
  if (absl::StartsWith(mode, "container:") && path.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(mode, ": no ", type, " namespace of that container is known"));
  }
  namespaces.push_back({type, path});
  return absl::OkStatus();
}

absl::Status AddNamespaces(const ContainerConfig& config, const SpecInputs& inputs,
                           oci::Linux& out) {
  out.namespaces.push_back({"mount", ""});
  RETURN_IF_ERROR(
      AddNamespace(NetworkMode(config), "network", inputs.network_namespace, out.namespaces));
  RETURN_IF_ERROR(AddNamespace(config.uts_mode, "uts", "", out.namespaces));
  RETURN_IF_ERROR(AddNamespace(config.pid_mode, "pid", inputs.pid_namespace, out.namespaces));
  RETURN_IF_ERROR(AddNamespace(config.ipc_mode, "ipc", inputs.ipc_namespace, out.namespaces));
  RETURN_IF_ERROR(AddNamespace(config.cgroupns_mode, "cgroup", "", out.namespaces));
  if (!inputs.uid_mappings.empty() && config.userns_mode != "host") {
    out.namespaces.push_back({"user", ""});
    out.uid_mappings = inputs.uid_mappings;
    out.gid_mappings = inputs.gid_mappings;
  }
  return absl::OkStatus();
}

// In a network namespace of its own every port and ICMP echo is the container's to use; that is
// why NET_BIND_SERVICE and NET_RAW can be dropped.
void AddSysctls(const ContainerConfig& config, const SpecInputs& inputs, oci::Linux& out) {
  const std::string mode = NetworkMode(config);
  if (mode != "host" && !absl::StartsWith(mode, "container:")) {
    out.sysctl["net.ipv4.ip_unprivileged_port_start"] = "0";
    if (inputs.gid_mappings.empty()) out.sysctl["net.ipv4.ping_group_range"] = "0 2147483647";
  }
  for (const auto& [key, value] : config.sysctls) out.sysctl[key] = value;
}

}  // namespace

bool UsesDefaultSeccomp(const ContainerConfig& config) {
  const std::string& profile = config.security.seccomp;
  return profile == "builtin" || (profile.empty() && !config.security.privileged);
}

absl::StatusOr<std::optional<oci::Seccomp>> BuildSeccomp(
    const ContainerConfig& config, security::CapabilitySet available_capabilities) {
  const std::string& profile = config.security.seccomp;
  if (profile.empty() || profile == "unconfined" || profile == "builtin") return std::nullopt;
  ASSIGN_OR_RETURN(const security::CapabilitySet capabilities,
                   ContainerCapabilities(config, available_capabilities));
  security::ProfileContext context = {.capabilities = capabilities};
  utsname kernel;
  uname(&kernel);
  sscanf(kernel.release, "%d.%d", &context.kernel_major, &context.kernel_minor);
  auto policy = security::ParseSeccompProfile(profile, context);
  if (!policy.ok()) return Annotate(policy.status(), "--security-opt seccomp");
  return SpecFromPolicy(*policy);
}

absl::StatusOr<oci::Spec> BuildSpec(const ContainerConfig& config, const SpecInputs& inputs) {
  oci::Spec spec;
  ASSIGN_OR_RETURN(spec.process,
                   BuildProcess(config, {.passwd = inputs.passwd,
                                         .group = inputs.group,
                                         .term = inputs.term,
                                         .available = inputs.available_capabilities}));
  spec.root = oci::Root{inputs.rootfs, config.read_only};
  if (config.uts_mode != "host") {
    spec.hostname = HostnameOf(config);
    spec.domainname = config.domainname;
  }
  ASSIGN_OR_RETURN(spec.mounts, BuildMounts(config, inputs));
  spec.annotations = config.annotations;

  oci::Linux& out = spec.linux_;
  RETURN_IF_ERROR(AddNamespaces(config, inputs, out));
  AddSysctls(config, inputs, out);
  ASSIGN_OR_RETURN(SpecDevices devices, BuildDevices(config, inputs));
  out.devices = std::move(devices.nodes);
  ASSIGN_OR_RETURN(out.resources, BuildResources(config.resources, inputs.host_devices));
  out.resources->devices = std::move(devices.rules);
  out.cgroups_path = inputs.cgroups_path;
  out.rootfs_propagation = RootfsPropagation(config);
  if (!config.security.privileged && !config.security.systempaths_unconfined) {
    AddPaths(inputs, out);
  }
  ASSIGN_OR_RETURN(out.seccomp, BuildSeccomp(config, inputs.available_capabilities));
  RETURN_IF_ERROR(oci::ValidateSpec(spec));
  return spec;
}

}  // namespace tiny::runtime
