// tiny completion: scripts for bash and zsh, made from the tables of commands and options.
#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "cli/commands.h"

namespace tiny::cli {
namespace {

// What the positional arguments of a command are, for completion.
absl::string_view KindOfArguments(const Command& command) {
  if (absl::StrContains(command.usage, "CONTAINER") || command.name == "inspect") {
    return "containers";
  }
  if (absl::StrContains(command.usage, "VOLUME")) return "volumes";
  if (absl::StrContains(command.usage, "NETWORK")) return "networks";
  return "";
}

std::string FlagsOf(const Command& command) {
  std::string flags = "--help";
  for (const OptionGroup* group : command.options) {
    for (const Option& option : group->options) {
      if (option.set != nullptr && !option.help.empty()) {
        absl::StrAppend(&flags, " --", option.name);
      }
    }
  }
  return flags;
}

bool HasTwoWords(absl::string_view name) { return absl::StrContains(name, ' '); }

// What the shells' `case` calls a command with names of two words, "'network ls'|'network list'";
// empty where it has none.
std::string TwoWordPatterns(const Command& command) {
  std::string patterns;
  const auto add = [&](absl::string_view name) {
    if (!HasTwoWords(name)) return;
    absl::StrAppend(&patterns, patterns.empty() ? "" : "|", "'", name, "'");
  };
  add(command.name);
  for (const absl::string_view alias : command.aliases) add(alias);
  return patterns;
}

// A verb that is said of containers: `container VERB` is the same.
bool IsContainerVerb(const Command& command) {
  return !HasTwoWords(command.name) && (KindOfArguments(command) == "containers" ||
                                        command.name == "create" || command.name == "run");
}

// The first words of all commands, or the second words of those that begin with `group`.
std::string WordsAfter(absl::string_view group) {
  std::set<std::string> words;
  for (const Command* command : AllCommands()) {
    const absl::string_view name = group.empty() ? command->name : NameInGroup(*command, group);
    const size_t blank = name.find(' ');
    if (group.empty()) {
      words.emplace(name.substr(0, blank));
    } else if (name.empty() && group == kContainerGroup && IsContainerVerb(*command)) {
      words.emplace(command->name);
    } else if (!name.empty()) {
      words.emplace(name.substr(blank + 1));
    }
  }
  std::string text;
  for (const std::string& word : words) absl::StrAppend(&text, text.empty() ? "" : " ", word);
  return text;
}

void PrintBash(Output& out) {
  out.Print(R"sh(# bash completion of tiny
_tiny_containers() { tiny ps -a --format '{{.Names}}' 2>/dev/null; }
_tiny_volumes() { tiny volume ls -q 2>/dev/null; }
_tiny_networks() { tiny network ls --format '{{.Name}}' 2>/dev/null; }
_tiny() {
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} flags= kind= words=
  case "$command ${COMP_WORDS[2]}" in
)sh");
  for (const Command* command : AllCommands()) {
    const std::string patterns = TwoWordPatterns(*command);
    if (patterns.empty()) continue;
    out.Print("    ", patterns, ") flags='", FlagsOf(*command),
              "' kind=", KindOfArguments(*command), " ;;\n");
  }
  out.Print("    *) local verb=$command\n      [[ $command == ", kContainerGroup,
            " ]] && verb=${COMP_WORDS[2]}\n      case $verb in\n");
  for (const Command* command : AllCommands()) {
    if (HasTwoWords(command->name)) continue;
    out.Print("      ", command->name, ") flags='", FlagsOf(*command),
              "' kind=", KindOfArguments(*command), " ;;\n");
  }
  out.Write("    esac ;;\n  esac\n");
  out.Print("  if ((COMP_CWORD == 1)); then\n    words='", WordsAfter(""), "'\n");
  for (const char* group : {"container", "network", "port", "system", "volume"}) {
    out.Print("  elif ((COMP_CWORD == 2)) && [[ $command == ", group, " && $word != -* ]]; then\n",
              "    words='", WordsAfter(group), "'\n");
    if (group == std::string("port")) out.Write("    words+=\" $(_tiny_containers)\"\n");
  }
  out.Print("  elif [[ $command == help ]]; then\n    words='", WordsAfter(""), "'\n");
  out.Write(R"sh(  elif [[ $command == completion ]]; then
    words='bash zsh'
  elif [[ $word == -* ]]; then
    words=$flags
  elif [[ $command == network && $kind == containers && $COMP_CWORD == 3 ]]; then
    words=$(_tiny_networks)
  elif [[ -n $kind ]]; then
    words=$(_tiny_$kind)
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [[ ${#COMPREPLY[@]} == 0 ]]; then COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -F _tiny tiny
)sh");
}

std::string Quoted(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"'", "'\\''"}, {":", "\\:"}, {"[", "\\["}, {"]", "\\]"}});
}

void PrintZshOptions(Output& out, const Command& command) {
  for (const OptionGroup* group : command.options) {
    for (const Option& option : group->options) {
      if (option.set == nullptr || option.help.empty()) continue;
      out.Print(" '*--", option.name, "[", Quoted(option.help), "]",
                option.value.empty() ? "" : absl::StrCat(":", Quoted(option.value), ":_files"),
                "'");
    }
  }
}

// The arguments of a command whose name, which `patterns` match, is `words` words long.
void PrintZshCase(Output& out, const Command& command, absl::string_view patterns, int words) {
  out.Print("    ", patterns, ") shift ", words, " words; ((CURRENT -= ", words,
            ")); _arguments -S");
  PrintZshOptions(out, command);
  const absl::string_view kind = KindOfArguments(command);
  out.Print(" '*: :", kind.empty() ? "_files" : absl::StrCat("_tiny_", kind), "' ;;\n");
}

std::set<std::string> Groups() {
  std::set<std::string> groups;
  for (const Command* command : AllCommands()) {
    const size_t blank = command->name.find(' ');
    if (blank != absl::string_view::npos)
      groups.insert(std::string(command->name.substr(0, blank)));
  }
  groups.erase("port");  // a command itself
  return groups;
}

void PrintZsh(Output& out) {
  out.Write(R"sh(#compdef tiny
# zsh completion of tiny
_tiny_containers() { compadd -- ${(f)"$(tiny ps -a --format '{{.Names}}' 2>/dev/null)"} }
_tiny_volumes() { compadd -- ${(f)"$(tiny volume ls -q 2>/dev/null)"} }
_tiny_networks() { compadd -- ${(f)"$(tiny network ls --format '{{.Name}}' 2>/dev/null)"} }
_tiny() {
  local -a commands
  if ((CURRENT == 2)); then
    commands=(
)sh");
  for (const Command* command : AllCommands()) {
    if (HasTwoWords(command->name)) continue;
    out.Print("      '", command->name, ":", Quoted(command->summary), "'\n");
  }
  for (const std::string& group : Groups()) {
    out.Print("      '", group, ":Commands of ", group, "'\n");
  }
  out.Write("    )\n    _describe command commands\n    return\n  fi\n");
  out.Write("  case \"$words[2] $words[3]\" in\n");
  for (const Command* command : AllCommands()) {
    std::string patterns = TwoWordPatterns(*command);
    const std::string verb = absl::StrCat("'", kContainerGroup, " ", command->name, "'");
    if (IsContainerVerb(*command) && !absl::StrContains(patterns, verb)) {
      absl::StrAppend(&patterns, patterns.empty() ? "" : "|", verb);
    }
    if (!patterns.empty()) PrintZshCase(out, *command, patterns, 2);
  }
  for (const std::string& group : Groups()) {
    out.Print("    '", group, " '*) compadd ", WordsAfter(group), " ;;\n");
  }
  for (const Command* command : AllCommands()) {
    if (HasTwoWords(command->name)) continue;
    PrintZshCase(out, *command, absl::StrCat("'", command->name, " '*"), 1);
  }
  out.Write("  esac\n}\n_tiny \"$@\"\n");
}

absl::StatusOr<int> RunCompletion(Context& context, NoFlags&, Arguments arguments) {
  if (arguments[0] == "bash") {
    PrintBash(context.out);
  } else if (arguments[0] == "zsh") {
    PrintZsh(context.out);
  } else {
    return UsageError(absl::StrCat("no completion for ", arguments[0]),
                      "bash and zsh are supported");
  }
  return 0;
}

}  // namespace

constinit const Command kCompletionCommand = {
    .name = "completion",
    .summary = "Print a completion script for your shell",
    .usage = "bash|zsh",
    .examples = "source <(tiny completion bash)\ntiny completion zsh > ~/.zfunc/_tiny",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = Run<NoFlags, RunCompletion>,
};

}  // namespace tiny::cli
