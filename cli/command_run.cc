// tiny run: create and start in one.
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/status_macros.h"
#include "base/timeline.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/create_container.h"
#include "cli/explain.h"
#include "cli/explain_shell.h"
#include "cli/flag_parsers/policies.h"
#include "runtime/files/root_user.h"
#include "runtime/host/host_report.h"

namespace tiny::cli {
namespace {

absl::Status SetExplain(ContainerFlags& flags, absl::string_view value) {
  if (value != "true" && value != "shell" && value != "json") {
    return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is neither shell nor json"));
  }
  flags.explain = std::string(value);
  return absl::OkStatus();
}

constexpr Option kOptions[] = {
    {'d', "detach", "", "Run in the background and print the container's id",
     Set<&ContainerFlags::detach>},
    {0, "detach-keys", "keys", "Keys that leave it running (default ctrl-p,ctrl-q)",
     Apply<[](ContainerFlags& f, absl::string_view v) {
       f.detach_keys = std::string(v);
       return CheckDetachKeys(v);
     }>},
    {0, "sig-proxy", "", "Pass signals on to the container (default true)",
     Set<&ContainerFlags::signal_proxy>},
    {0, "explain", "",
     "Show each step of the start and its time; --explain=json; with "
     "--explain=shell, only show the commands that would do the same by hand",
     Apply<[](ContainerFlags& f, absl::string_view v) { return SetExplain(f, v); }>},
    {0, "budget", "", "Show what the start took: forks, netlink messages, page faults...",
     Set<&ContainerFlags::budget>},
};

constexpr OptionGroup kRunOptions = {"To run", kOptions};
constexpr const OptionGroup* kGroups[] = {&kRunOptions,      &kGeneralOptions, &kStorageOptions,
                                          &kNetworkOptions,  &kLimitOptions,   &kResourceOptions,
                                          &kSecurityOptions, &kHealthOptions,  &kRefusedOptions};

bool Attaches(const ContainerFlags& flags, absl::string_view stream) {
  return flags.attach.empty() ||
         std::find(flags.attach.begin(), flags.attach.end(), stream) != flags.attach.end();
}

// A container whose program never ran is not left behind, and neither is its --cidfile.
absl::StatusOr<int> Fail(Context& context, runtime::Engine& engine, const ContainerFlags& flags,
                         const std::string& id, const absl::Status& status) {
  if (!absl::IsUnavailable(status)) {
    if (!flags.cidfile.empty()) unlink(flags.cidfile.c_str());
    engine.Remove(id, /*force=*/true, /*volumes=*/true).IgnoreError();
  }
  context.PrintError(status);
  return context.start_error_code(status);
}

// Prints, at its end, what --explain and --budget ask for.
class Report {
 public:
  Report(Context& context, const ContainerFlags& flags) : context_(context), flags_(flags) {
    if (!flags.explain.empty()) Timeline::Start();
    if (flags.budget) budget_.emplace();
  }
  ~Report() {
    if (!flags_.explain.empty()) {
      const std::vector<TimelineEntry> entries = Timeline::Read();
      context_.err.Write(flags_.explain == "json" ? TimelineJson(entries, getpid())
                                                  : TimelineText(entries, getpid()));
    }
    if (budget_.has_value()) context_.err.Write(budget_->Text());
  }

 private:
  Context& context_;
  const ContainerFlags& flags_;
  std::optional<Budget> budget_;
};

absl::StatusOr<int> PrintShell(Context& context, const ContainerFlags& flags, Arguments arguments) {
  ASSIGN_OR_RETURN(const state::ContainerConfig config,
                   BuildContainerConfig(flags, arguments, LookUpEnv));
  ASSIGN_OR_RETURN(const auto user, runtime::ResolveUserOfRoot(config));
  context.out.Write(ExplainShell(config, user, runtime::InspectHost({}).cgroup_mode));
  return 0;
}

absl::StatusOr<int> RunRun(Context& context, ContainerFlags& flags, Arguments arguments) {
  if (flags.config.tty && flags.interactive && !flags.detach && isatty(STDIN_FILENO) != 1) {
    return UsageError("-t: the input is not a terminal", "leave -t out, or use a terminal");
  }
  if (flags.explain == "shell") return PrintShell(context, flags, arguments);
  const Report report(context, flags);
  ASSIGN_OR_RETURN(const std::string id,
                   CreateContainer(context, flags, arguments, runtime::Engine::Next::kStart));
  Timeline::Stamp("container created");
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  if (flags.detach) {
    if (absl::Status started = engine->Start(id); !started.ok()) {
      return Fail(context, *engine, flags, id, started);
    }
    Timeline::Stamp("program runs");
    context.out.Print(id, "\n");
    return 0;
  }
  const bool reads = flags.attach.empty() ? flags.interactive : Attaches(flags, "stdin");
  absl::StatusOr<runtime::AttachResult> result =
      engine->StartAttached(id, {.stdin_open = reads && flags.interactive,
                                 .stdout_open = Attaches(flags, "stdout"),
                                 .stderr_open = Attaches(flags, "stderr"),
                                 .signal_proxy = flags.signal_proxy,
                                 .detach_keys = flags.detach_keys});
  Timeline::Stamp("container ended");
  if (!result.ok()) return Fail(context, *engine, flags, id, result.status());
  if (result->detached) context.err.Write("read escape sequence\n");
  return result->ClientCode();
}

}  // namespace

constinit const Command kRunCommand = {
    .name = "run",
    .summary = "Create a container and run a program in it",
    .usage = "[OPTIONS] --rootfs DIR[:O] COMMAND [ARG...]",
    .details =
        "The options end where the command begins. Exit codes: the program's own, 128 + n when a\n"
        "signal n ended it, 127 when the program was not found, 126 when it could not be run, and\n"
        "125 when tiny itself failed.",
    .examples =
        "tiny run --rm -it --rootfs /:O sh\n"
        "tiny run -d --name web -p 8080:80 --rootfs /srv/web httpd -f\n"
        "tiny run --rm -m 128m --cpus 0.5 --network none --rootfs /:O python3 job.py",
    .options = kGroups,
    .style = {.stop_at_positional = true},
    .failure_code = kUsageErrorCode,
    .run = Run<ContainerFlags, RunRun>,
};

}  // namespace tiny::cli
