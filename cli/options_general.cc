// The options of run and create that say what the container is and how its program runs.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/units.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/addresses.h"
#include "cli/flag_parsers/csv.h"
#include "cli/flag_parsers/policies.h"
#include "cli/flag_parsers/resources.h"

namespace tiny::cli {
namespace {

using Flags = ContainerFlags;

absl::Status SetName(Flags& flags, absl::string_view value) {
  if (!IsName(value) || value.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid name \"", value.substr(0, 80),
                     "\": want 2 to 128 letters, digits, and _ . - after the first"));
  }
  flags.config.name = std::string(value);
  return absl::OkStatus();
}

absl::Status SetPath(absl::string_view value, std::string* field) {
  if (value.empty()) return absl::InvalidArgumentError("empty path");
  *field = std::string(value);
  return absl::OkStatus();
}

constexpr Option kOptions[] = {
    {0, "name", "name", "Name of the container",
     Apply<[](Flags& f, absl::string_view v) { return SetName(f, v); }>},
    {'i', "interactive", "", "Keep standard input open", Set<&Flags::interactive>},
    {'t', "tty", "", "Give it a terminal", SetIn<&Flags::config, &state::ContainerConfig::tty>},
    {0, "rm", "", "Remove the container when it has ended",
     SetIn<&Flags::config, &state::ContainerConfig::auto_remove>},
    {0, "rootfs", "dir[:O]", "Run this folder; with :O, a throw-away copy of it",
     Apply<[](Flags& f, absl::string_view v) { return SetPath(v, &f.rootfs); }>},
    {'e', "env", "name[=value]", "Set a variable, or pass on one of yours", Set<&Flags::env>},
    {0, "env-file", "file", "Read variables from a file", Set<&Flags::env_files>},
    {'w', "workdir", "dir", "Working folder in the container",
     Apply<[](Flags& f, absl::string_view v) { return SetWorkingDir(v, &f.config.working_dir); }>},
    {0, "entrypoint", "command", "Program in place of the image's", Set<&Flags::entrypoint>},
    {0, "init", "", "Run a small init as process 1, which forwards signals and reaps",
     SetIn<&Flags::config, &state::ContainerConfig::init>},
    {0, "restart", "policy", "no, on-failure[:N], always or unless-stopped",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseRestart(v), &f.config.restart_policy);
     }>},
    {0, "stop-signal", "signal", "Signal that asks it to stop (default SIGTERM)",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       if (absl::StatusOr<int> signal = ParseSignal(v); !signal.ok()) return signal.status();
       f.config.stop_signal = std::string(v);
       return absl::OkStatus();
     }>},
    {0, "stop-timeout", "seconds", "Time to stop before it is killed; -1 for ever",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       absl::StatusOr<int64_t> seconds = ParseNumber(v, -1, 1 << 30);
       if (!seconds.ok()) return seconds.status();
       f.config.stop_timeout = static_cast<int>(*seconds);
       return absl::OkStatus();
     }>},
    {'l', "label", "key[=value]", "Attach a label", Set<&Flags::labels>},
    {0, "label-file", "file", "Read labels from a file", Set<&Flags::label_files>},
    {0, "annotation", "key=value", "Attach an OCI annotation",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       auto pair = ParseKeyValue(v);
       if (!pair.ok()) return pair.status();
       f.config.annotations[pair->first] = pair->second;
       return absl::OkStatus();
     }>},
    {0, "log-driver", "driver", "k8s-file, json-file or none",
     Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseLogDriver(v), &f.config.log.driver);
     }>},
    {0, "log-opt", "key=value", "max-size or max-file of the log",
     Apply<[](Flags& f, absl::string_view v) { return AddLogOption(v, &f.config.log); }>},
    {0, "cidfile", "file", "Write the container's id to this new file", Set<&Flags::cidfile>},
    {'a', "attach", "stream", "Attach only stdin, stdout or stderr",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       if (v != "stdin" && v != "stdout" && v != "stderr") {
         return absl::InvalidArgumentError(
             absl::StrCat("\"", v, "\" is none of stdin, stdout and stderr"));
       }
       f.attach.emplace_back(v);
       return absl::OkStatus();
     }>},
    {0, "pull", "when", "always, missing or never",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       if (v != "always" && v != "missing" && v != "never") {
         return absl::InvalidArgumentError(
             absl::StrCat("\"", v, "\" is none of always, missing and never"));
       }
       f.pull = std::string(v);
       return absl::OkStatus();
     }>},
    {0, "platform", "os/arch", "Platform of the image",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       if (!absl::StartsWith(v, "linux/") || v == "linux/") {
         return absl::InvalidArgumentError(
             absl::StrCat("\"", v, "\" is not a platform of Linux, such as linux/amd64"));
       }
       f.platform = std::string(v);
       return absl::OkStatus();
     }>},
    {'q', "quiet", "", "Do not show the progress of a pull", Set<&Flags::quiet>},
    {0, "replace", "", "Remove a container that has the name already", Set<&Flags::replace>},
};

}  // namespace

constinit const OptionGroup kGeneralOptions = {"Options", kOptions};

}  // namespace tiny::cli
