// tiny-oci: the OCI runtime command line, for podman, Docker and containerd.

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/exec_ids.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "oci/cli/command.h"
#include "oci/cli/log.h"
#include "oci/cli/rootless.h"
#include "oci/state.h"
#include "runtime/launch/launch.h"
#include "security/caller.h"

namespace tiny::oci {

absl::Status Print(absl::string_view text) {
  return WriteAll(STDOUT_FILENO, text, "standard output");
}

absl::StatusOr<std::vector<std::string>> ParseOperands(const Flags& flags, Arguments arguments,
                                                       size_t count) {
  ASSIGN_OR_RETURN(std::vector<std::string> operands, flags.Parse(arguments, /*mixed=*/true));
  if (operands.size() == count) return operands;
  return absl::InvalidArgumentError(
      count == 0 ? absl::StrCat("unexpected ", operands[0])
                 : absl::StrCat("expected one container id, found ", operands.size()));
}

namespace {

constexpr Command kCommands[] = {
    {"create", "<container-id>", "make a container that waits for its start", RunCreate},
    {"start", "<container-id>", "run the program of a created container", RunStart},
    {"run", "<container-id>", "create and start", RunRun},
    {"exec", "<container-id> <command> [argument...]", "run one more process", RunExec,
     /*failure=*/255},
    {"state", "<container-id>", "print the state of a container", RunState},
    {"kill", "<container-id> [signal]", "send a signal; TERM by default", RunKill},
    {"delete", "<container-id>", "remove a stopped container", RunDelete},
    {"list", "", "list the containers", RunList},
    {"ps", "<container-id> [ps-option...]", "list the processes of a container", RunPs},
    {"pause", "<container-id>", "stop all its processes where they are", RunPause},
    {"resume", "<container-id>", "let them go on", RunResume},
    {"update", "<container-id>", "change the limits of a container", RunUpdate},
    {"events", "<container-id>", "print statistics and out-of-memory events", RunEvents},
    {"spec", "", "write a config.json to begin with", RunSpec},
    {"features", "", "print what this runtime can do", RunFeatures},
    {"checkpoint", "<container-id>", "not supported", RunCheckpoint},
    {"restore", "<container-id>", "not supported", RunCheckpoint},
};

void AddGlobalFlags(Flags& flags, Globals& globals, bool& help, bool& version) {
  flags.Add({"root", '\0', "where the containers' states are", &globals.root});
  flags.Add({"log", '\0', "the file for messages", &globals.log});
  flags.Add({"log-format", '\0', "text or json", &globals.log_format});
  flags.Add({"log-level", '\0', "ignored", &globals.log_level});
  flags.Add({"debug", '\0', "ignored", &globals.debug});
  flags.Add(
      {"systemd-cgroup", '\0', "cgroups are scopes that systemd makes", &globals.systemd_cgroup});
  flags.Add({"cgroup-manager", '\0', "cgroupfs, systemd (as --systemd-cgroup) or disabled",
             &globals.cgroup_manager});
  flags.Add({"rootless", '\0', "go on without a cgroup that may not be made: true, false or auto",
             &globals.rootless});
  flags.Add({"version", 'v', "print the version", &version});
  flags.Add({"help", 'h', "print this", &help});
}

std::string Usage(const Flags& flags) {
  std::string text = "usage: tiny-oci [flag...] <command> [argument...]\n\ncommands:\n";
  for (const Command& command : kCommands) {
    absl::StrAppendFormat(&text, "  %-10s  %s\n", command.name, command.summary);
  }
  return absl::StrCat(text, "\nflags:\n", flags.Help());
}

std::string DefaultRoot() {
  const char* runtime_directory = getenv("XDG_RUNTIME_DIR");
  // As the root of a user namespace, an engine's calls are those of the user who made it.
  if (runtime_directory != nullptr && *runtime_directory != '\0' &&
      !security::Caller().IsMachineRoot()) {
    return absl::StrCat(runtime_directory, "/tiny-oci");
  }
  return "/run/tiny-oci";
}

// A setuid bit would give everybody the rights of its owner.
absl::Status CheckPrivileges() {
  if (!ExecChangedIds()) return absl::OkStatus();
  return absl::PermissionDeniedError("tiny-oci does not run setuid or setgid");
}

std::string Usage(const Command& command, absl::string_view flags) {
  return absl::StrCat("usage: tiny-oci ", command.name, flags.empty() ? "" : " [flag...]",
                      *command.operands == '\0' ? "" : " ", command.operands, "\n\n",
                      command.summary, "\n", flags.empty() ? "" : "\nflags:\n", flags);
}

absl::StatusOr<int> Dispatch(Globals& globals, Arguments arguments) {
  RETURN_IF_ERROR(CheckPrivileges());
  bool help = false;
  bool version = false;
  Flags flags;
  AddGlobalFlags(flags, globals, help, version);
  ASSIGN_OR_RETURN(const std::vector<std::string> words, flags.Parse(arguments, /*mixed=*/false));
  if (version) {
    RETURN_IF_ERROR(
        Print(absl::StrCat("tiny-oci version ", kVersion, "\nspec: ", kSpecVersion, "\n")));
    return 0;
  }
  if (help || words.empty() || words[0] == "help") {
    RETURN_IF_ERROR(Print(Usage(flags)));
    return 0;
  }
  if (globals.root.empty()) globals.root = DefaultRoot();
  if (globals.root[0] != '/') {
    char folder[PATH_MAX];
    if (getcwd(folder, sizeof(folder)) == nullptr) return PosixStatus(errno, "getcwd");
    globals.root = absl::StrCat(folder, "/", globals.root);
  }
  if (globals.log_format != "text" && globals.log_format != "json") {
    return absl::InvalidArgumentError(
        absl::StrCat("--log-format ", globals.log_format, ": text or json"));
  }
  if (globals.cgroup_manager == "systemd") {
    globals.systemd_cgroup = true;
  } else if (globals.cgroup_manager != "cgroupfs" && globals.cgroup_manager != "disabled") {
    return absl::InvalidArgumentError(absl::StrCat("--cgroup-manager ", globals.cgroup_manager,
                                                   ": cgroupfs, systemd or disabled"));
  }
  RETURN_IF_ERROR(CheckRootlessFlag(globals));
  for (const Command& command : kCommands) {
    if (words[0] != command.name) continue;
    const absl::StatusOr<int> code = command.run(globals, arguments.last(words.size() - 1));
    if (absl::IsCancelled(code.status())) {
      RETURN_IF_ERROR(Print(Usage(command, code.status().message())));
      return 0;
    }
    if (code.ok()) return code;
    LogError(globals, code.status());
    return command.failure;
  }
  return WithHint(absl::InvalidArgumentError(absl::StrCat("unknown command ", words[0])),
                  "tiny-oci --help lists them");
}

int Main(int argc, char** argv) {
  Globals globals;
  const absl::StatusOr<int> code =
      Dispatch(globals, Arguments(argv + 1, argc > 0 ? static_cast<size_t>(argc - 1) : 0));
  if (code.ok()) return *code;
  LogError(globals, code.status());
  return 1;
}

}  // namespace
}  // namespace tiny::oci

int main(int argc, char** argv) { return tiny::oci::Main(argc, argv); }
