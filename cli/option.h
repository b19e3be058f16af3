// The options of a command as a table that costs nothing until it is read.
//
//   struct Flags { bool all = false; std::string format; };
//   constexpr Option kOptions[] = {
//       {'a', "all", "", "Show all containers", Set<&Flags::all>},
//       {0, "format", "template", "Print in this form", Set<&Flags::format>},
//   };
//   constexpr OptionGroup kGroup = {"", kOptions};
//   Flags flags;
//   ASSIGN_OR_RETURN(auto parsed, ParseOptions({&kGroup}, arguments, {}, &flags));
//
// The tables are constants in the read-only data of the program: no constructor runs and no page
// is written for them (a parser with objects for the 90 options of `run` was measured at 330 us, a
// third of a whole container start). One table serves the parser, help, completion and
// did-you-mean.
//
// The grammar is that of Docker's command line: -dit, -p80:80, -eA=b, -p=80:80, --name=value,
// --name value (whatever the value begins with), --switch=false, and "--". Thread-safe.
#ifndef TINY_CLI_OPTION_H_
#define TINY_CLI_OPTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tiny::cli {

struct Option {
  char letter = 0;  // 0: has none
  absl::string_view name;
  absl::string_view value;  // what help calls it, "bytes"; empty: a switch
  absl::string_view help;   // empty: works, but is not listed
  // Called for each time that the option is given, in order. nullptr: the option is one of
  // Docker's that tiny refuses, and `help` says why.
  absl::Status (*set)(void* flags, absl::string_view value) = nullptr;
};

struct OptionGroup {
  absl::string_view title;  // "" for a command with one group
  absl::Span<const Option> options;
};

// Pointers, so that a command may list groups of other files and stay a constant.
using OptionGroups = absl::Span<const OptionGroup* const>;

using Arguments = absl::Span<const absl::string_view>;

struct ParseStyle {
  bool stop_at_positional = false;  // run, create, exec: the rest is the container's command line
};

// True where the arguments ask for help: --help, or -h where that is no option of the command.
// (Only before the first positional where the style says so.)
struct ParsedArguments {
  std::vector<absl::string_view> positionals;
  bool help = false;
};

// Calls the setters; kInvalidArgument names the option and what is wrong, with a hint.
absl::StatusOr<ParsedArguments> ParseOptions(OptionGroups groups, Arguments arguments,
                                             ParseStyle style, void* flags);

const Option* FindOption(OptionGroups groups, absl::string_view name);
const Option* FindOption(OptionGroups groups, char letter);

namespace option_internal {

absl::Status Assign(bool& field, absl::string_view value);
absl::Status Assign(int& field, absl::string_view value);
absl::Status Assign(int64_t& field, absl::string_view value);
absl::Status Assign(std::optional<int>& field, absl::string_view value);
absl::Status Assign(std::string& field, absl::string_view value);
absl::Status Assign(std::optional<std::string>& field, absl::string_view value);
absl::Status Assign(std::vector<std::string>& field, absl::string_view value);

template <typename Class, typename Field>
Class ClassOfMember(Field Class::*);
template <typename Lambda, typename Flags>
Flags FlagsOfLambda(absl::Status (Lambda::*)(Flags&, absl::string_view) const);

}  // namespace option_internal

// A setter for a member: a switch, a number, a text, or a list that grows with each use.
//
// Flags is a parameter so that g++ (12) sees that the function belongs to a type of an unnamed
// namespace: from a pointer to member alone it makes one weak symbol for all files that have a
// Flags with such a member, and the linker picks any of them.
template <auto kMember, typename Flags = decltype(option_internal::ClassOfMember(kMember))>
absl::Status Set(void* flags, absl::string_view value) {
  return option_internal::Assign(static_cast<Flags*>(flags)->*kMember, value);
}

// The same for a member of a member: SetIn<&Flags::exec, &runtime::ExecOptions::detach>.
template <auto kOuter, auto kInner,
          typename Flags = decltype(option_internal::ClassOfMember(kOuter))>
absl::Status SetIn(void* flags, absl::string_view value) {
  return option_internal::Assign((static_cast<Flags*>(flags)->*kOuter).*kInner, value);
}

// A setter made of a lambda: absl::Status (Flags&, absl::string_view).
template <auto kLambda>
absl::Status Apply(void* flags, absl::string_view value) {
  using Flags = decltype(option_internal::FlagsOfLambda(&decltype(kLambda)::operator()));
  return kLambda(*static_cast<Flags*>(flags), value);
}

}  // namespace tiny::cli

#endif  // TINY_CLI_OPTION_H_
