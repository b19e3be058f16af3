#include "base/units.h"

#include <signal.h>
#include <string.h>

#include <array>
#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace tiny {
namespace {

std::string FormatBytes(uint64_t bytes, double base, const std::array<const char*, 6>& units) {
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= base && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  return absl::StrFormat("%.4g%s", value, units[unit]);
}

std::string Count(int64_t count, absl::string_view unit) {
  return absl::StrCat(count, " ", unit, count == 1 ? "" : "s");
}

constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kYear10000 = 253402300800;

struct CivilDate {
  int64_t year;
  int64_t month;
  int64_t day;
};

// Between days since 1970 and dates, by eras of 400 years that begin on March 1: the leap day is
// then the last day of a year. For days from 1970 on.
constexpr int64_t kDaysPerEra = 146097;
constexpr int64_t kEraToEpoch = 719468;  // days from 0000-03-01 to 1970-01-01

CivilDate DateOfDay(int64_t day) {
  const int64_t shifted = day + kEraToEpoch;
  const int64_t era = shifted / kDaysPerEra;
  const int64_t day_of_era = shifted % kDaysPerEra;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t march_month = (5 * day_of_year + 2) / 153;
  const int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * march_month + 2) / 5 + 1};
}

int64_t DayOfDate(int64_t year, int64_t month, int64_t day) {
  if (month <= 2) --year;
  const int64_t year_of_era = year % 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return year / 400 * kDaysPerEra + day_of_era - kEraToEpoch;
}

void PutDigits(int64_t value, int count, char* text) {
  for (int i = count - 1; i >= 0; --i, value /= 10) text[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  const absl::Status invalid = absl::InvalidArgumentError(absl::StrCat(
      "invalid size \"", text, "\": want a number and an optional unit b, k, m, g, t or p"));
  size_t digits = 0;
  while (digits < text.size() && (absl::ascii_isdigit(text[digits]) || text[digits] == '.'))
    ++digits;
  double number = 0;
  if (digits == 0 || !absl::SimpleAtod(text.substr(0, digits), &number)) return invalid;
  std::string unit = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text.substr(digits)));
  double scale = 1;
  if (!unit.empty() && unit != "b") {
    const absl::string_view letters = "kmgtp";
    const size_t power = letters.find(unit[0]);
    const absl::string_view rest = absl::string_view(unit).substr(1);
    if (power == absl::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib")) {
      return invalid;
    }
    scale = std::pow(1024.0, static_cast<double>(power + 1));
  }
  const double bytes = number * scale;
  if (!(bytes < static_cast<double>(std::numeric_limits<int64_t>::max()))) return invalid;
  return static_cast<int64_t>(bytes);
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(std::string(text), &duration)) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid duration \"", text, "\": want for example 10s, 1m30s or 250ms"));
  }
  return duration;
}

absl::StatusOr<int> ParseSignal(absl::string_view text) {
  const absl::Status invalid =
      absl::InvalidArgumentError(absl::StrCat("invalid signal \"", text, "\""));
  int number = 0;
  if (absl::SimpleAtoi(text, &number)) {
    if (number < 1 || number > 64) return invalid;
    return number;
  }
  const std::string upper = absl::AsciiStrToUpper(text);
  absl::string_view name = absl::StripPrefix(upper, "SIG");
  for (int signal = 1; signal < 32; ++signal) {
    const char* known = sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  if (name == "IOT") return SIGABRT;
  if (name == "CLD") return SIGCHLD;
  int offset = 0;
  if (absl::ConsumePrefix(&name, "RTMIN")) {
    if (name.empty()) return SIGRTMIN;
    if (name[0] == '+' && absl::SimpleAtoi(name.substr(1), &offset) && offset >= 0 &&
        SIGRTMIN + offset <= SIGRTMAX) {
      return SIGRTMIN + offset;
    }
  } else if (absl::ConsumePrefix(&name, "RTMAX")) {
    if (name.empty()) return SIGRTMAX;
    if (name[0] == '-' && absl::SimpleAtoi(name.substr(1), &offset) && offset >= 0 &&
        SIGRTMAX - offset >= SIGRTMIN) {
      return SIGRTMAX - offset;
    }
  }
  return invalid;
}

std::string SignalName(int signal) {
  const char* name = signal >= 1 && signal < 32 ? sigabbrev_np(signal) : nullptr;
  if (name != nullptr) return absl::StrCat("SIG", name);
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    return signal == SIGRTMIN ? "SIGRTMIN" : absl::StrCat("SIGRTMIN+", signal - SIGRTMIN);
  }
  return absl::StrCat(signal);
}

std::string FormatBinaryBytes(uint64_t bytes) {
  return FormatBytes(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
}

std::string FormatDecimalBytes(uint64_t bytes) {
  return FormatBytes(bytes, 1000, {"B", "kB", "MB", "GB", "TB", "PB"});
}

std::string FormatRoughDuration(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < 1) return "Less than a second";
  if (seconds < 60) return Count(seconds, "second");
  const int64_t minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return Count(minutes, "minute");
  const int64_t hours = static_cast<int64_t>(std::lround(absl::ToDoubleHours(duration)));
  if (hours == 1) return "About an hour";
  if (hours < 48) return Count(hours, "hour");
  if (hours < 24 * 7 * 2) return Count(hours / 24, "day");
  if (hours < 24 * 30 * 2) return Count(hours / 24 / 7, "week");
  if (hours < 24 * 365 * 2) return Count(hours / 24 / 30, "month");
  return Count(hours / 24 / 365, "year");
}

std::string FormatTimestamp(absl::Time time) {
  char text[kTimestampLength];
  if (FormatTimestamp(time, text)) return std::string(text, sizeof(text));
  if (time == absl::InfinitePast()) return "0001-01-01T00:00:00Z";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E9SZ", time, absl::UTCTimeZone());
}

bool FormatTimestamp(absl::Time time, char text[kTimestampLength]) {
  if (time < absl::UnixEpoch() || time >= absl::FromUnixSeconds(kYear10000)) return false;
  const int64_t seconds = absl::ToUnixSeconds(time);
  const int64_t nanos = absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds));
  const CivilDate date = DateOfDay(seconds / kSecondsPerDay);
  const int64_t second = seconds % kSecondsPerDay;
  memcpy(text, "0000-00-00T00:00:00.000000000Z", kTimestampLength);
  PutDigits(date.year, 4, text);
  PutDigits(date.month, 2, text + 5);
  PutDigits(date.day, 2, text + 8);
  PutDigits(second / 3600, 2, text + 11);
  PutDigits(second / 60 % 60, 2, text + 14);
  PutDigits(second % 60, 2, text + 17);
  PutDigits(nanos, 9, text + 20);
  return true;
}

bool ParseFullTimestamp(absl::string_view text, absl::Time* time) {
  constexpr absl::string_view kShape = "dddd-dd-ddTdd:dd:dd.dddddddddZ";
  if (text.size() != kTimestampLength) return false;
  for (size_t i = 0; i < kTimestampLength; ++i) {
    if (kShape[i] == 'd' ? !absl::ascii_isdigit(text[i]) : text[i] != kShape[i]) return false;
  }
  const auto digits = [&](size_t begin, size_t count) {
    int64_t value = 0;
    for (char c : text.substr(begin, count)) value = value * 10 + (c - '0');
    return value;
  };
  const int64_t year = digits(0, 4);
  const int64_t month = digits(5, 2);
  const int64_t day = digits(8, 2);
  const int64_t hour = digits(11, 2);
  const int64_t minute = digits(14, 2);
  const int64_t second = digits(17, 2);
  if (year < 1970 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 ||
      second > 59) {
    return false;
  }
  const int64_t days = DayOfDate(year, month, day);
  if (DateOfDay(days).day != day) return false;  // February 30
  *time = absl::FromUnixSeconds(days * kSecondsPerDay + hour * 3600 + minute * 60 + second) +
          absl::Nanoseconds(digits(20, 9));
  return true;
}

absl::StatusOr<absl::Time> ParseTimestamp(absl::string_view text) {
  absl::Time time;
  if (ParseFullTimestamp(text, &time)) return time;
  if (text == "0001-01-01T00:00:00Z") return absl::InfinitePast();
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, std::string(text), &time, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("invalid time \"", text, "\": ", error));
  }
  return time;
}

}  // namespace tiny
