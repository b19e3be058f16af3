// Runs the hooks of a spec: programs of the host's, with the container's state on standard input.
//
//   RETURN_IF_ERROR(RunHooks("createRuntime", spec.hooks.create_runtime, SerializeState(state)));
//
// Source: runtime-spec, config.md, "POSIX-platform Hooks". The environment is the hook's own, or
// empty, never the caller's; of descriptors it has 0, 1 and 2. Output goes where the caller's
// standard error goes. A hook over its timeout is killed. They are in `folder`, the bundle; where
// it is not there, or empty, in that of the caller. Thread-safe.
#ifndef TINY_RUNTIME_HOOKS_HOOKS_H_
#define TINY_RUNTIME_HOOKS_HOOKS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "oci/spec.h"

namespace tiny::runtime {

// In their order, up to the first that fails: could not be run, exited with another code than 0,
// or took too long (kDeadlineExceeded). The error names the kind, the program and what it wrote
// last to standard error.
absl::Status RunHooks(absl::string_view kind, const std::vector<oci::Hook>& hooks,
                      const std::string& state, const std::string& folder = "");

// The same with programs that the caller starts, with `input` and `errors` as their descriptors 0
// and 2: a child, the leader of a process group.
struct HookProcess {
  pid_t pid = 0;
  UniqueFd pidfd;
};
using SpawnHook =
    absl::FunctionRef<absl::StatusOr<HookProcess>(const oci::Hook& hook, int input, int errors)>;
absl::Status RunHooksBy(absl::string_view kind, const std::vector<oci::Hook>& hooks,
                        const std::string& state, SpawnHook spawn);

// All of them, whatever becomes of each; the errors' texts. For poststop, whose failures must not
// undo what has happened.
std::vector<std::string> RunAllHooks(absl::string_view kind, const std::vector<oci::Hook>& hooks,
                                     const std::string& state, const std::string& folder = "");

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_HOOKS_HOOKS_H_
