// Every command, and how a command line finds its own.
#ifndef TINY_CLI_COMMANDS_H_
#define TINY_CLI_COMMANDS_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cli/command.h"
#include "cli/object_filter.h"
#include "cli/template/value.h"

namespace tiny::cli {

inline constexpr absl::string_view kPsAliases[] = {"container ls", "container list",
                                                   "container ps"};
inline constexpr absl::string_view kRmAliases[] = {"container rm", "container remove"};

inline constexpr absl::string_view kCpAliases[] = {"container cp", "container copy"};
inline constexpr absl::string_view kEventsAliases[] = {"system events"};
inline constexpr absl::string_view kInfoAliases[] = {"system info"};
inline constexpr absl::string_view kNetworkLsAliases[] = {"network list"};
inline constexpr absl::string_view kNetworkRmAliases[] = {"network remove"};
inline constexpr absl::string_view kVolumeLsAliases[] = {"volume list"};
inline constexpr absl::string_view kVolumeRmAliases[] = {"volume remove"};
inline constexpr absl::string_view kInspectAliases[] = {"container inspect"};

extern const Command kAttachCommand;
extern const Command kCompletionCommand;
extern const Command kContainerPruneCommand;
extern const Command kCpCommand;
extern const Command kCreateCommand;
extern const Command kDiffCommand;
extern const Command kDoctorCommand;
extern const Command kEventsCommand;
extern const Command kExecCommand;
extern const Command kHelpCommand;
extern const Command kInfoCommand;
extern const Command kInspectCommand;
extern const Command kKillCommand;
extern const Command kLogsCommand;
extern const Command kNetworkConnectCommand;
extern const Command kNetworkCreateCommand;
extern const Command kNetworkDisconnectCommand;
extern const Command kNetworkDoctorCommand;
extern const Command kNetworkInspectCommand;
extern const Command kNetworkLsCommand;
extern const Command kNetworkPruneCommand;
extern const Command kNetworkReloadCommand;
extern const Command kNetworkRmCommand;
extern const Command kPauseCommand;
extern const Command kPortAddCommand;
extern const Command kPortCommand;
extern const Command kPortRmCommand;
extern const Command kPsCommand;
extern const Command kRenameCommand;
extern const Command kRestartCommand;
extern const Command kRmCommand;
extern const Command kRunCommand;
extern const Command kStartCommand;
extern const Command kStatsCommand;
extern const Command kStopCommand;
extern const Command kSystemDfCommand;
extern const Command kSystemPruneCommand;
extern const Command kTopCommand;
extern const Command kUnpauseCommand;
extern const Command kUpdateCommand;
extern const Command kVersionCommand;
extern const Command kVolumeCreateCommand;
extern const Command kVolumeInspectCommand;
extern const Command kVolumeLsCommand;
extern const Command kVolumePruneCommand;
extern const Command kVolumeRmCommand;
extern const Command kWaitCommand;
extern const Command kWhyCommand;

// What the inspect commands share: the values that `look` finds for the names, printed as one JSON
// list or each by the template; then the errors. The exit code is 1 where there was one.
absl::StatusOr<int> InspectAll(Context& context, absl::string_view format, Arguments names,
                               absl::FunctionRef<absl::StatusOr<Value>(absl::string_view)> look);

// What the prune commands share: each prints the names of what it has removed.
// Prints what it removes, and adds its bytes to `freed`.
absl::Status PruneVolumes(Context& context, const PruneFlags& flags, bool all, uint64_t* freed);
absl::StatusOr<int> PruneNetworks(Context& context, const ObjectFilter& filter);

// In the order of help.
absl::Span<const Command* const> AllCommands();

// The group that any command of a container may be said in: "container run".
inline constexpr absl::string_view kContainerGroup = "container";

// The name or alias that begins with the group's: "network create", "container ls" of ps. Empty
// where the command is not in the group.
absl::string_view NameInGroup(const Command& command, absl::string_view group);
// Whether commands begin with this word, and it is none by itself ("network", but not "port").
bool IsGroup(absl::string_view name);

// The command that the arguments begin with ("network", "create") and how many of them its name
// takes; nullptr where there is none. "container VERB" is the verb.
struct FoundCommand {
  const Command* command = nullptr;
  size_t words = 0;
};
FoundCommand FindCommand(Arguments arguments);

// "no such command", with the nearest one as the hint.
absl::Status UnknownCommand(Arguments arguments);

}  // namespace tiny::cli

#endif  // TINY_CLI_COMMANDS_H_
