#include "cli/app.h"

#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/exec_ids.h"
#include "base/posix_status.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/mounts.h"
#include "cli/help.h"

namespace tiny::cli {
namespace {

struct GlobalFlags {
  std::string root;
  std::string run_root;
  bool debug = false;
  bool version = false;
};

constexpr Option kGlobalOptions[] = {
    {0, "root", "dir", "Where containers are kept", Set<&GlobalFlags::root>},
    {0, "run-root", "dir", "Where files are kept that do not outlive a boot",
     Set<&GlobalFlags::run_root>},
    {'D', "debug", "", "Print more about errors", Set<&GlobalFlags::debug>},
    {'v', "version", "", "Show the version", Set<&GlobalFlags::version>},
};
constexpr OptionGroup kGlobalGroup = {"Global options", kGlobalOptions};
constexpr const OptionGroup* kGlobalGroups[] = {&kGlobalGroup};

void SetFolders(const GlobalFlags& flags, runtime::EngineOptions* options) {
  if (ExecUid() != 0) {
    const std::string home = LookUpEnv("HOME").value_or("/");
    options->root =
        absl::StrCat(LookUpEnv("XDG_DATA_HOME").value_or(home + "/.local/share"), "/tiny");
    options->run_root = absl::StrCat(
        LookUpEnv("XDG_RUNTIME_DIR").value_or(absl::StrCat("/tmp/tiny-", ExecUid())), "/tiny");
  }
  const std::string root = flags.root.empty() ? LookUpEnv("TINY_ROOT").value_or("") : flags.root;
  const std::string run_root =
      flags.run_root.empty() ? LookUpEnv("TINY_RUN_ROOT").value_or("") : flags.run_root;
  if (!root.empty()) options->root = CleanPath(root, CurrentFolder());
  if (!run_root.empty()) options->run_root = CleanPath(run_root, CurrentFolder());
}

// What the kernel has denied comes second to who was denied it.
absl::Status NeedsRoot(const absl::Status& status) {
  return WithHint(absl::PermissionDeniedError(absl::StrCat(
                      "tiny needs root, as it has no rootless mode yet: ", status.message())),
                  "run it with sudo");
}

int ReportFailure(Context& context, const GlobalFlags& flags, const absl::Status& status,
                  int failure_code) {
  context.PrintError(absl::IsPermissionDenied(status) && ExecUid() != 0 ? NeedsRoot(status)
                                                                        : status);
  if (flags.debug) {
    context.err.Print("debug: ", Printable(status.ToString()), "\n");
    context.err.Flush();
  }
  return IsUsageError(status) ? kUsageErrorCode : failure_code;
}

int Dispatch(Context& context, const GlobalFlags& flags, Arguments arguments) {
  const FoundCommand found = FindCommand(arguments);
  if (found.command == nullptr && IsGroup(arguments[0])) {
    // As Docker's: help that was asked for is output, help instead of a command is not.
    if (arguments.size() == 1) {
      PrintGroup(context.err, arguments[0]);
      return 1;
    }
    if (arguments[1] == "--help") {
      PrintGroup(context.out, arguments[0]);
      return 0;
    }
  }
  if (found.command == nullptr) {
    return ReportFailure(context, flags, UnknownCommand(arguments), kUsageErrorCode);
  }
  const absl::StatusOr<int> code =
      found.command->run(context, *found.command, arguments.subspan(found.words));
  if (!code.ok()) {
    return ReportFailure(context, flags, code.status(), found.command->failure_code);
  }
  return *code;
}

}  // namespace

int RunApp(Context& context, Arguments arguments) {
  GlobalFlags flags;
  const absl::StatusOr<ParsedArguments> parsed =
      ParseOptions(kGlobalGroups, arguments, {.stop_at_positional = true}, &flags);
  int code = 0;
  if (!parsed.ok()) {
    code =
        ReportFailure(context, flags, WithHint(parsed.status(), "see tiny help"), kUsageErrorCode);
  } else {
    SetFolders(flags, &context.options);
    std::vector<absl::string_view> words = parsed->positionals;
    if (flags.version) words = {"version"};
    if (parsed->help || words.empty()) words = {"help"};
    code = Dispatch(context, flags, words);
  }
  context.out.Flush();
  // That nobody reads it is no error, as the shell's pipes have it.
  if (const int error = context.out.error(); error != 0 && error != EPIPE) {
    context.PrintError(PosixStatus(error, "write to standard output"));
    if (code == 0) code = 1;
  }
  context.err.Flush();
  return code;
}

}  // namespace tiny::cli
