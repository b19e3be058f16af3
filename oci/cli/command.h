// The verbs of tiny-oci: one file each.
#ifndef TINY_OCI_CLI_COMMAND_H_
#define TINY_OCI_CLI_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "oci/cli/flags.h"

namespace tiny::oci {

inline constexpr char kVersion[] = "0.1.0";

// The flags before the verb.
struct Globals {
  std::string root;
  std::string log;
  std::string log_format = "text";
  std::string log_level;
  bool debug = false;
  std::string cgroup_manager = "cgroupfs";
  bool systemd_cgroup = false;
  std::string rootless = "auto";
};

using Arguments = absl::Span<const char* const>;

struct Command {
  const char* name;
  const char* operands;  // "<container-id>"
  const char* summary;
  absl::StatusOr<int> (*run)(const Globals& globals, Arguments arguments);
  int failure = 1;  // the exit code where it fails itself
};

absl::StatusOr<int> RunCreate(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunStart(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunState(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunKill(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunDelete(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunRun(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunExec(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunList(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunPs(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunPause(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunResume(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunUpdate(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunEvents(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunSpec(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunFeatures(const Globals& globals, Arguments arguments);
absl::StatusOr<int> RunCheckpoint(const Globals& globals, Arguments arguments);

// Parses the flags of a verb that takes `count` operands, container id first.
absl::StatusOr<std::vector<std::string>> ParseOperands(const Flags& flags, Arguments arguments,
                                                       size_t count);

// Writes to standard output.
absl::Status Print(absl::string_view text);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_COMMAND_H_
