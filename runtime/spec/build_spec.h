// The OCI spec of a container that `tiny run` describes: Docker's defaults and the user's wishes.
//
//   SpecInputs inputs;
//   inputs.rootfs = merged_path;
//   inputs.passwd = ...;  // read through the rootfs
//   ASSIGN_OR_RETURN(oci::Spec spec, BuildSpec(config, inputs));
//
// Pure: all that comes from the machine is in SpecInputs. Thread-safe.
#ifndef TINY_RUNTIME_SPEC_BUILD_SPEC_H_
#define TINY_RUNTIME_SPEC_BUILD_SPEC_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "oci/spec.h"
#include "security/capabilities.h"
#include "state/container_config.h"

namespace tiny::runtime {

struct SpecInputs {
  std::string rootfs;  // root.path
  std::string passwd;  // the text of the rootfs's /etc/passwd, empty where it has none
  std::string group;   // the text of its /etc/group

  // Of config.mounts, index by index: the folder on the host of each volume and bind. Entries of
  // tmpfs mounts are not looked at.
  std::vector<std::string> mount_sources;

  // Files that tiny generates, mounted over those in /etc; empty: not mounted. An own mount of the
  // user on the same destination wins.
  std::string hosts_file;
  std::string hostname_file;
  std::string resolv_conf_file;

  std::string cgroups_path;  // linux.cgroupsPath

  // Namespaces to join, for network, --pid and --ipc container:<id>: "/proc/<pid>/ns/net".
  std::string network_namespace;
  std::string pid_namespace;
  std::string ipc_namespace;
  std::string shm_source;  // the /dev/shm of the container whose ipc namespace is joined

  // The devices of the host that config.devices and the device_*_bps lists name, by path.
  std::map<std::string, oci::Device> host_devices;
  // Every device of the host; used with --privileged only.
  std::vector<oci::Device> all_host_devices;

  // User namespace: both empty where the container runs without one.
  std::vector<oci::IdMapping> uid_mappings;
  std::vector<oci::IdMapping> gid_mappings;

  security::CapabilitySet available_capabilities = security::kAllCapabilities;
  int cpu_count = 0;  // for the masks of /sys/devices/system/cpu/cpuN/thermal_throttle
  // With a terminal: TERM of the container.
  std::string term = "xterm";
};

// kInvalidArgument and kNotFound name the flag that is at fault: "--user: ...", "--cap-add: ...".
// linux.seccomp is filled in for a custom profile only: for the default one see
// LaunchRequest::default_seccomp and UsesDefaultSeccomp.
absl::StatusOr<oci::Spec> BuildSpec(const state::ContainerConfig& config, const SpecInputs& inputs);

// The container's hostname: as asked for, else the short id.
std::string HostnameOf(const state::ContainerConfig& config);

// What LaunchRequest::default_seccomp shall be: neither privileged, unconfined, nor a profile of
// the user's own.
bool UsesDefaultSeccomp(const state::ContainerConfig& config);

// linux.seccomp of a profile of the user's own, whose conditions are held against the running
// kernel (uname(2)); nothing with the default one or none.
absl::StatusOr<std::optional<oci::Seccomp>> BuildSeccomp(
    const state::ContainerConfig& config, security::CapabilitySet available_capabilities);

// The process of `tiny exec`: the container's own with these changes. An empty user is the
// container's.
struct ExecInputs {
  std::vector<std::string> args;
  std::vector<std::string> env;  // added to the container's
  std::string user;
  std::string working_dir;
  bool tty = false;
  bool privileged = false;
  security::CapabilitySet available_capabilities = security::kAllCapabilities;
};
absl::StatusOr<oci::Process> BuildExecProcess(const state::ContainerConfig& config,
                                              const ExecInputs& exec, absl::string_view passwd,
                                              absl::string_view group);

// linux.resources of these limits, as `run` and `update` set them: swap is twice the memory where
// it is not given, nano_cpus becomes a quota. `host_devices` is as in SpecInputs.
absl::StatusOr<oci::Resources> BuildResources(
    const state::ResourceConfig& resources, const std::map<std::string, oci::Device>& host_devices);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SPEC_BUILD_SPEC_H_
