#include "cli/flag_parsers/times.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/timestamp.h"
#include "base/units.h"

namespace tiny::cli {
namespace {

bool ParseUnixTime(absl::string_view text, absl::Time* time) {
  const size_t dot = text.find('.');
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(text.substr(0, dot), &seconds)) return false;
  int64_t nanoseconds = 0;
  if (dot != absl::string_view::npos) {
    std::string digits(text.substr(dot + 1, 9));
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return false;
    digits.resize(9, '0');
    if (!absl::SimpleAtoi(digits, &nanoseconds)) return false;
  }
  *time = absl::FromUnixSeconds(seconds) + absl::Nanoseconds(nanoseconds);
  return true;
}

}  // namespace

absl::StatusOr<absl::Time> ParseMoment(absl::string_view text, absl::Time now) {
  absl::Time time;
  if (ParseUnixTime(text, &time)) return time;
  if (absl::StatusOr<absl::Time> stamp = ParseTimestamp(text); stamp.ok()) return stamp;
  std::string error;
  for (const char* format : {"%Y-%m-%dT%H:%M:%E*S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    if (absl::ParseTime(format, text, absl::LocalTimeZone(), &time, &error)) return time;
  }
  if (absl::StatusOr<absl::Duration> ago = ParseDuration(text); ago.ok()) return now - *ago;
  return absl::InvalidArgumentError(absl::StrCat(
      "invalid time \"", text, "\": want for example 2026-01-02T15:04:05Z, 1767366245 or 10m"));
}

}  // namespace tiny::cli
