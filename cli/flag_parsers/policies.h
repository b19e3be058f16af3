// --restart, --security-opt, namespace modes, log drivers and the like. Pure functions,
// thread-safe; errors are kInvalidArgument.
#ifndef TINY_CLI_FLAG_PARSERS_POLICIES_H_
#define TINY_CLI_FLAG_PARSERS_POLICIES_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "state/container_config.h"

namespace tiny::cli {

// "no", "on-failure", "on-failure:5", "always", "unless-stopped".
absl::StatusOr<state::RestartPolicy> ParseRestart(absl::string_view text);

// "no-new-privileges", "seccomp=unconfined", "seccomp=FILE" (read with `read_file`),
// "apparmor=PROFILE", "systempaths=unconfined", "label=..." (refused); ":" works for "=".
absl::Status ApplySecurityOption(
    absl::string_view text,
    absl::FunctionRef<absl::StatusOr<std::string>(absl::string_view)> read_file,
    state::SecurityConfig* security);

enum class NamespaceKind { kPid, kIpc, kUts, kCgroup, kUser };
// The mode as ContainerConfig has it: "host", "private", "container:NAME", ...
absl::StatusOr<std::string> ParseNamespaceMode(NamespaceKind kind, absl::string_view text);

// "NET_ADMIN", "cap_net_admin", "ALL": in capital letters and without CAP_.
absl::StatusOr<std::string> ParseCapability(absl::string_view text);

// A duration that is 0 or at least a millisecond.
absl::StatusOr<absl::Duration> ParseHealthDuration(absl::string_view text);

absl::StatusOr<std::string> ParseLogDriver(absl::string_view text);
absl::Status AddLogOption(absl::string_view text, state::LogConfig* log);

// "ctrl-p,ctrl-q": letters, and ctrl- with a to z or one of @ [ \ ] ^ _.
absl::Status CheckDetachKeys(absl::string_view text);

}  // namespace tiny::cli

#endif  // TINY_CLI_FLAG_PARSERS_POLICIES_H_
