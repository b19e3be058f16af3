#include "cli/inspect_json.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/timestamp.h"
#include "cli/container_view.h"
#include "cli/inspect_parts.h"
#include "state/state_json.h"

namespace tiny::cli {
namespace {

Value HealthValue(const state::HealthState& health) {
  Value log = Value(Value::List());
  for (const state::HealthProbe& probe : health.log) {
    log.Append(Value::Object({{"Start", FormatTimestamp(probe.start)},
                              {"End", FormatTimestamp(probe.end)},
                              {"ExitCode", probe.exit_code},
                              {"Output", probe.output}}));
  }
  return Value::Object(
      {{"Status", health.status}, {"FailingStreak", health.failing_streak}, {"Log", log}});
}

Value StateValue(const state::ContainerState& state) {
  using Status = state::Status;
  Value value = Value::Object({
      {"Status", StatusName(state.status)},
      {"Running", state.status == Status::kRunning || state.status == Status::kPaused ||
                      state.status == Status::kRestarting},
      {"Paused", state.status == Status::kPaused},
      {"Restarting", state.status == Status::kRestarting},
      {"OOMKilled", state.oom_killed},
      {"Dead", state.status == Status::kDead},
      {"Pid", state.init.pid},
      {"ExitCode", state.exit_code},
      {"Error", state.error},
      {"StartedAt", FormatTimestamp(state.started_at)},
      {"FinishedAt", FormatTimestamp(state.finished_at)},
  });
  value.Set("Health", state.health.status.empty() ? Value() : HealthValue(state.health));
  value.Set("SupervisorPid", state.supervisor.pid);
  value.Set("CgroupPath", state.cgroup_path);
  return value;
}

Value MountsValue(const runtime::Container& container, absl::string_view root) {
  Value list = Value(Value::List());
  for (const state::MountConfig& mount : container.config.mounts) {
    if (mount.type == state::MountConfig::Type::kTmpfs) continue;
    const bool is_volume = mount.type == state::MountConfig::Type::kVolume;
    const auto volume = container.state.volumes.find(mount.destination);
    const std::string name =
        volume != container.state.volumes.end() ? volume->second : mount.source;
    Value value = Value::Object({{"Type", is_volume ? "volume" : "bind"}});
    if (is_volume) value.Set("Name", name);
    value.Set("Source", is_volume ? absl::StrCat(root, "/volumes/", name, "/_data") : mount.source);
    value.Set("Destination", mount.destination);
    if (is_volume) value.Set("Driver", "local");
    value.Set("Mode", mount.read_only ? "ro" : "");
    value.Set("RW", !mount.read_only);
    value.Set("Propagation", is_volume                   ? ""
                             : mount.propagation.empty() ? "rprivate"
                                                         : mount.propagation);
    list.Append(std::move(value));
  }
  return list;
}

}  // namespace

Value InspectValue(const runtime::Container& container, absl::string_view root) {
  const state::ContainerConfig& config = container.config;
  std::vector<std::string> words = config.entrypoint;
  words.insert(words.end(), config.command.begin(), config.command.end());
  const std::string program = words.empty() ? "" : words[0];
  if (!words.empty()) words.erase(words.begin());
  const std::string folder = absl::StrCat(root, "/containers/", config.id);
  const bool has_log = config.log.driver != "none";
  Value value = Value::Object({
      {"Id", config.id},
      {"Created", FormatTimestamp(config.created_at)},
      {"Path", program},
      {"Args", Value(words)},
      {"State", StateValue(container.state)},
      {"Image", config.image},
      {"ResolvConfPath", folder + "/resolv.conf"},
      {"HostnamePath", folder + "/hostname"},
      {"HostsPath", folder + "/hosts"},
      {"LogPath", has_log ? folder + "/container.log" : ""},
      {"Name", "/" + config.name},
      {"RestartCount", container.state.restart_count},
      {"Driver", config.rootfs.empty() || config.rootfs_overlay ? "overlay" : "rootfs"},
      {"Platform", "linux"},
      {"MountLabel", ""},
      {"ProcessLabel", ""},
      {"AppArmorProfile", config.security.apparmor},
      {"ExecIDs", Value()},
      {"HostConfig", HostConfigValue(config)},
      {"GraphDriver", Value::Object({{"Name", "overlay"},
                                     {"Data", Value::Dictionary({{"LowerDir", config.rootfs}})}})},
      {"Mounts", MountsValue(container, root)},
      {"Config", ConfigValue(config)},
      {"NetworkSettings", NetworkSettingsValue(container)},
  });
  return value;
}

}  // namespace tiny::cli
