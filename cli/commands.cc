#include "cli/commands.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/suggest.h"

namespace tiny::cli {
namespace {

constexpr const Command* kCommands[] = {
    &kRunCommand,
    &kCreateCommand,
    &kStartCommand,
    &kExecCommand,
    &kAttachCommand,
    &kPsCommand,
    &kLogsCommand,
    &kInspectCommand,
    &kTopCommand,
    &kStatsCommand,
    &kPortCommand,
    &kPortAddCommand,
    &kPortRmCommand,
    &kDiffCommand,
    &kEventsCommand,
    &kWhyCommand,
    &kStopCommand,
    &kRestartCommand,
    &kKillCommand,
    &kWaitCommand,
    &kPauseCommand,
    &kUnpauseCommand,
    &kUpdateCommand,
    &kRenameCommand,
    &kRmCommand,
    &kCpCommand,
    &kVolumeCreateCommand,
    &kVolumeLsCommand,
    &kVolumeInspectCommand,
    &kVolumeRmCommand,
    &kVolumePruneCommand,
    &kNetworkCreateCommand,
    &kNetworkLsCommand,
    &kNetworkInspectCommand,
    &kNetworkConnectCommand,
    &kNetworkDisconnectCommand,
    &kNetworkRmCommand,
    &kNetworkPruneCommand,
    &kNetworkReloadCommand,
    &kNetworkDoctorCommand,
    &kInfoCommand,
    &kDoctorCommand,
    &kSystemDfCommand,
    &kSystemPruneCommand,
    &kContainerPruneCommand,
    &kVersionCommand,
    &kCompletionCommand,
    &kHelpCommand,
};

// What Docker has and tiny has not.
struct AbsentCommand {
  absl::string_view name;
  absl::string_view why;
};
constexpr absl::string_view kNoImages =
    "there is no image store yet; run a folder with --rootfs, such as an unpacked image";
constexpr absl::string_view kBuildElsewhere =
    "tiny runs containers and builds none; buildah and docker make folders and images that it runs";
constexpr absl::string_view kOneMachine = "tiny is for one machine and single containers";
constexpr AbsentCommand kAbsent[] = {
    {"build", kBuildElsewhere}, {"buildx", kBuildElsewhere}, {"commit", kNoImages},
    {"export", kNoImages},      {"history", kNoImages},      {"image", kNoImages},
    {"images", kNoImages},      {"import", kNoImages},       {"load", kNoImages},
    {"login", kNoImages},       {"logout", kNoImages},       {"pull", kNoImages},
    {"push", kNoImages},        {"rmi", kNoImages},          {"save", kNoImages},
    {"search", kNoImages},      {"tag", kNoImages},          {"compose", kOneMachine},
    {"service", kOneMachine},   {"stack", kOneMachine},      {"swarm", kOneMachine},
    {"node", kOneMachine},
};

bool IsNamed(const Command& command, absl::string_view name) {
  return command.name == name ||
         std::find(command.aliases.begin(), command.aliases.end(), name) != command.aliases.end();
}

const Command* FindByName(absl::string_view name) {
  for (const Command* command : kCommands) {
    if (IsNamed(*command, name)) return command;
  }
  return nullptr;
}

}  // namespace

absl::Span<const Command* const> AllCommands() { return kCommands; }

absl::string_view NameInGroup(const Command& command, absl::string_view group) {
  const auto is_in = [group](absl::string_view name) {
    return name.size() > group.size() && name[group.size()] == ' ' && absl::StartsWith(name, group);
  };
  if (is_in(command.name)) return command.name;
  const auto alias = std::find_if(command.aliases.begin(), command.aliases.end(), is_in);
  return alias == command.aliases.end() ? "" : *alias;
}

bool IsGroup(absl::string_view name) {
  return FindByName(name) == nullptr &&
         std::any_of(std::begin(kCommands), std::end(kCommands), [name](const Command* command) {
           return !NameInGroup(*command, name).empty();
         });
}

FoundCommand FindCommand(Arguments arguments) {
  if (arguments.empty()) return {};
  // "port add" before "port": no container can be meant, as those take one more word.
  if (arguments.size() > 1) {
    const std::string both = absl::StrCat(arguments[0], " ", arguments[1]);
    if (const Command* command = FindByName(both)) return {command, 2};
  }
  if (const Command* command = FindByName(arguments[0])) return {command, 1};
  if (arguments.size() < 2) return {};
  if (arguments[0] != kContainerGroup || absl::StrContains(arguments[1], ' ')) return {};
  return {FindByName(arguments[1]), 2};
}

absl::Status UnknownCommand(Arguments arguments) {
  std::string name(arguments[0]);
  if (IsGroup(name) && arguments.size() > 1) {
    absl::StrAppend(&name, " ", arguments[1]);
  }
  for (const AbsentCommand& absent : kAbsent) {
    if (absent.name == arguments[0]) {
      return UsageError(absl::StrCat("tiny has no command ", arguments[0]), absent.why);
    }
  }
  std::vector<absl::string_view> names;
  for (const Command* command : kCommands) names.push_back(command->name);
  const absl::string_view nearest = NearestName(name, names);
  return UsageError(
      absl::StrCat("no such command: ", name),
      nearest.empty() ? "see tiny help" : absl::StrCat("did you mean ", nearest, "?"));
}

}  // namespace tiny::cli
