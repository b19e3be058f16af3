#include "cli/option.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cli/suggest.h"

namespace tiny::cli {
namespace {

absl::Status UnknownOption(OptionGroups groups, absl::string_view written, absl::string_view name) {
  std::vector<absl::string_view> names;
  for (const OptionGroup* group : groups) {
    for (const Option& option : group->options) {
      if (option.set != nullptr) names.push_back(option.name);
    }
  }
  absl::Status status = absl::InvalidArgumentError(absl::StrCat("unknown flag ", written));
  const absl::string_view nearest = name.empty() ? "" : NearestName(name, names);
  if (nearest.empty()) return status;
  return WithHint(status, absl::StrCat("did you mean --", nearest, "?"));
}

absl::Status CallSetter(const Option& option, absl::string_view value, void* flags) {
  if (option.set == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("flag --", option.name, " is not supported: ", option.help));
  }
  return Annotate(option.set(flags, value), absl::StrCat("--", option.name));
}

// Walks over the arguments once.
class Parser {
 public:
  Parser(OptionGroups groups, Arguments arguments, void* flags)
      : groups_(groups), left_(arguments), flags_(flags) {}

  absl::StatusOr<ParsedArguments> Parse(ParseStyle style) {
    while (!left_.empty() && !result_.help) {
      const absl::string_view argument = Take();
      if (argument == "--") break;
      if (argument.size() < 2 || argument[0] != '-') {
        result_.positionals.push_back(argument);
        if (style.stop_at_positional) break;
      } else if (argument[1] == '-') {
        RETURN_IF_ERROR(ParseLong(argument.substr(2)));
      } else {
        RETURN_IF_ERROR(ParseLetters(argument.substr(1)));
      }
    }
    result_.positionals.insert(result_.positionals.end(), left_.begin(), left_.end());
    return std::move(result_);
  }

 private:
  absl::string_view Take() {
    const absl::string_view first = left_.front();
    left_.remove_prefix(1);
    return first;
  }

  absl::Status ParseLong(absl::string_view text) {
    const size_t equals = text.find('=');
    const absl::string_view name = text.substr(0, equals);
    const Option* option = FindOption(groups_, name);
    if (option == nullptr) {
      if (name == "help") {
        result_.help = true;
        return absl::OkStatus();
      }
      return UnknownOption(groups_, absl::StrCat("--", name), name);
    }
    if (equals != absl::string_view::npos) {
      return CallSetter(*option, text.substr(equals + 1), flags_);
    }
    return CallWithNextArgument(*option);
  }

  absl::Status ParseLetters(absl::string_view letters) {
    while (!letters.empty() && !result_.help) {
      const char letter = letters[0];
      letters.remove_prefix(1);
      const Option* option = FindOption(groups_, letter);
      if (option == nullptr) {
        if (letter == 'h') {
          result_.help = true;
          return absl::OkStatus();
        }
        return UnknownOption(groups_, absl::StrCat("-", absl::string_view(&letter, 1)), "");
      }
      const bool has_value = !letters.empty() && letters[0] == '=';
      if (option->value.empty() && !has_value) {
        RETURN_IF_ERROR(CallSetter(*option, "true", flags_));
        continue;
      }
      if (letters.empty()) return CallWithNextArgument(*option);
      if (has_value) letters.remove_prefix(1);
      return CallSetter(*option, letters, flags_);
    }
    return absl::OkStatus();
  }

  absl::Status CallWithNextArgument(const Option& option) {
    if (option.value.empty()) return CallSetter(option, "true", flags_);
    if (left_.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("flag --", option.name, " needs a value"));
    }
    return CallSetter(option, Take(), flags_);
  }

  OptionGroups groups_;
  Arguments left_;
  void* flags_;
  ParsedArguments result_;
};

}  // namespace

absl::StatusOr<ParsedArguments> ParseOptions(OptionGroups groups, Arguments arguments,
                                             ParseStyle style, void* flags) {
  return Parser(groups, arguments, flags).Parse(style);
}

const Option* FindOption(OptionGroups groups, absl::string_view name) {
  for (const OptionGroup* group : groups) {
    for (const Option& option : group->options) {
      if (option.name == name) return &option;
    }
  }
  return nullptr;
}

const Option* FindOption(OptionGroups groups, char letter) {
  for (const OptionGroup* group : groups) {
    for (const Option& option : group->options) {
      if (option.letter == letter) return &option;
    }
  }
  return nullptr;
}

namespace option_internal {

absl::Status Assign(bool& field, absl::string_view value) {
  if (absl::SimpleAtob(value, &field)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is neither true nor false"));
}

absl::Status Assign(int& field, absl::string_view value) {
  if (absl::SimpleAtoi(value, &field)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is not a whole number"));
}

absl::Status Assign(int64_t& field, absl::string_view value) {
  if (absl::SimpleAtoi(value, &field)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is not a whole number"));
}

absl::Status Assign(std::optional<int>& field, absl::string_view value) {
  return Assign(field.emplace(), value);
}

absl::Status Assign(std::string& field, absl::string_view value) {
  field = std::string(value);
  return absl::OkStatus();
}

absl::Status Assign(std::optional<std::string>& field, absl::string_view value) {
  field = std::string(value);
  return absl::OkStatus();
}

absl::Status Assign(std::vector<std::string>& field, absl::string_view value) {
  field.emplace_back(value);
  return absl::OkStatus();
}

}  // namespace option_internal
}  // namespace tiny::cli
