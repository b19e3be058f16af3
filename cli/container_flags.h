// The flags of `run` and `create`, and what they make together: a state::ContainerConfig.
#ifndef TINY_CLI_CONTAINER_FLAGS_H_
#define TINY_CLI_CONTAINER_FLAGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cli/flag_parsers/environment.h"
#include "cli/option.h"
#include "state/container_config.h"

namespace tiny::cli {

struct ContainerFlags {
  // What flags set directly; the rest is put together by BuildContainerConfig.
  state::ContainerConfig config;

  bool detach = false;
  bool interactive = false;
  std::vector<std::string> attach;
  bool signal_proxy = true;
  std::string detach_keys = "ctrl-p,ctrl-q";
  std::string cidfile;
  std::string rootfs;
  std::optional<std::string> entrypoint;
  std::string pull;
  std::string platform;
  bool quiet = false;
  bool replace = false;

  std::vector<std::string> env;
  std::vector<std::string> env_files;
  std::vector<std::string> labels;
  std::vector<std::string> label_files;

  std::vector<std::string> volumes_from;
  std::vector<std::string> network_aliases;
  std::string ip;
  std::string ip6;
  std::string mac_address;
  std::vector<std::pair<std::string, std::string>> sysctls;

  std::optional<std::string> health_command;
  bool no_healthcheck = false;
  bool has_health_flag = false;
  bool has_restart = false;  // update: --restart was given

  std::string explain;  // "", "true", "shell", "json"
  bool budget = false;
};

// The setters of options that Docker has and that change nothing here: any switch, or only the
// value that stands for what happens anyway; `why` says of others what keeps them from being had.
absl::Status AcceptSwitch(absl::string_view value);
absl::Status AcceptOnly(absl::string_view accepted, absl::string_view why, absl::string_view value);

// The groups of options, one file each.
extern const OptionGroup kGeneralOptions;
extern const OptionGroup kStorageOptions;
extern const OptionGroup kNetworkOptions;
extern const OptionGroup kLimitOptions;  // those that `update` takes, too
extern const OptionGroup kResourceOptions;
extern const OptionGroup kSecurityOptions;
extern const OptionGroup kHealthOptions;
extern const OptionGroup kRefusedOptions;

// Checks how the flags go together and returns the container that they ask for. `command` is what
// followed them. Reads the files of --env-file and --label-file. kInvalidArgument for what cannot
// go together.
absl::StatusOr<state::ContainerConfig> BuildContainerConfig(
    const ContainerFlags& flags, absl::Span<const absl::string_view> command, EnvLookup lookup);

// For setters: --workdir of run, create and exec.
absl::Status SetWorkingDir(absl::string_view value, std::string* field);
// kInvalidArgument where it is more than this machine has.
absl::Status CheckCpus(int64_t nano_cpus);

// getenv(3).
std::optional<std::string> LookUpEnv(absl::string_view name);
// getcwd(3), or "/" where there is none.
std::string CurrentFolder();

// For setters: stores or appends what a parser returned.
template <typename T>
absl::Status Store(absl::StatusOr<T> parsed, T* field) {
  if (!parsed.ok()) return parsed.status();
  *field = *std::move(parsed);
  return absl::OkStatus();
}
template <typename T>
absl::Status Append(absl::StatusOr<T> parsed, std::vector<T>* field) {
  if (!parsed.ok()) return parsed.status();
  field->push_back(*std::move(parsed));
  return absl::OkStatus();
}
template <typename T>
absl::Status AppendAll(absl::StatusOr<std::vector<T>> parsed, std::vector<T>* field) {
  if (!parsed.ok()) return parsed.status();
  field->insert(field->end(), parsed->begin(), parsed->end());
  return absl::OkStatus();
}

}  // namespace tiny::cli

#endif  // TINY_CLI_CONTAINER_FLAGS_H_
