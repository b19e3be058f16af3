// tiny start.
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/flag_parsers/policies.h"
#include "cli/targets.h"

namespace tiny::cli {
namespace {

struct Flags {
  bool attach = false;
  bool interactive = false;
  bool signal_proxy = true;
  std::string detach_keys = "ctrl-p,ctrl-q";
};

constexpr Option kOptions[] = {
    {'a', "attach", "", "Attach its output, and exit as it does", Set<&Flags::attach>},
    {'i', "interactive", "", "Attach its input too", Set<&Flags::interactive>},
    {0, "detach-keys", "keys", "Keys that leave it running (default ctrl-p,ctrl-q)",
     Apply<[](Flags& f, absl::string_view v) {
       f.detach_keys = std::string(v);
       return CheckDetachKeys(v);
     }>},
    {0, "sig-proxy", "", "Pass signals on to the container (default true)",
     Set<&Flags::signal_proxy>},
};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr const OptionGroup* kGroups[] = {&kGroup};

absl::StatusOr<int> StartAttached(Context& context, const Flags& flags, absl::string_view name) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  absl::StatusOr<runtime::AttachResult> result =
      engine->StartAttached(name, {.stdin_open = flags.interactive,
                                   .signal_proxy = flags.signal_proxy,
                                   .detach_keys = flags.detach_keys});
  if (!result.ok()) {
    context.PrintError(context.ExplainMissing(result.status(), name));
    return 1;  // as Docker's, whatever the reason
  }
  if (result->detached) context.err.Write("read escape sequence\n");
  return result->ClientCode();
}

absl::StatusOr<int> RunStart(Context& context, Flags& flags, Arguments targets) {
  if (!flags.attach && !flags.interactive) {
    return ForEachTarget(
        context, targets, TargetOrder::kOneByOne,
        [](runtime::Engine& engine, absl::string_view target) -> absl::StatusOr<std::string> {
          RETURN_IF_ERROR(engine.Start(target));
          return std::string(target);
        });
  }
  if (targets.size() > 1) return UsageError("only one container can be attached at a time");
  return StartAttached(context, flags, targets[0]);
}

}  // namespace

constinit const Command kStartCommand = {
    .name = "start",
    .summary = "Start containers that were created or have ended",
    .usage = "[OPTIONS] CONTAINER...",
    .details = "Prints each name. One that runs already is left alone.",
    .examples = "tiny start web db\ntiny start -ai shell",
    .options = kGroups,
    .min_arguments = 1,
    .run = Run<Flags, RunStart>,
};

}  // namespace tiny::cli
