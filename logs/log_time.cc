#include "logs/log_time.h"

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace tiny::logs {
namespace {

constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kFirstSecond = -62167219200;  // of the year 0
constexpr int64_t kLastSecond = 253402300799;   // of the year 9999

struct Date {
  int64_t year;
  unsigned month;
  unsigned day;
};

// The Gregorian date of a day counted from 1970-01-01. Years are taken to begin in March, so that
// the leap day is the last of one, and 400 of them are a period of 146097 days.
Date DateOfDay(int64_t day) {
  day += 719468;  // from 0000-03-01
  const int64_t period = (day >= 0 ? day : day - 146096) / 146097;
  const auto day_of_period = static_cast<unsigned>(day - period * 146097);
  const unsigned year_of_period =
      (day_of_period - day_of_period / 1460 + day_of_period / 36524 - day_of_period / 146096) / 365;
  const unsigned day_of_year =
      day_of_period - (365 * year_of_period + year_of_period / 4 - year_of_period / 100);
  const unsigned month_from_march = (5 * day_of_year + 2) / 153;
  const unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  return {.year = period * 400 + year_of_period + (month <= 2 ? 1 : 0),
          .month = month,
          .day = day_of_year - (153 * month_from_march + 2) / 5 + 1};
}

int64_t DayOfDate(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t period = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_period = static_cast<unsigned>(year - period * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_period =
      year_of_period * 365 + year_of_period / 4 - year_of_period / 100 + day_of_year;
  return period * 146097 + day_of_period - 719468;
}

void PutDigits(uint64_t number, int count, char* at) {
  for (int i = count - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

// -1 where a character is no digit.
int64_t TakeDigits(absl::string_view text, size_t at, size_t count) {
  int64_t number = 0;
  for (size_t i = at; i < at + count; ++i) {
    const unsigned digit = static_cast<unsigned char>(text[i]) - '0';
    if (digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

// 0000-00-00T00:00:00.000000000Z
bool HasForm(absl::string_view text) {
  return text.size() == kTimestampLength && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
         text[13] == ':' && text[16] == ':' && text[19] == '.' && text[29] == 'Z';
}

}  // namespace

void AppendTimestamp(absl::Time time, std::string* out) {
  int64_t seconds = absl::ToUnixSeconds(time);
  int64_t nanoseconds = 0;
  if (seconds < kFirstSecond || seconds > kLastSecond) {
    seconds = std::clamp(seconds, kFirstSecond, kLastSecond);
  } else {
    nanoseconds = absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds));
  }
  const int64_t day = (seconds >= 0 ? seconds : seconds - (kSecondsPerDay - 1)) / kSecondsPerDay;
  const auto second = static_cast<uint64_t>(seconds - day * kSecondsPerDay);
  const Date date = DateOfDay(day);
  char text[kTimestampLength + 1] = "0000-00-00T00:00:00.000000000Z";
  PutDigits(static_cast<uint64_t>(date.year), 4, text);
  PutDigits(date.month, 2, text + 5);
  PutDigits(date.day, 2, text + 8);
  PutDigits(second / 3600, 2, text + 11);
  PutDigits(second / 60 % 60, 2, text + 14);
  PutDigits(second % 60, 2, text + 17);
  PutDigits(static_cast<uint64_t>(nanoseconds), 9, text + 20);
  out->append(text, kTimestampLength);
}

absl::Time ParseLogTimestamp(absl::string_view text) {
  if (!HasForm(text)) return ParseTimestamp(text).value_or(absl::InfinitePast());
  const int64_t year = TakeDigits(text, 0, 4);
  const int64_t month = TakeDigits(text, 5, 2);
  const int64_t day = TakeDigits(text, 8, 2);
  const int64_t hour = TakeDigits(text, 11, 2);
  const int64_t minute = TakeDigits(text, 14, 2);
  const int64_t second = TakeDigits(text, 17, 2);
  const int64_t nanoseconds = TakeDigits(text, 20, 9);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60 || nanoseconds < 0) {
    return absl::InfinitePast();
  }
  const int64_t days = DayOfDate(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  return absl::FromUnixSeconds(days * kSecondsPerDay + hour * 3600 + minute * 60 + second) +
         absl::Nanoseconds(nanoseconds);
}

}  // namespace tiny::logs
