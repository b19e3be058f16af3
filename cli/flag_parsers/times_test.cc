#include "cli/flag_parsers/times.h"

#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

TEST(MomentTest, Forms) {
  const absl::Time now = absl::FromUnixSeconds(1800000000);
  EXPECT_EQ(*ParseMoment("1767366245", now), absl::FromUnixSeconds(1767366245));
  EXPECT_EQ(*ParseMoment("1767366245.5", now), absl::FromUnixMillis(1767366245500));
  EXPECT_EQ(*ParseMoment("1767366245.000000006", now),
            absl::FromUnixSeconds(1767366245) + absl::Nanoseconds(6));
  EXPECT_EQ(*ParseMoment("2026-01-02T15:04:05Z", now), absl::FromUnixSeconds(1767366245));
  EXPECT_EQ(*ParseMoment("2026-01-02T16:04:05.25+01:00", now), absl::FromUnixMillis(1767366245250));
  EXPECT_EQ(*ParseMoment("10m", now), now - absl::Minutes(10));
  EXPECT_EQ(*ParseMoment("1h30m", now), now - absl::Minutes(90));
  EXPECT_EQ(*ParseMoment("2026-01-02", now),
            absl::FromCivil(absl::CivilDay(2026, 1, 2), absl::LocalTimeZone()));
}

TEST(MomentTest, Mistakes) {
  for (const char* text : {"", "yesterday", "2026-13-40", "12:30", "5 minutes", "1.x"}) {
    EXPECT_FALSE(ParseMoment(text, absl::Now()).ok()) << text;
  }
}

}  // namespace
}  // namespace tiny::cli
