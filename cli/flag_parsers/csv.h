// The text forms that several flags share. Pure functions, thread-safe; errors are
// kInvalidArgument.
#ifndef TINY_CLI_FLAG_PARSERS_CSV_H_
#define TINY_CLI_FLAG_PARSERS_CSV_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::cli {

// One record of RFC 4180: fields between commas, quoted ones with "" for a quote.
absl::StatusOr<std::vector<std::string>> SplitCsv(absl::string_view text);

// "type=bind,ro" as {{"type", "bind"}, {"ro", ""}}; keys in lower case. The empty value of "ro" and
// of "ro=" are told apart by `has_value`.
struct KeyValue {
  std::string key;
  std::string value;
  bool has_value = false;
};
absl::StatusOr<std::vector<KeyValue>> SplitKeyValues(absl::string_view text);

// "key=value"; the key is not empty.
absl::StatusOr<std::pair<std::string, std::string>> ParseKeyValue(absl::string_view text);

// "true", "1", "false", "0"; an absent value is true.
absl::StatusOr<bool> ParseSwitch(const KeyValue& field);

// Volume, network and container names: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 128 characters.
bool IsName(absl::string_view text);

}  // namespace tiny::cli

#endif  // TINY_CLI_FLAG_PARSERS_CSV_H_
