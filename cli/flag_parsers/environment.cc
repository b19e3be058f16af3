#include "cli/flag_parsers/environment.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace tiny::cli {
namespace {

// Calls `line` for each line of a file that says something.
absl::Status ForEachLine(absl::string_view contents,
                         absl::FunctionRef<absl::Status(absl::string_view)> line) {
  absl::ConsumePrefix(&contents, "\xEF\xBB\xBF");
  int number = 0;
  for (absl::string_view each : absl::StrSplit(contents, '\n')) {
    ++number;
    absl::ConsumeSuffix(&each, "\r");
    each = absl::StripLeadingAsciiWhitespace(each);
    if (each.empty() || each[0] == '#') continue;
    if (absl::Status status = line(each); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckName(absl::string_view name, absl::string_view text) {
  if (name.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("no name before the = in \"", text, "\""));
  }
  for (const char c : name) {
    if (c == '\0') return absl::InvalidArgumentError("a name holds a NUL byte");
  }
  return absl::OkStatus();
}

}  // namespace

void SetEnv(absl::string_view assignment, std::vector<std::string>* env) {
  const absl::string_view prefix = assignment.substr(0, assignment.find('=') + 1);
  for (std::string& each : *env) {
    if (absl::StartsWith(each, prefix)) {
      each = std::string(assignment);
      return;
    }
  }
  env->emplace_back(assignment);
}

absl::Status AddEnv(absl::string_view text, EnvLookup lookup, std::vector<std::string>* env) {
  const size_t equals = text.find('=');
  RETURN_IF_ERROR(CheckName(text.substr(0, equals), text));
  if (equals != absl::string_view::npos) {
    SetEnv(text, env);
  } else if (const std::optional<std::string> value = lookup(text); value.has_value()) {
    SetEnv(absl::StrCat(text, "=", *value), env);
  }
  return absl::OkStatus();
}

absl::Status AddEnvFile(absl::string_view contents, EnvLookup lookup,
                        std::vector<std::string>* env) {
  return ForEachLine(contents, [&](absl::string_view line) -> absl::Status {
    const absl::string_view name = line.substr(0, line.find('='));
    if (name.find_first_of(" \t") != absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("the name \"", name, "\" has a blank in it"));
    }
    return AddEnv(line, lookup, env);
  });
}

absl::Status AddLabel(absl::string_view text, std::map<std::string, std::string>* labels) {
  const size_t equals = text.find('=');
  RETURN_IF_ERROR(CheckName(text.substr(0, equals), text));
  (*labels)[std::string(text.substr(0, equals))] =
      equals == absl::string_view::npos ? "" : std::string(text.substr(equals + 1));
  return absl::OkStatus();
}

absl::Status AddLabelFile(absl::string_view contents, std::map<std::string, std::string>* labels) {
  return ForEachLine(contents, [&](absl::string_view line) { return AddLabel(line, labels); });
}

}  // namespace tiny::cli
