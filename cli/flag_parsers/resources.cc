#include "cli/flag_parsers/resources.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/units.h"

namespace tiny::cli {
namespace {

constexpr absl::string_view kUlimits[] = {
    "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
    "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
};

absl::StatusOr<int64_t> ParseLimit(absl::string_view text) {
  int64_t limit = 0;
  if (text == "unlimited") return -1;
  if (!absl::SimpleAtoi(text, &limit) || limit < -1) {
    return absl::InvalidArgumentError(absl::StrCat("invalid limit \"", text, "\""));
  }
  return limit;
}

bool IsPermissions(absl::string_view text) {
  return !text.empty() && text.find_first_not_of("rwm") == absl::string_view::npos;
}

// Splits "/dev/sda:VALUE".
absl::StatusOr<state::DeviceRate> SplitDeviceRate(absl::string_view text,
                                                  absl::string_view* value) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || !absl::StartsWith(text, "/dev/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not of the form /dev/NAME:RATE"));
  }
  *value = text.substr(colon + 1);
  return state::DeviceRate{.path = std::string(text.substr(0, colon))};
}

bool IsNumberOrStar(absl::string_view text) {
  uint32_t number = 0;
  return text == "*" || absl::SimpleAtoi(text, &number);
}

struct CpuRange {
  uint32_t first = 0;
  uint32_t last = 0;
};

absl::StatusOr<std::vector<CpuRange>> ParseCpuRanges(absl::string_view text) {
  std::vector<CpuRange> ranges;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, '-');
    CpuRange range;
    if (ends.size() > 2 || !absl::SimpleAtoi(ends.front(), &range.first) ||
        !absl::SimpleAtoi(ends.back(), &range.last) || range.last < range.first) {
      return absl::InvalidArgumentError(
          absl::StrCat("invalid list \"", text, "\": want for example 0-3,7"));
    }
    ranges.push_back(range);
  }
  return ranges;
}

}  // namespace

absl::StatusOr<int64_t> ParseCpus(absl::string_view text) {
  double cpus = 0;
  const bool plain = text.find_first_not_of("0123456789.") == absl::string_view::npos;
  if (!plain || !absl::SimpleAtod(text, &cpus) || !(cpus >= 0) || cpus > 1e6) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid number of cpus \"", text, "\": want for example 0.5 or 2"));
  }
  return static_cast<int64_t>(std::llround(cpus * 1e9));
}

absl::StatusOr<int64_t> ParseBytesOrUnlimited(absl::string_view text) {
  if (text == "-1") return -1;
  return ParseBytes(text);
}

absl::StatusOr<std::string> ParseCpuList(absl::string_view text, absl::string_view available) {
  ASSIGN_OR_RETURN(const std::vector<CpuRange> wanted, ParseCpuRanges(text));
  ASSIGN_OR_RETURN(const std::vector<CpuRange> there, ParseCpuRanges(available));
  for (const CpuRange& range : wanted) {
    for (uint32_t number = range.first; number <= range.last; ++number) {
      const bool is_there = std::any_of(there.begin(), there.end(), [&](const CpuRange& each) {
        return each.first <= number && number <= each.last;
      });
      if (!is_there) {
        return absl::InvalidArgumentError(
            absl::StrCat("there is no ", number, ": this machine has ", available));
      }
    }
  }
  return std::string(text);
}

absl::StatusOr<int64_t> ParseNumber(absl::string_view text, int64_t low, int64_t high) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number < low || number > high) {
    return absl::InvalidArgumentError(absl::StrCat(
        "invalid number \"", text, "\": want a whole number from ", low, " to ", high));
  }
  return number;
}

absl::StatusOr<state::UlimitConfig> ParseUlimit(absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not of the form NAME=SOFT[:HARD]"));
  }
  state::UlimitConfig ulimit;
  ulimit.name = std::string(text.substr(0, equals));
  if (std::find(std::begin(kUlimits), std::end(kUlimits), ulimit.name) == std::end(kUlimits)) {
    return absl::InvalidArgumentError(absl::StrCat("unknown ulimit \"", ulimit.name, "\""));
  }
  const absl::string_view limits = text.substr(equals + 1);
  const size_t colon = limits.find(':');
  ASSIGN_OR_RETURN(ulimit.soft, ParseLimit(limits.substr(0, colon)));
  ulimit.hard = ulimit.soft;
  if (colon != absl::string_view::npos) {
    ASSIGN_OR_RETURN(ulimit.hard, ParseLimit(limits.substr(colon + 1)));
  }
  if (ulimit.hard != -1 && (ulimit.soft == -1 || ulimit.soft > ulimit.hard)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the soft limit in \"", text, "\" is above the hard one"));
  }
  return ulimit;
}

absl::StatusOr<state::DeviceConfig> ParseDevice(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (absl::StrContains(parts[0], '=')) {
    return absl::InvalidArgumentError(
        absl::StrCat("devices by CDI name (\"", parts[0], "\") are not supported"));
  }
  const absl::Status invalid = absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not of the form /dev/NAME[:/dev/NAME][:rwm]"));
  if (parts.size() > 3 || !absl::StartsWith(parts[0], "/")) return invalid;
  state::DeviceConfig device;
  device.path_on_host = std::string(parts[0]);
  device.path_in_container = device.path_on_host;
  if (parts.size() == 2 && IsPermissions(parts[1])) {
    device.permissions = std::string(parts[1]);
    return device;
  }
  if (parts.size() >= 2) {
    if (!absl::StartsWith(parts[1], "/")) return invalid;
    device.path_in_container = std::string(parts[1]);
  }
  if (parts.size() == 3) {
    if (!IsPermissions(parts[2])) return invalid;
    device.permissions = std::string(parts[2]);
  }
  return device;
}

absl::StatusOr<state::DeviceRate> ParseDeviceBytes(absl::string_view text) {
  absl::string_view value;
  ASSIGN_OR_RETURN(state::DeviceRate rate, SplitDeviceRate(text, &value));
  ASSIGN_OR_RETURN(const int64_t bytes, ParseBytes(value));
  rate.rate = static_cast<uint64_t>(bytes);
  return rate;
}

absl::StatusOr<state::DeviceRate> ParseDeviceOperations(absl::string_view text) {
  absl::string_view value;
  ASSIGN_OR_RETURN(state::DeviceRate rate, SplitDeviceRate(text, &value));
  if (!absl::SimpleAtoi(value, &rate.rate)) {
    return absl::InvalidArgumentError(absl::StrCat("invalid rate \"", value, "\""));
  }
  return rate;
}

absl::StatusOr<std::string> ParseDeviceCgroupRule(absl::string_view text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  bool valid = words.size() == 3 && words[0].size() == 1 && absl::StrContains("abc", words[0]) &&
               IsPermissions(words[2]);
  if (valid) {
    const std::vector<absl::string_view> numbers = absl::StrSplit(words[1], ':');
    valid = numbers.size() == 2 && IsNumberOrStar(numbers[0]) && IsNumberOrStar(numbers[1]);
  }
  if (valid) return std::string(text);
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not of the form \"c 42:* rwm\""));
}

absl::Status CheckSysctlName(absl::string_view name) {
  bool valid = !name.empty() && absl::StrContains(name, '.');
  for (const char c : name) {
    valid = valid && (absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-' || c == '/');
  }
  if (valid && !absl::StrContains(name, "..")) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("invalid sysctl \"", name, "\""));
}

}  // namespace tiny::cli
