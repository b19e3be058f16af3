#include "cli/container_flags.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cli/command.h"
#include "cli/flag_parsers/mounts.h"

namespace tiny::cli {
namespace {

constexpr absl::string_view kDefaultPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

absl::Status SetRootfs(const ContainerFlags& flags, state::ContainerConfig* config) {
  absl::string_view folder = flags.rootfs;
  if (absl::ConsumeSuffix(&folder, ":O")) config->rootfs_overlay = true;
  if (folder.empty()) return UsageError("--rootfs: empty path");
  config->image = flags.rootfs;
  config->rootfs = CleanPath(folder, CurrentFolder());
  return absl::OkStatus();
}

absl::Status SetCommand(const ContainerFlags& flags, absl::Span<const absl::string_view> command,
                        state::ContainerConfig* config) {
  if (flags.entrypoint.has_value() && !flags.entrypoint->empty()) {
    config->entrypoint = {*flags.entrypoint};
  }
  for (const absl::string_view word : command) config->command.emplace_back(word);
  if (!config->entrypoint.empty() || !config->command.empty()) return absl::OkStatus();
  return UsageError("no command is given", "add the program to run after the flags, such as sh");
}

absl::Status SetEnvironment(const ContainerFlags& flags, EnvLookup lookup,
                            state::ContainerConfig* config) {
  config->env = {std::string(kDefaultPath)};
  for (const std::string& path : flags.env_files) {
    const absl::StatusOr<std::string> contents = ReadFile(path);
    RETURN_IF_ERROR(Annotate(contents.status(), "--env-file"));
    RETURN_IF_ERROR(
        Annotate(AddEnvFile(*contents, lookup, &config->env), absl::StrCat("--env-file ", path)));
  }
  for (const std::string& each : flags.env) {
    RETURN_IF_ERROR(Annotate(AddEnv(each, lookup, &config->env), "--env"));
  }
  for (const std::string& path : flags.label_files) {
    const absl::StatusOr<std::string> contents = ReadFile(path);
    RETURN_IF_ERROR(Annotate(contents.status(), "--label-file"));
    RETURN_IF_ERROR(
        Annotate(AddLabelFile(*contents, &config->labels), absl::StrCat("--label-file ", path)));
  }
  for (const std::string& each : flags.labels) {
    RETURN_IF_ERROR(Annotate(AddLabel(each, &config->labels), "--label"));
  }
  return absl::OkStatus();
}

bool IsUserNetwork(const std::string& name) {
  return name != "bridge" && name != "none" && name != "host" &&
         !absl::StartsWith(name, "container:");
}

absl::Status CheckNetworks(const state::ContainerConfig& config) {
  const std::vector<state::NetworkAttachment>& networks = config.networks;
  for (size_t i = 0; i < networks.size(); ++i) {
    const std::string& name = networks[i].network;
    for (size_t j = 0; j < i; ++j) {
      if (networks[j].network == name) {
        return UsageError(absl::StrCat("--network: ", name, " is given twice"));
      }
    }
    if (networks.size() > 1 && !IsUserNetwork(name)) {
      return UsageError(absl::StrCat("--network: ", name, " does not go with another network"));
    }
  }
  if (networks.empty()) return absl::OkStatus();
  const std::string& first = networks[0].network;
  const bool shared = first == "host" || absl::StartsWith(first, "container:");
  if (shared && (!config.ports.empty() || config.publish_all)) {
    return UsageError(absl::StrCat("ports cannot be published with --network ", first),
                      "its program listens on that network as it is: leave -p out");
  }
  const bool has_names = !config.hostname.empty() || !config.dns.empty() ||
                         !config.dns_search.empty() || !config.dns_options.empty() ||
                         !config.extra_hosts.empty();
  if (absl::StartsWith(first, "container:") && has_names) {
    return UsageError(
        absl::StrCat("--hostname, --dns and --add-host do not go with --network ", first));
  }
  if (first == "none" && !config.ports.empty()) {
    return UsageError("ports cannot be published with --network none");
  }
  return absl::OkStatus();
}

absl::Status SetNetworks(const ContainerFlags& flags, state::ContainerConfig* config) {
  const bool has_detail = !flags.network_aliases.empty() || !flags.ip.empty() ||
                          !flags.ip6.empty() || !flags.mac_address.empty();
  if (has_detail && config->networks.empty()) {
    config->networks.emplace_back().network = "bridge";
  }
  if (has_detail) {
    state::NetworkAttachment& first = config->networks[0];
    const bool user_network = IsUserNetwork(first.network);
    if (!flags.network_aliases.empty() && !user_network) {
      return UsageError("--network-alias works only on a network made with `tiny network create`");
    }
    if (!user_network && first.network != "bridge") {
      return UsageError(absl::StrCat("an address does not go with --network ", first.network));
    }
    first.aliases.insert(first.aliases.end(), flags.network_aliases.begin(),
                         flags.network_aliases.end());
    if (!flags.ip.empty()) first.ip = flags.ip;
    if (!flags.ip6.empty()) first.ip6 = flags.ip6;
    if (!flags.mac_address.empty()) first.mac_address = flags.mac_address;
  }
  return CheckNetworks(*config);
}

absl::Status SetHealth(const ContainerFlags& flags, state::ContainerConfig* config) {
  if (flags.no_healthcheck) {
    if (flags.has_health_flag || flags.health_command.has_value()) {
      return UsageError("--no-healthcheck does not go with other --health flags");
    }
    config->health.test = {"NONE"};
  } else if (flags.health_command.has_value() && !flags.health_command->empty()) {
    config->health.test = {"CMD-SHELL", *flags.health_command};
  } else if (flags.has_health_flag) {
    return UsageError("--health flags need a --health-cmd");
  }
  return absl::OkStatus();
}

// "linux/amd64", or one of its parts: what runs here is what this machine's kernel can execute.
absl::Status CheckPlatform(absl::string_view platform) {
  if (platform.empty()) return absl::OkStatus();
#if defined(__x86_64__)
  constexpr absl::string_view kNames[] = {"amd64", "x86_64", "x86-64"};
#else
  constexpr absl::string_view kNames[] = {"arm64", "aarch64", "arm64/v8", "aarch64/v8"};
#endif
  absl::string_view architecture = platform;
  absl::ConsumePrefix(&architecture, "linux/");
  if (std::find(std::begin(kNames), std::end(kNames), architecture) != std::end(kNames)) {
    return absl::OkStatus();
  }
  return UsageError(
      absl::StrCat("--platform: this machine is linux/", kNames[0], ", not ", platform));
}

absl::Status CheckConflicts(const ContainerFlags& flags, const state::ContainerConfig& config) {
  if (flags.detach && !flags.attach.empty())
    return UsageError("--detach does not go with --attach");
  if (config.auto_remove && config.restart_policy.name != "no") {
    return UsageError("--rm does not go with --restart");
  }
  if (config.uts_mode == "host" && (!config.hostname.empty() || !config.domainname.empty())) {
    return UsageError("--hostname and --domainname do not go with --uts host");
  }
  const state::ResourceConfig& limits = config.resources;
  if (limits.nano_cpus != 0 && (limits.cpu_quota != 0 || limits.cpu_period != 0)) {
    return UsageError("--cpus does not go with --cpu-quota and --cpu-period");
  }
  RETURN_IF_ERROR(CheckCpus(limits.nano_cpus));
  if (limits.memory_swap > 0 && limits.memory == 0) {
    return UsageError("--memory-swap needs --memory");
  }
  if (limits.memory_swap > 0 && limits.memory_swap < limits.memory) {
    return UsageError("--memory-swap is the sum of memory and swap: it is below --memory");
  }
  if (limits.memory != 0 && limits.memory_reservation > limits.memory) {
    return UsageError("--memory-reservation is above --memory");
  }
  if (config.log.driver == "none" && !config.log.options.empty()) {
    return UsageError("--log-opt does not go with --log-driver none");
  }
  for (size_t i = 0; i < config.mounts.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (config.mounts[i].destination == config.mounts[j].destination) {
        return UsageError(
            absl::StrCat("two mounts on the same path, ", config.mounts[i].destination));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ImageError(absl::Span<const absl::string_view> command) {
  if (command.empty()) {
    return UsageError("neither --rootfs nor a command is given",
                      "for example: tiny run --rm -it --rootfs /:O sh");
  }
  return UsageError(
      absl::StrCat("no image store: \"", command[0], "\" cannot be run as an image yet"),
      "run a folder instead: tiny run --rootfs DIR COMMAND, or --rootfs /:O for a throw-away copy "
      "of this machine's files");
}

}  // namespace

absl::StatusOr<state::ContainerConfig> BuildContainerConfig(
    const ContainerFlags& flags, absl::Span<const absl::string_view> command, EnvLookup lookup) {
  state::ContainerConfig config = flags.config;
  if (flags.rootfs.empty()) return ImageError(command);
  RETURN_IF_ERROR(CheckPlatform(flags.platform));
  RETURN_IF_ERROR(SetRootfs(flags, &config));
  RETURN_IF_ERROR(SetCommand(flags, command, &config));
  RETURN_IF_ERROR(SetEnvironment(flags, lookup, &config));
  RETURN_IF_ERROR(SetNetworks(flags, &config));
  RETURN_IF_ERROR(SetHealth(flags, &config));
  config.open_stdin = flags.interactive;
  config.attach_stdin = flags.interactive && !flags.detach;
  RETURN_IF_ERROR(CheckConflicts(flags, config));
  return config;
}

absl::Status SetWorkingDir(absl::string_view value, std::string* field) {
  if (value.empty() || value[0] != '/') {
    return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is not an absolute path"));
  }
  *field = std::string(value);
  return absl::OkStatus();
}

absl::Status CheckCpus(int64_t nano_cpus) {
  if (nano_cpus == 0) return absl::OkStatus();  // none is asked for
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  if (cpus <= 0 || nano_cpus <= cpus * 1000000000) return absl::OkStatus();
  return UsageError(absl::StrCat("--cpus is more than this machine has: ", cpus));
}

std::optional<std::string> LookUpEnv(absl::string_view name) {
  const char* value = getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string CurrentFolder() {
  char path[PATH_MAX];
  return getcwd(path, sizeof(path)) != nullptr ? path : "/";
}

absl::Status AcceptSwitch(absl::string_view value) {
  bool ignored = false;
  return option_internal::Assign(ignored, value);
}

absl::Status AcceptOnly(absl::string_view accepted, absl::string_view why,
                        absl::string_view value) {
  if (value == accepted) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("\"", value, "\" is not supported, only ", accepted, ": ", why));
}

}  // namespace tiny::cli
