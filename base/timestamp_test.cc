#include "base/timestamp.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny {
namespace {

using ::tiny::testing::StatusIs;

std::string ByAbseil(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E9SZ", time, absl::UTCTimeZone());
}

TEST(TimestampTest, AgreesWithAbseilOnEveryKindOfDay) {
  for (int64_t day = 0; day < 2932896; day += 13) {  // 1970 to 9999
    const absl::Time time = absl::FromUnixSeconds(day * 86400 + day % 86400) +
                            absl::Nanoseconds(day * 7919 % 1000000000);
    const std::string text = ByAbseil(time);
    ASSERT_EQ(FormatTimestamp(time), text);
    ASSERT_OK_AND_ASSIGN(const absl::Time parsed, ParseTimestamp(text));
    ASSERT_EQ(parsed, time) << text;
  }
}

TEST(TimestampTest, TimesOfOtherYears) {
  for (const int64_t second : {int64_t{-1}, int64_t{-2203977600}, int64_t{253402300800}}) {
    EXPECT_EQ(FormatTimestamp(absl::FromUnixSeconds(second)),
              ByAbseil(absl::FromUnixSeconds(second)));
  }
  EXPECT_EQ(FormatTimestamp(absl::InfinitePast()), "0001-01-01T00:00:00Z");
  EXPECT_EQ(ParseTimestamp("0001-01-01T00:00:00Z").value(), absl::InfinitePast());
  EXPECT_EQ(ParseTimestamp("1969-12-31T23:59:59.000000000Z").value(), absl::FromUnixSeconds(-1));
}

TEST(TimestampTest, OtherFormsOfRfc3339) {
  const absl::Time time = ParseTimestamp("2026-01-02T02:04:05.000000000Z").value();
  EXPECT_EQ(ParseTimestamp("2026-01-02T03:04:05+01:00").value(), time);
  EXPECT_EQ(ParseTimestamp("2026-01-02T02:04:05Z").value(), time);
}

TEST(TimestampTest, WhatIsNoTime) {
  for (const char* text : {"", "yesterday", "2026-01-02", "2026-02-30T00:00:00.000000000Z",
                           "2026-13-01T00:00:00.000000000Z", "2026-01-02T24:00:00.000000000Z",
                           "2026-01-02 03:04:05.000000000Z", "2026-01-02T03:04:05.00000000xZ"}) {
    EXPECT_THAT(ParseTimestamp(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(TimestampTest, AppendsBehindWhatIsThere) {
  std::string text = "at ";
  AppendTimestamp(absl::UnixEpoch(), &text);
  EXPECT_EQ(text, "at 1970-01-01T00:00:00.000000000Z");
}

}  // namespace
}  // namespace tiny
