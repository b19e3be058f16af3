#include "cli/flag_parsers/csv.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace tiny::cli {

absl::StatusOr<std::vector<std::string>> SplitCsv(absl::string_view text) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    std::string& field = fields.back();
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        quoted = false;
        if (i + 1 < text.size() && text[i + 1] != ',') {
          return absl::InvalidArgumentError(absl::StrCat("text after a quote in \"", text, "\""));
        }
      }
    } else if (c == '"' && field.empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else {
      field += c;
    }
  }
  if (quoted) return absl::InvalidArgumentError(absl::StrCat("open quote in \"", text, "\""));
  return fields;
}

absl::StatusOr<std::vector<KeyValue>> SplitKeyValues(absl::string_view text) {
  ASSIGN_OR_RETURN(const std::vector<std::string> fields, SplitCsv(text));
  std::vector<KeyValue> result;
  for (const std::string& field : fields) {
    const size_t equals = field.find('=');
    KeyValue each;
    each.key = absl::AsciiStrToLower(field.substr(0, equals));
    each.has_value = equals != std::string::npos;
    if (each.has_value) each.value = field.substr(equals + 1);
    if (each.key.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("empty field in \"", text, "\""));
    }
    result.push_back(std::move(each));
  }
  return result;
}

absl::StatusOr<std::pair<std::string, std::string>> ParseKeyValue(absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos || equals == 0) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not of the form KEY=VALUE"));
  }
  return std::make_pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

absl::StatusOr<bool> ParseSwitch(const KeyValue& field) {
  bool value = true;
  if (!field.has_value || absl::SimpleAtob(field.value, &value)) return value;
  return absl::InvalidArgumentError(
      absl::StrCat(field.key, "=", field.value, " is neither true nor false"));
}

bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > 128 || !absl::ascii_isalnum(text[0])) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && c != '_' && c != '.' && c != '-') return false;
  }
  return true;
}

}  // namespace tiny::cli
