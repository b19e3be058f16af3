#include "runtime/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "fs/rooted_dir.h"
#include "runtime/container_process.h"
#include "runtime/files/container_files.h"
#include "runtime/host_devices.h"
#include "runtime/mount_sources.h"
#include "runtime/run_directory.h"
#include "runtime/spec/build_spec.h"

namespace tiny::runtime {
namespace {

constexpr size_t kMaxPasswd = size_t{1} << 20;

// A root without the file, or with something odd in its place, has no users by name. What can't be
// read for another reason is an error: the user would lose groups, which may be there to keep him
// from a file.
absl::StatusOr<std::string> ReadIn(const fs::RootedDir& root, absl::string_view path) {
  absl::StatusOr<std::string> text = root.ReadFile(path, kMaxPasswd);
  const int error = GetErrno(text.status()).value_or(0);
  if (absl::IsNotFound(text.status()) || absl::IsFailedPrecondition(text.status()) ||
      error == ELOOP || error == ENOTDIR) {
    return std::string();
  }
  return text;
}

absl::Status NotRunning(const std::string& name, absl::string_view kind) {
  return WithHint(
      absl::FailedPreconditionError(absl::StrCat("container ", name, " is not running: its ", kind,
                                                 " namespace can't be joined")),
      absl::StrCat("start it first: tiny start ", name));
}

// The running container that "container:<id>" names.
struct JoinedContainer {
  state::ContainerConfig config;
  pid_t pid = 0;
  UniqueFd pidfd;
};
absl::StatusOr<JoinedContainer> FindJoined(absl::string_view reference, absl::string_view kind,
                                           const state::StateStore& store) {
  ASSIGN_OR_RETURN(const state::ContainerId id, store.Find(reference));
  ASSIGN_OR_RETURN(state::ContainerRecord record, store.Read(id));
  absl::StatusOr<UniqueFd> pidfd = OpenContainerProcess(record.state);
  if (absl::IsUnavailable(pidfd.status())) return pidfd.status();
  if (!pidfd.ok()) return NotRunning(record.config.name, kind);
  return JoinedContainer{std::move(record.config), record.state.init.pid, *std::move(pidfd)};
}

// The namespace of the container that "container:<id>" names; empty for other modes.
absl::StatusOr<std::string> NamespaceOf(absl::string_view mode, absl::string_view kind,
                                        const state::StateStore& store) {
  if (!absl::ConsumePrefix(&mode, "container:")) return std::string();
  ASSIGN_OR_RETURN(const JoinedContainer joined, FindJoined(mode, kind, store));
  return absl::StrCat("/proc/", joined.pid, "/ns/", kind);
}

absl::StatusOr<std::string> NetworkNamespaceOf(const state::ContainerConfig& config,
                                               const PrepareOptions& options) {
  if (config.networks.empty()) return std::string();
  absl::string_view mode = config.networks[0].network;
  if (!absl::ConsumePrefix(&mode, "container:")) return std::string();
  ASSIGN_OR_RETURN(const JoinedContainer joined, FindJoined(mode, "net", *options.store));
  RETURN_IF_ERROR(MarkNetworkShared(options.engine.run_root, joined.config.id));
  // Only an end that is still to come is sure to see the mark.
  ASSIGN_OR_RETURN(const bool ended, WaitForExit(joined.pidfd.get(), absl::ZeroDuration()));
  if (ended) return NotRunning(joined.config.name, "net");
  return absl::StrCat("/proc/", joined.pid, "/ns/net");
}

// The /dev/shm that belongs to that namespace. Where the container made it, it may be a link.
absl::StatusOr<std::string> SharedMemoryOf(absl::string_view mode, const state::StateStore& store,
                                           std::vector<UniqueFd>& held) {
  if (!absl::ConsumePrefix(&mode, "container:")) return std::string();
  ASSIGN_OR_RETURN(const JoinedContainer joined, FindJoined(mode, "ipc", store));
  const std::string& name = joined.config.name;
  const std::string& shared = joined.config.ipc_mode;
  if (shared == "host") return std::string("/dev/shm");
  if (shared != "shareable" && !absl::StartsWith(shared, "container:")) {
    return WithHint(absl::FailedPreconditionError(absl::StrCat(
                        "--ipc: container ", name, " does not share its IPC namespace")),
                    absl::StrCat("Create ", name, " with --ipc shareable."));
  }
  ASSIGN_OR_RETURN(const fs::RootedDir root, OpenProcessRoot(joined.pid, joined.pidfd.get()));
  absl::StatusOr<UniqueFd> shm = root.OpenIn("/dev/shm", O_PATH | O_DIRECTORY);
  if (!shm.ok()) {
    return Annotate(shm.status(), absl::StrCat("--ipc: share memory with ", name));
  }
  ASSIGN_OR_RETURN(UniqueFd mounts, CloneMounts(joined.pidfd.get(), *std::move(shm)));
  return HeldPath(std::move(mounts), held);
}

// The id of the container whose network and files in /etc are the configuration's: mostly its own.
std::string NetworkOwner(const state::ContainerConfig& config, const state::StateStore& store) {
  std::string owner = config.id;
  std::vector<state::NetworkAttachment> networks = config.networks;
  while (!networks.empty()) {
    absl::string_view mode = networks[0].network;
    if (!absl::ConsumePrefix(&mode, "container:")) break;
    const absl::StatusOr<state::ContainerId> id = store.Find(mode);
    if (!id.ok()) break;
    absl::StatusOr<state::ContainerRecord> record = store.Read(*id);
    if (!record.ok()) break;
    owner = record->config.id;
    networks = std::move(record->config.networks);
  }
  return owner;
}

absl::Status WriteEtcFile(int directory, const char* name, absl::string_view text) {
  ASSIGN_OR_RETURN(const UniqueFd fd,
                   OpenFileAt(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644));
  return text.empty() ? absl::OkStatus() : WriteAll(fd.get(), text, name);
}

absl::StatusOr<SpecInputs> GatherInputs(const state::ContainerConfig& config,
                                        const PrepareOptions& options, state::ContainerState* state,
                                        std::vector<UniqueFd>& held) {
  SpecInputs inputs;
  inputs.rootfs = config.rootfs;
  absl::StatusOr<fs::RootedDir> root = fs::RootedDir::Open(config.rootfs);
  if (!root.ok()) return Annotate(root.status(), "--rootfs");
  ASSIGN_OR_RETURN(inputs.passwd, ReadIn(*root, "/etc/passwd"));
  ASSIGN_OR_RETURN(inputs.group, ReadIn(*root, "/etc/group"));
  ASSIGN_OR_RETURN(inputs.mount_sources,
                   MountSources(config, options.engine, Absent::kMake, state, held));
  const std::string directory =
      absl::StrCat(options.engine.root, "/containers/", NetworkOwner(config, *options.store));
  inputs.hosts_file = absl::StrCat(directory, "/hosts");
  inputs.hostname_file = absl::StrCat(directory, "/hostname");
  inputs.resolv_conf_file = absl::StrCat(directory, "/resolv.conf");
  inputs.cgroups_path = state->cgroup_path;
  ASSIGN_OR_RETURN(inputs.network_namespace, NetworkNamespaceOf(config, options));
  ASSIGN_OR_RETURN(inputs.pid_namespace, NamespaceOf(config.pid_mode, "pid", *options.store));
  ASSIGN_OR_RETURN(inputs.ipc_namespace, NamespaceOf(config.ipc_mode, "ipc", *options.store));
  ASSIGN_OR_RETURN(inputs.shm_source, SharedMemoryOf(config.ipc_mode, *options.store, held));
  inputs.host_devices = NamedHostDevices(config);
  if (config.security.privileged) inputs.all_host_devices = AllHostDevices();
  inputs.available_capabilities = security::AvailableCapabilities();
  if (PathExists("/sys/devices/system/cpu/cpu0/thermal_throttle")) {
    inputs.cpu_count = static_cast<int>(sysconf(_SC_NPROCESSORS_CONF));
  }
  if (!options.term.empty()) inputs.term = options.term;
  return inputs;
}

}  // namespace

std::string CgroupPathOf(const state::ContainerConfig& config) {
  if (config.cgroup_parent.empty()) return absl::StrCat("/tiny/", config.id);
  const bool absolute = absl::StartsWith(config.cgroup_parent, "/");
  return absl::StrCat(absolute ? "" : "/", absl::StripSuffix(config.cgroup_parent, "/"), "/",
                      config.id);
}

absl::StatusOr<std::unique_ptr<PreparedLaunch>> PrepareLaunch(const state::ContainerConfig& config,
                                                              const PrepareOptions& options,
                                                              state::ContainerState* state) {
  if (config.rootfs.empty()) {
    return absl::UnimplementedError("a container needs --rootfs: images are not supported yet");
  }
  state->cgroup_path = CgroupPathOf(config);
  auto prepared = std::make_unique<PreparedLaunch>();
  ASSIGN_OR_RETURN(const SpecInputs inputs, GatherInputs(config, options, state, prepared->held));
  ASSIGN_OR_RETURN(prepared->spec, BuildSpec(config, inputs));
  oci::Spec& spec = prepared->spec;
  LaunchRequest& request = prepared->request;
  request.spec = &spec;
  request.id = config.id;
  request.bundle = absl::StrCat(options.engine.root, "/containers/", config.id);
  request.cgroup_path = state->cgroup_path;
  request.default_seccomp = UsesDefaultSeccomp(config);
  request.init_reaper = config.init;
  if (config.rootfs_overlay) {
    OverlayRoot overlay;
    overlay.lower_dirs = {config.rootfs};
    request.overlay.push_back(std::move(overlay));
  }
  return prepared;
}

absl::Status CheckStart(const state::ContainerConfig& config) {
  state::ContainerConfig known = config;
  const auto is_name = [](const std::string& id) {
    return std::any_of(id.begin(), id.end(), absl::ascii_isalpha);
  };
  if (is_name(known.user)) known.user.clear();
  std::erase_if(known.group_add, is_name);
  SpecInputs inputs;
  inputs.rootfs = config.rootfs;
  // What is found, made or joined at the start.
  inputs.mount_sources.assign(config.mounts.size(), "/");
  inputs.network_namespace = inputs.pid_namespace = inputs.ipc_namespace = "/proc/self/ns";
  inputs.shm_source = "/dev/shm";
  inputs.host_devices = NamedHostDevices(config);
  inputs.available_capabilities = security::AvailableCapabilities();
  return BuildSpec(known, inputs).status();
}

absl::StatusOr<std::unique_ptr<PreparedExec>> PrepareExec(const state::ContainerConfig& config,
                                                          const state::ContainerState& state,
                                                          const ExecOptions& exec, int pidfd) {
  ASSIGN_OR_RETURN(const fs::RootedDir root, OpenProcessRoot(state.init.pid, pidfd));
  ASSIGN_OR_RETURN(const std::string passwd, ReadIn(root, "/etc/passwd"));
  ASSIGN_OR_RETURN(const std::string group, ReadIn(root, "/etc/group"));
  const security::CapabilitySet available = security::AvailableCapabilities();
  ExecInputs inputs;
  inputs.args = exec.command;
  inputs.env = exec.env;
  inputs.user = exec.user;
  inputs.working_dir = exec.working_dir;
  inputs.tty = exec.tty;
  inputs.privileged = exec.privileged;
  inputs.available_capabilities = available;
  auto prepared = std::make_unique<PreparedExec>();
  ASSIGN_OR_RETURN(prepared->process, BuildExecProcess(config, inputs, passwd, group));
  if (!prepared->process.oom_score_adj.has_value()) {
    prepared->process.oom_score_adj = config.oom_score_adj;
  }
  ExecRequest& request = prepared->request;
  request.id = config.id;
  request.container_pid = state.init.pid;
  request.container_pidfd = pidfd;
  request.process = &prepared->process;
  // The container's own policy holds for every process in it, --privileged or not.
  ASSIGN_OR_RETURN(prepared->spec.linux_.seccomp, BuildSeccomp(config, available));
  request.spec = &prepared->spec;
  request.default_seccomp = UsesDefaultSeccomp(config);
  request.cgroup_path = state.cgroup_path;
  request.starts = !exec.tty;
  return prepared;
}

absl::Status MakeEtcFiles(int directory, const state::ContainerConfig& config) {
  RETURN_IF_ERROR(WriteEtcFile(directory, "hosts", ""));
  RETURN_IF_ERROR(WriteEtcFile(directory, "resolv.conf", ""));
  return WriteEtcFile(directory, "hostname", absl::StrCat(HostnameOf(config), "\n"));
}

absl::Status WriteEtcFiles(int directory, absl::string_view hosts, absl::string_view resolv_conf) {
  RETURN_IF_ERROR(WriteEtcFile(directory, "hosts", hosts));
  return WriteEtcFile(directory, "resolv.conf", resolv_conf);
}

}  // namespace tiny::runtime
