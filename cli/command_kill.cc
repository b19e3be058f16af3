// tiny kill, pause, unpause and wait: verbs with few options.
#include <signal.h>

#include "base/status_macros.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/targets.h"

namespace tiny::cli {
namespace {

struct KillFlags {
  int signal = SIGKILL;
};

constexpr Option kKillOptions[] = {
    {'s', "signal", "signal", "By name or number (default KILL)",
     Apply<[](KillFlags& f, absl::string_view v) { return Store(ParseSignal(v), &f.signal); }>},
};
constexpr OptionGroup kKillGroup = {"", kKillOptions};
constexpr const OptionGroup* kKillGroups[] = {&kKillGroup};

absl::StatusOr<int> RunKill(Context& context, KillFlags& flags, Arguments targets) {
  return ForEachTarget(
      context, targets, TargetOrder::kAtOnce,
      [&](runtime::Engine& engine, absl::string_view target) -> absl::StatusOr<std::string> {
        RETURN_IF_ERROR(engine.Kill(target, flags.signal));
        return std::string(target);
      });
}

template <absl::Status (runtime::Engine::*kVerb)(absl::string_view)>
absl::StatusOr<int> RunSimple(Context& context, NoFlags&, Arguments targets) {
  return ForEachTarget(
      context, targets, TargetOrder::kOneByOne,
      [](runtime::Engine& engine, absl::string_view target) -> absl::StatusOr<std::string> {
        RETURN_IF_ERROR((engine.*kVerb)(target));
        return std::string(target);
      });
}

absl::StatusOr<int> RunWait(Context& context, NoFlags&, Arguments targets) {
  return ForEachTarget(
      context, targets, TargetOrder::kAtOnce,
      [](runtime::Engine& engine, absl::string_view target) -> absl::StatusOr<std::string> {
        ASSIGN_OR_RETURN(const int code, engine.Wait(target));
        return absl::StrCat(code);
      });
}

}  // namespace

constinit const Command kKillCommand = {
    .name = "kill",
    .summary = "Send a signal to containers",
    .usage = "[OPTIONS] CONTAINER...",
    .details =
        "KILL ends every process of the container; other signals go to its first one, and a "
        "paused\n"
        "container goes on to see them. Only KILL and its stop signal cancel its restarts.",
    .examples = "tiny kill web\ntiny kill -s HUP web",
    .options = kKillGroups,
    .min_arguments = 1,
    .run = Run<KillFlags, RunKill>,
};

constinit const Command kPauseCommand = {
    .name = "pause",
    .summary = "Suspend all processes of containers",
    .usage = "CONTAINER...",
    .examples = "tiny pause web",
    .min_arguments = 1,
    .run = Run<NoFlags, RunSimple<&runtime::Engine::Pause>>,
};

constinit const Command kUnpauseCommand = {
    .name = "unpause",
    .summary = "Resume paused containers",
    .usage = "CONTAINER...",
    .examples = "tiny unpause web",
    .min_arguments = 1,
    .run = Run<NoFlags, RunSimple<&runtime::Engine::Unpause>>,
};

constinit const Command kWaitCommand = {
    .name = "wait",
    .summary = "Wait until containers have ended, then print their exit codes",
    .usage = "CONTAINER...",
    .examples = "code=$(tiny wait job)",
    .min_arguments = 1,
    .run = Run<NoFlags, RunWait>,
};

}  // namespace tiny::cli
