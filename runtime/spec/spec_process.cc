#include "runtime/spec/spec_process.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/spec/build_spec.h"
#include "security/rlimits.h"
#include "security/user.h"

namespace tiny::runtime {
namespace {

using state::ContainerConfig;

constexpr absl::string_view kDefaultPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr size_t kShortIdLength = 12;

absl::string_view KeyOf(absl::string_view entry) { return entry.substr(0, entry.find('=')); }

// The last of several values of one variable wins, at the place of the first.
void SetVariable(std::vector<std::string>& env, absl::string_view entry) {
  for (std::string& known : env) {
    if (KeyOf(known) == KeyOf(entry)) {
      known = std::string(entry);
      return;
    }
  }
  env.emplace_back(entry);
}

bool HasVariable(const std::vector<std::string>& env, absl::string_view key) {
  return std::any_of(env.begin(), env.end(),
                     [key](const std::string& entry) { return KeyOf(entry) == key; });
}

absl::Status AddVariables(const std::vector<std::string>& wanted, std::vector<std::string>& env) {
  for (const std::string& entry : wanted) {
    // Without a "=" it would be taken from somebody else's environment.
    if (!absl::StrContains(entry, '=') || entry[0] == '=' || absl::StrContains(entry, '\0')) {
      return absl::InvalidArgumentError(absl::StrCat("--env \"", entry, "\": expected NAME=value"));
    }
    SetVariable(env, entry);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> BuildEnvironment(const ContainerConfig& config,
                                                          absl::string_view term,
                                                          absl::string_view home) {
  std::vector<std::string> env = {std::string(kDefaultPath),
                                  absl::StrCat("HOSTNAME=", HostnameOf(config))};
  if (config.tty) env.push_back(absl::StrCat("TERM=", term));
  RETURN_IF_ERROR(AddVariables(config.env, env));
  if (!HasVariable(env, "HOME")) env.push_back(absl::StrCat("HOME=", home));
  return env;
}

absl::StatusOr<std::vector<oci::Rlimit>> BuildRlimits(const ContainerConfig& config) {
  std::vector<oci::Rlimit> limits;
  const auto value = [](int64_t limit) {
    return limit == -1 ? static_cast<uint64_t>(RLIM_INFINITY) : static_cast<uint64_t>(limit);
  };
  for (const state::UlimitConfig& wanted : config.ulimits) {
    auto resource = security::RlimitFromName(wanted.name);
    if (!resource.ok()) return Annotate(resource.status(), "--ulimit");
    if (wanted.soft < -1 || wanted.hard < -1 || value(wanted.soft) > value(wanted.hard)) {
      return absl::InvalidArgumentError(absl::StrCat("--ulimit ", wanted.name, "=", wanted.soft,
                                                     ":", wanted.hard,
                                                     ": the soft limit is above the hard one"));
    }
    limits.push_back({security::RlimitName(*resource), value(wanted.soft), value(wanted.hard)});
  }
  return limits;
}

// Inheritable and ambient stay empty (CVE-2022-24769); for another user than root execve(2) would
// clear the effective ones, and so they are not there from the start.
oci::Capabilities ToSpec(security::CapabilitySet set, uint32_t uid) {
  oci::Capabilities capabilities;
  capabilities.bounding = security::CapabilityNames(set);
  if (uid == 0) {
    capabilities.effective = capabilities.bounding;
    capabilities.permitted = capabilities.bounding;
  }
  return capabilities;
}

}  // namespace

std::string HostnameOf(const ContainerConfig& config) {
  return config.hostname.empty() ? config.id.substr(0, kShortIdLength) : config.hostname;
}

absl::StatusOr<security::CapabilitySet> ContainerCapabilities(const ContainerConfig& config,
                                                              security::CapabilitySet available) {
  auto set = security::ResolveCapabilities({.add = config.security.cap_add,
                                            .drop = config.security.cap_drop,
                                            .privileged = config.security.privileged,
                                            .available = available});
  if (!set.ok()) return Annotate(set.status(), "--cap-add, --cap-drop");
  return *set;
}

absl::StatusOr<oci::Process> BuildProcess(const ContainerConfig& config,
                                          const ProcessInputs& inputs) {
  oci::Process process;
  process.terminal = config.tty;
  process.args = config.entrypoint;
  process.args.insert(process.args.end(), config.command.begin(), config.command.end());
  if (process.args.empty() || process.args[0].empty()) {
    return WithHint(absl::InvalidArgumentError("no command to run"),
                    "name a program after the options");
  }
  auto user = security::ResolveUser(config.user, config.group_add, inputs.passwd, inputs.group);
  if (!user.ok()) {
    return Annotate(user.status(), config.group_add.empty() ? "--user" : "--user, --group-add");
  }
  process.user.uid = user->uid;
  process.user.gid = user->gid;
  process.user.additional_gids = user->additional_gids;
  ASSIGN_OR_RETURN(process.env, BuildEnvironment(config, inputs.term, user->home));
  if (!config.working_dir.empty()) process.cwd = config.working_dir;
  ASSIGN_OR_RETURN(const security::CapabilitySet set,
                   ContainerCapabilities(config, inputs.available));
  process.capabilities = ToSpec(set, user->uid);
  ASSIGN_OR_RETURN(process.rlimits, BuildRlimits(config));
  process.no_new_privileges = config.security.no_new_privileges;
  if (!config.security.privileged) process.apparmor_profile = config.security.apparmor;
  process.oom_score_adj = config.oom_score_adj;
  return process;
}

absl::StatusOr<oci::Process> BuildExecProcess(const ContainerConfig& config, const ExecInputs& exec,
                                              absl::string_view passwd, absl::string_view group) {
  ContainerConfig changed = config;
  changed.entrypoint.clear();
  changed.command = exec.args;
  changed.tty = exec.tty;
  for (const std::string& entry : exec.env) changed.env.push_back(entry);
  if (!exec.user.empty()) changed.user = exec.user;
  if (!exec.working_dir.empty()) changed.working_dir = exec.working_dir;
  if (exec.privileged) changed.security.privileged = true;
  changed.oom_score_adj.reset();
  return BuildProcess(changed, {.passwd = passwd,
                                .group = group,
                                .term = "xterm",
                                .available = exec.available_capabilities});
}

}  // namespace tiny::runtime
