// run --explain=shell: the shell commands that would make the same container by hand.
#ifndef TINY_CLI_EXPLAIN_SHELL_H_
#define TINY_CLI_EXPLAIN_SHELL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "runtime/files/root_user.h"
#include "state/container_config.h"

namespace tiny::cli {

// A script for root, in the order in which tiny does the same by system calls: cgroup, network,
// namespaces, mounts, pivot_root, capabilities, exec. It needs util-linux, iproute2 and nft; what
// has no command (the filter of system calls) is said in a comment. Pure; thread-safe.
// `user` is who config.user is in its root file system, and `cgroup_mode` that of the host: "v2",
// "hybrid" or "v1".
std::string ExplainShell(const state::ContainerConfig& config, const security::ResolvedUser& user,
                         absl::string_view cgroup_mode);

// 'text' as one word of sh(1).
std::string ShellQuote(absl::string_view text);

}  // namespace tiny::cli

#endif  // TINY_CLI_EXPLAIN_SHELL_H_
