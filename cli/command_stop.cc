// tiny stop and tiny restart, which take the same options.
#include "base/status_macros.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/resources.h"
#include "cli/targets.h"

namespace tiny::cli {
namespace {

struct Flags {
  runtime::StopOptions stop;
};

absl::Status SetTimeout(Flags& flags, absl::string_view value) {
  ASSIGN_OR_RETURN(const int64_t seconds, ParseNumber(value, -1, 1 << 30));
  flags.stop.timeout_seconds = static_cast<int>(seconds);
  return absl::OkStatus();
}

constexpr Option kOptions[] = {
    {'s', "signal", "signal", "Signal in place of the container's own",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       ASSIGN_OR_RETURN(f.stop.signal, ParseSignal(v));
       return absl::OkStatus();
     }>},
    {'t', "timeout", "seconds", "Time before it is killed (default 10); -1 for ever",
     Apply<[](Flags& f, absl::string_view v) { return SetTimeout(f, v); }>},
    {0, "time", "seconds", "",
     Apply<[](Flags& f, absl::string_view v) { return SetTimeout(f, v); }>},
};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr const OptionGroup* kGroups[] = {&kGroup};

std::function<void(absl::string_view)> NoteFor(Context& context) {
  return [&context](absl::string_view note) {
    context.PrintWarning(note);
    context.err.Flush();
  };
}

absl::StatusOr<int> RunStop(Context& context, Flags& flags, Arguments targets) {
  return ForEachTarget(
      context, targets, TargetOrder::kAtOnce,
      [&](runtime::Engine& engine, absl::string_view target) -> absl::StatusOr<std::string> {
        runtime::StopOptions options = flags.stop;
        if (targets.size() == 1) options.note = NoteFor(context);
        RETURN_IF_ERROR(engine.Stop(target, options));
        return std::string(target);
      });
}

absl::StatusOr<int> RunRestart(Context& context, Flags& flags, Arguments targets) {
  return ForEachTarget(
      context, targets, TargetOrder::kOneByOne,
      [&](runtime::Engine& engine, absl::string_view target) -> absl::StatusOr<std::string> {
        RETURN_IF_ERROR(engine.Restart(target, flags.stop));
        return std::string(target);
      });
}

}  // namespace

constinit const Command kStopCommand = {
    .name = "stop",
    .summary = "Stop running containers",
    .usage = "[OPTIONS] CONTAINER...",
    .details = "Sends the stop signal, waits, and then kills every process of the container.",
    .examples = "tiny stop web\ntiny stop -t 30 db cache\ntiny stop -s INT shell",
    .options = kGroups,
    .min_arguments = 1,
    .run = Run<Flags, RunStop>,
};

constinit const Command kRestartCommand = {
    .name = "restart",
    .summary = "Stop containers and start them again",
    .usage = "[OPTIONS] CONTAINER...",
    .details = "",
    .examples = "tiny restart web\ntiny restart -t 0 web",
    .options = kGroups,
    .min_arguments = 1,
    .run = Run<Flags, RunRestart>,
};

}  // namespace tiny::cli
