#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "logs/log_options.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"
#include "runtime/network/network_manager.h"
#include "runtime/prepare.h"
#include "runtime/spec/build_spec.h"

namespace tiny::runtime {
namespace {

absl::Status CheckRootfs(const state::ContainerConfig& config) {
  if (config.rootfs.empty()) {
    return WithHint(absl::UnimplementedError("images are not supported yet"),
                    "give a folder: tiny run --rootfs DIR, or --rootfs /:O for the host's own");
  }
  if (!absl::StartsWith(config.rootfs, "/")) {
    return absl::InvalidArgumentError(absl::StrCat("--rootfs ", config.rootfs, ": not absolute"));
  }
  struct stat info;
  if (stat(config.rootfs.c_str(), &info) != 0) {
    return PosixStatus(errno, absl::StrCat("--rootfs ", config.rootfs));
  }
  if (!S_ISDIR(info.st_mode)) {
    return PosixStatus(ENOTDIR, absl::StrCat("--rootfs ", config.rootfs));
  }
  return absl::OkStatus();
}

absl::Status CheckRestartPolicy(const state::ContainerConfig& config) {
  const state::RestartPolicy& policy = config.restart_policy;
  if (policy.name != "no" && policy.name != "on-failure" && policy.name != "always" &&
      policy.name != "unless-stopped") {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid restart policy \"", policy.name,
                     "\": want no, on-failure[:N], always or unless-stopped"));
  }
  if (policy.maximum_retry_count != 0 && policy.name != "on-failure") {
    return absl::InvalidArgumentError(
        absl::StrCat("restart policy \"", policy.name, "\" takes no retry count"));
  }
  if (config.auto_remove && policy.name != "no") {
    return absl::InvalidArgumentError("conflicting options: --rm and --restart");
  }
  return absl::OkStatus();
}

absl::Status CheckMounts(const state::ContainerConfig& config) {
  for (const state::MountConfig& mount : config.mounts) {
    if (mount.type != state::MountConfig::Type::kBind || mount.create_source) continue;
    struct stat info;
    if (stat(mount.source.c_str(), &info) != 0) {
      return PosixStatus(errno, absl::StrCat("bind source ", mount.source));
    }
  }
  return absl::OkStatus();
}

// Most containers say nothing about networks, and then there is nothing to check.
bool HasNetworkToCheck(const state::ContainerConfig& config) {
  if (!config.ports.empty() || config.networks.size() > 1) return true;
  if (config.networks.empty()) return false;
  const std::string& only = config.networks[0].network;
  return only != "none" && only != "host";
}

// Who shares a network has its owner's name, too.
void ShareHostname(const state::StateStore& store, state::ContainerConfig& config) {
  if (config.networks.empty() || !config.hostname.empty()) return;
  absl::string_view network = config.networks[0].network;
  if (network == "host") {
    utsname host = {};
    uname(&host);
    config.hostname = host.nodename;
  } else if (absl::ConsumePrefix(&network, "container:")) {
    const absl::StatusOr<state::ContainerId> id = store.Find(network);
    if (!id.ok()) return;  // which the start tells
    const absl::StatusOr<state::ContainerRecord> owner = store.Read(*id);
    if (!owner.ok()) return;
    config.hostname = HostnameOf(owner->config);
    config.domainname = owner->config.domainname;
  }
}

}  // namespace

absl::StatusOr<std::string> EngineImpl::Create(state::ContainerConfig config, Next next) {
  if (geteuid() != 0) {
    return WithHint(absl::PermissionDeniedError("containers can be made by root only"),
                    "run tiny with sudo");
  }
  RETURN_IF_ERROR(CheckRootfs(config));
  RETURN_IF_ERROR(CheckRestartPolicy(config));
  if (config.entrypoint.empty() && config.command.empty()) {
    return absl::InvalidArgumentError("no command specified");
  }
  RETURN_IF_ERROR(logs::ParseLogOptions(config.log.driver, config.log.options).status());
  RETURN_IF_ERROR(CheckMounts(config));
  if (HasNetworkToCheck(config)) {
    ASSIGN_OR_RETURN(const std::unique_ptr<NetworkManager> networks, OpenNetworks());
    RETURN_IF_ERROR(networks->Check(config));
  }
  ShareHostname(store_, config);
  if (next == Next::kNothing) RETURN_IF_ERROR(CheckStart(config));
  ASSIGN_OR_RETURN(state::LockedContainer record, store_.Create(std::move(config)));
  if (next == Next::kNothing) {
    if (absl::Status synced = record.Sync(); !synced.ok()) {
      std::move(record).Remove().IgnoreError();
      return synced;
    }
  }
  LogEvent(options_.root, record.config(), "create");
  created_.emplace(std::move(record));
  return created_->id().value();
}

}  // namespace tiny::runtime
