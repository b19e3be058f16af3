#include "cli/flag_parsers/policies.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "cli/flag_parsers/csv.h"

namespace tiny::cli {
namespace {

absl::Status Invalid(absl::string_view what, absl::string_view text, absl::string_view want) {
  return absl::InvalidArgumentError(absl::StrCat("invalid ", what, " \"", text, "\": want ", want));
}

absl::string_view ModesOf(NamespaceKind kind) {
  switch (kind) {
    case NamespaceKind::kPid:
      return "host or container:NAME";
    case NamespaceKind::kIpc:
      return "none, private, shareable, host or container:NAME";
    case NamespaceKind::kUts:
    case NamespaceKind::kUser:
      return "host";
    case NamespaceKind::kCgroup:
      return "host or private";
  }
  return "";
}

}  // namespace

absl::StatusOr<state::RestartPolicy> ParseRestart(absl::string_view text) {
  state::RestartPolicy policy;
  const size_t colon = text.find(':');
  policy.name = std::string(text.substr(0, colon));
  if (policy.name != "no" && policy.name != "on-failure" && policy.name != "always" &&
      policy.name != "unless-stopped") {
    return Invalid("restart policy", text, "no, on-failure[:N], always or unless-stopped");
  }
  if (colon == absl::string_view::npos) return policy;
  if (policy.name != "on-failure") {
    return absl::InvalidArgumentError(
        absl::StrCat("a number of retries does not go with ", policy.name));
  }
  if (!absl::SimpleAtoi(text.substr(colon + 1), &policy.maximum_retry_count) ||
      policy.maximum_retry_count < 0) {
    return Invalid("number of retries", text.substr(colon + 1), "0 or more");
  }
  return policy;
}

absl::Status ApplySecurityOption(
    absl::string_view text,
    absl::FunctionRef<absl::StatusOr<std::string>(absl::string_view)> read_file,
    state::SecurityConfig* security) {
  const size_t separator = text.find_first_of("=:");
  KeyValue option;
  option.key = std::string(text.substr(0, separator));
  option.has_value = separator != absl::string_view::npos;
  if (option.has_value) option.value = std::string(text.substr(separator + 1));
  if (option.key == "no-new-privileges") {
    ASSIGN_OR_RETURN(security->no_new_privileges, ParseSwitch(option));
  } else if (option.key == "seccomp" && !option.value.empty()) {
    if (option.value == "unconfined") {
      security->seccomp = "unconfined";
    } else if (option.value == "builtin") {
      security->seccomp.clear();
    } else {
      ASSIGN_OR_RETURN(security->seccomp, read_file(option.value));
      if (security->seccomp.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(option.value, " is empty"));
      }
    }
  } else if (option.key == "apparmor" && !option.value.empty()) {
    security->apparmor = option.value;
  } else if (option.key == "systempaths" && option.value == "unconfined") {
    security->systempaths_unconfined = true;
  } else if (option.key == "label") {
    if (option.value == "disable") return absl::OkStatus();
    return absl::InvalidArgumentError("SELinux labels are not supported");
  } else {
    return Invalid("security option", text,
                   "no-new-privileges, seccomp=unconfined|FILE, apparmor=PROFILE or "
                   "systempaths=unconfined");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ParseNamespaceMode(NamespaceKind kind, absl::string_view text) {
  const bool has_container = kind == NamespaceKind::kPid || kind == NamespaceKind::kIpc;
  const bool has_private = kind == NamespaceKind::kCgroup || kind == NamespaceKind::kIpc;
  bool valid = text == "host" || (has_private && text == "private");
  if (kind == NamespaceKind::kIpc) valid = valid || text == "none" || text == "shareable";
  if (has_container && absl::StartsWith(text, "container:")) {
    valid = text.size() > absl::string_view("container:").size();
  }
  if (!valid) return Invalid("mode", text, ModesOf(kind));
  return std::string(text);
}

absl::StatusOr<std::string> ParseCapability(absl::string_view text) {
  const std::string upper = absl::AsciiStrToUpper(text);
  const absl::string_view name = absl::StripPrefix(upper, "CAP_");
  bool valid = !name.empty() && name.size() < 32;
  for (const char c : name) valid = valid && (absl::ascii_isupper(c) || c == '_');
  if (!valid) return Invalid("capability", text, "a name such as NET_ADMIN, or ALL");
  return std::string(name);
}

absl::StatusOr<absl::Duration> ParseHealthDuration(absl::string_view text) {
  ASSIGN_OR_RETURN(const absl::Duration duration, ParseDuration(text));
  if (duration < absl::ZeroDuration() ||
      (duration > absl::ZeroDuration() && duration < absl::Milliseconds(1))) {
    return Invalid("duration", text, "0 or at least 1ms");
  }
  return duration;
}

absl::StatusOr<std::string> ParseLogDriver(absl::string_view text) {
  if (text == "local") return std::string("k8s-file");
  if (text == "k8s-file" || text == "json-file" || text == "none") return std::string(text);
  return Invalid("log driver", text, "k8s-file, json-file or none");
}

absl::Status AddLogOption(absl::string_view text, state::LogConfig* log) {
  ASSIGN_OR_RETURN(const auto option, ParseKeyValue(text));
  if (option.first == "max-size") {
    if (option.second != "-1") RETURN_IF_ERROR(ParseBytes(option.second).status());
  } else if (option.first == "max-file") {
    int files = 0;
    if (!absl::SimpleAtoi(option.second, &files) || files < 1) {
      return Invalid("max-file", option.second, "1 or more");
    }
  } else {
    return Invalid("log option", option.first, "max-size or max-file");
  }
  log->options[option.first] = option.second;
  return absl::OkStatus();
}

absl::Status CheckDetachKeys(absl::string_view text) {
  for (const absl::string_view key : absl::StrSplit(text, ',')) {
    if (key.size() == 1) continue;
    absl::string_view letter = key;
    if (absl::ConsumePrefix(&letter, "ctrl-") && letter.size() == 1 &&
        (absl::ascii_islower(letter[0]) || absl::StrContains("@[\\]^_", letter))) {
      continue;
    }
    return Invalid("detach keys", text, "for example ctrl-p,ctrl-q");
  }
  return absl::OkStatus();
}

}  // namespace tiny::cli
