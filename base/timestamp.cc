#include "base/timestamp.h"

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tiny {
namespace {

constexpr absl::string_view kShape = "0000-00-00T00:00:00.000000000Z";
constexpr absl::string_view kInfinitePast = "0001-01-01T00:00:00Z";

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

// False unless the text is of kShape and names a moment of the years 1970 to 9999.
bool ParseShape(absl::string_view text, absl::Time* time) {
  if (text.size() != kShape.size()) return false;
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == '0' ? !absl::ascii_isdigit(text[i]) : text[i] != kShape[i]) return false;
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

}  // namespace

void AppendTimestamp(absl::Time time, std::string* out) {
  if (time < absl::UnixEpoch() || time >= absl::FromUnixSeconds(kYear10000)) {
    out->append(time == absl::InfinitePast()
                    ? std::string(kInfinitePast)
                    : absl::FormatTime("%Y-%m-%dT%H:%M:%E9SZ", time, absl::UTCTimeZone()));
    return;
  }
  const int64_t seconds = absl::ToUnixSeconds(time);
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds));
  const CivilDate date = DateOfDay(seconds / kSecondsPerDay);
  const int64_t second = seconds % kSecondsPerDay;
  const size_t begin = out->size();
  out->append(kShape.data(), kShape.size());
  char* text = out->data() + begin;
  PutDigits(date.year, 4, text);
  PutDigits(date.month, 2, text + 5);
  PutDigits(date.day, 2, text + 8);
  PutDigits(second / 3600, 2, text + 11);
  PutDigits(second / 60 % 60, 2, text + 14);
  PutDigits(second % 60, 2, text + 17);
  PutDigits(nanoseconds, 9, text + 20);
}

std::string FormatTimestamp(absl::Time time) {
  std::string text;
  AppendTimestamp(time, &text);
  return text;
}

absl::StatusOr<absl::Time> ParseTimestamp(absl::string_view text) {
  absl::Time time;
  if (ParseShape(text, &time)) return time;
  if (text == kInfinitePast) return absl::InfinitePast();
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, std::string(text), &time, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("invalid time \"", text, "\": ", error));
  }
  return time;
}

}  // namespace tiny
