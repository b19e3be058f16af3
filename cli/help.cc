#include "cli/help.h"

#include <algorithm>

#include "absl/strings/str_split.h"
#include "cli/commands.h"

namespace tiny::cli {
namespace {

constexpr size_t kOptionColumn = 34;

// The topics of the overview, with the first verbs of those commands that it lists under each.
struct Topic {
  absl::string_view title;
  absl::string_view names;
};
constexpr Topic kTopics[] = {
    {"Run a container", "run create start exec attach"},
    {"See what runs", "ps logs inspect top stats port diff events why"},
    {"Change and stop it", "stop restart kill wait pause unpause update rename rm cp container"},
    {"Images",
     "images pull push rmi tag save load import export commit history build login logout"},
    {"Volumes and networks", "volume network"},
    {"tiny itself", "info doctor system prune version completion help"},
};

std::string OptionHead(const Option& option) {
  std::string head = option.letter != 0
                         ? absl::StrCat("  -", absl::string_view(&option.letter, 1), ", --")
                         : std::string("      --");
  absl::StrAppend(&head, option.name);
  if (!option.value.empty()) absl::StrAppend(&head, " ", option.value);
  return head;
}

void PrintOptions(Output& out, const OptionGroup& group) {
  std::vector<const Option*> listed;
  for (const Option& option : group.options) {
    if (option.set != nullptr && !option.help.empty()) listed.push_back(&option);
  }
  if (listed.empty()) return;
  out.Print("\n", group.title.empty() ? "Options" : group.title, ":\n");
  for (const Option* option : listed) {
    const std::string head = OptionHead(*option);
    const size_t gap = head.size() + 2 > kOptionColumn ? 2 : kOptionColumn - head.size();
    out.Print(head, std::string(gap, ' '), option->help, "\n");
  }
}

void PrintIndented(Output& out, absl::string_view title, absl::string_view lines) {
  if (lines.empty()) return;
  out.Print("\n", title, ":\n");
  for (const absl::string_view line : absl::StrSplit(lines, '\n')) out.Print("  ", line, "\n");
}

bool Lists(absl::string_view names, absl::string_view name) {
  const std::vector<absl::string_view> all = absl::StrSplit(names, ' ');
  return std::find(all.begin(), all.end(), name) != all.end();
}

void PrintSummary(Output& out, absl::string_view name, const Command& command) {
  const size_t gap = name.size() < 20 ? 20 - name.size() : 1;
  out.Print("  ", name, std::string(gap, ' '), command.summary, "\n");
}

void PrintCommandsOf(Output& out, absl::string_view group) {
  bool titled = false;
  for (const Command* command : AllCommands()) {
    const absl::string_view name = NameInGroup(*command, group);
    if (name.empty()) continue;
    if (!titled) out.Print("\nCommands:\n");
    titled = true;
    PrintSummary(out, name, *command);
  }
}

}  // namespace

void PrintHelp(Output& out, const Command& command) {
  out.Print("Usage:  tiny ", command.name, command.usage.empty() ? "" : " ", command.usage, "\n\n",
            command.summary, ".\n");
  if (!command.details.empty()) out.Print("\n", command.details, "\n");
  if (!command.aliases.empty()) {
    out.Print("\nAlso:");
    for (const absl::string_view alias : command.aliases) out.Print("  tiny ", alias);
    out.Print("\n");
  }
  PrintCommandsOf(out, command.name);
  PrintIndented(out, "Examples", command.examples);
  for (const OptionGroup* group : command.options) PrintOptions(out, *group);
}

void PrintGroup(Output& out, absl::string_view group) {
  out.Print("Usage:  tiny ", group, " COMMAND ...\n");
  PrintCommandsOf(out, group);
  if (group == kContainerGroup) {
    out.Print("\nThe other commands of a container can be said so, too: tiny container run ...\n");
  }
  out.Print("\ntiny ", group, " COMMAND --help tells more about each.\n");
}

void PrintOverview(Output& out, absl::Span<const Command* const> commands) {
  out.Print(
      "Usage:  tiny [--root DIR] [--run-root DIR] [--debug] COMMAND ...\n\n"
      "Runs containers on Linux, without a daemon.\n\n"
      "  tiny run --rm -it --rootfs /:O sh     an isolated shell over a throw-away copy of this "
      "machine's files\n");
  for (const Topic& topic : kTopics) {
    bool titled = false;
    for (const Command* command : commands) {
      const absl::string_view first = command->name.substr(0, command->name.find(' '));
      if (!Lists(topic.names, first)) continue;
      if (!titled) out.Print("\n", topic.title, ":\n");
      titled = true;
      PrintSummary(out, command->name, *command);
    }
  }
  out.Print("\ntiny COMMAND --help tells more about each.\n");
}

}  // namespace tiny::cli
