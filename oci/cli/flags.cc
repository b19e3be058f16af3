#include "oci/cli/flags.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace tiny::oci {
namespace {

bool IsSwitch(const Flag& flag) {
  return std::holds_alternative<bool*>(flag.target) ||
         std::holds_alternative<std::optional<bool>*>(flag.target);
}

absl::StatusOr<bool> ParseSwitch(const Flag& flag, absl::string_view value) {
  bool on = false;
  if (absl::SimpleAtob(value, &on)) return on;
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag.name, ": \"", value, "\" is neither true nor false"));
}

absl::Status Set(const Flag& flag, absl::string_view value) {
  if (bool* const* target = std::get_if<bool*>(&flag.target)) {
    ASSIGN_OR_RETURN(**target, ParseSwitch(flag, value));
  } else if (auto* const* target = std::get_if<std::optional<bool>*>(&flag.target)) {
    ASSIGN_OR_RETURN(**target, ParseSwitch(flag, value));
  } else if (std::string* const* target = std::get_if<std::string*>(&flag.target)) {
    **target = std::string(value);
  } else if (auto* const* target = std::get_if<std::optional<int64_t>*>(&flag.target)) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(value, &number)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", flag.name, ": \"", value, "\" is not a number"));
    }
    **target = number;
  } else {
    std::get<std::vector<std::string>*>(flag.target)->emplace_back(value);
  }
  return absl::OkStatus();
}

absl::Status Unknown(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("unknown flag ", text));
}

}  // namespace

const Flag* Flags::Find(absl::string_view name) const {
  for (const Flag& flag : flags_) {
    if (name == flag.name) return &flag;
  }
  return nullptr;
}

const Flag* Flags::Find(char letter) const {
  for (const Flag& flag : flags_) {
    if (letter == flag.letter) return &flag;
  }
  return nullptr;
}

absl::StatusOr<std::vector<std::string>> Flags::Parse(absl::Span<const char* const> arguments,
                                                      bool mixed) const {
  std::vector<std::string> operands;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const absl::string_view argument = arguments[i];
    if (argument == "--" || (!operands.empty() && !mixed)) {
      const size_t first = argument == "--" && (operands.empty() || mixed) ? i + 1 : i;
      operands.insert(operands.end(), arguments.begin() + first, arguments.end());
      break;
    }
    if (argument.size() < 2 || argument[0] != '-') {
      operands.emplace_back(argument);
      continue;
    }
    // The switches of "-abc", but for the last letter.
    absl::string_view text = argument.substr(1);
    const bool is_long = absl::ConsumePrefix(&text, "-") || Find(text.substr(0, text.find('=')));
    while (!is_long && text.size() > 1 && text[1] != '=') {
      const Flag* flag = Find(text[0]);
      if (flag == nullptr || !IsSwitch(*flag)) break;
      RETURN_IF_ERROR(Set(*flag, "true"));
      text.remove_prefix(1);
    }
    const size_t equals = text.find('=');
    const absl::string_view name = text.substr(0, equals);
    const Flag* flag = is_long ? Find(name) : Find(text[0]);
    if (flag == nullptr && (argument == "--help" || argument == "-h")) {
      return absl::CancelledError(Help());
    }
    if (flag == nullptr) return Unknown(argument);
    if (equals != absl::string_view::npos && (is_long || equals == 1)) {
      RETURN_IF_ERROR(Set(*flag, text.substr(equals + 1)));
    } else if (IsSwitch(*flag)) {
      RETURN_IF_ERROR(Set(*flag, "true"));
    } else if (!is_long && text.size() > 1) {
      RETURN_IF_ERROR(Set(*flag, text.substr(1)));
    } else if (i + 1 < arguments.size()) {
      RETURN_IF_ERROR(Set(*flag, arguments[++i]));
    } else {
      return absl::InvalidArgumentError(absl::StrCat(argument, " needs a value"));
    }
  }
  return operands;
}

std::string Flags::Help() const {
  std::string text;
  for (const Flag& flag : flags_) {
    const std::string letter = flag.letter == '\0' ? "    " : absl::StrFormat("-%c, ", flag.letter);
    absl::StrAppendFormat(&text, "  %s--%-24s %s\n", letter, flag.name, flag.help);
  }
  return text;
}

}  // namespace tiny::oci
