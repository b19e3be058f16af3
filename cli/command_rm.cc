// tiny rm and tiny rename.
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/targets.h"

namespace tiny::cli {
namespace {

struct Flags {
  bool force = false;
  bool volumes = false;
};

constexpr Option kOptions[] = {
    {'f', "force", "", "Kill it first if it runs; one that does not exist is no error",
     Set<&Flags::force>},
    {'v', "volumes", "", "Remove its anonymous volumes too", Set<&Flags::volumes>},
    {'l', "link", "", "tiny has no links", nullptr},
};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr const OptionGroup* kGroups[] = {&kGroup};

absl::StatusOr<int> RunRm(Context& context, Flags& flags, Arguments targets) {
  return ForEachTarget(
      context, targets, TargetOrder::kAtOnce,
      [&](runtime::Engine& engine, absl::string_view target) -> absl::StatusOr<std::string> {
        const absl::Status removed = engine.Remove(target, flags.force, flags.volumes);
        if (flags.force && absl::IsNotFound(removed)) return std::string();
        RETURN_IF_ERROR(removed);
        return std::string(target);
      });
}

absl::StatusOr<int> RunRename(Context& context, NoFlags&, Arguments arguments) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const absl::Status renamed = engine->Rename(arguments[0], arguments[1]);
  if (!renamed.ok()) return context.ExplainMissing(renamed, arguments[0]);
  return 0;
}

}  // namespace

constinit const Command kRmCommand = {
    .name = "rm",
    .aliases = kRmAliases,
    .summary = "Remove containers",
    .usage = "[OPTIONS] CONTAINER...",
    .details = "One that runs is an error unless --force is given.",
    .examples = "tiny rm web\ntiny rm -fv web db\ntiny rm -f $(tiny ps -aq)",
    .options = kGroups,
    .min_arguments = 1,
    .run = Run<Flags, RunRm>,
};

constinit const Command kRenameCommand = {
    .name = "rename",
    .summary = "Give a container another name",
    .usage = "CONTAINER NEW_NAME",
    .examples = "tiny rename web old-web",
    .min_arguments = 2,
    .max_arguments = 2,
    .run = Run<NoFlags, RunRename>,
};

}  // namespace tiny::cli
