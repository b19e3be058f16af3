#include "base/units.h"

#include <signal.h>

#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny {
namespace {

TEST(ParseBytesTest, TakesDockersUnits) {
  EXPECT_EQ(ParseBytes("512").value(), 512);
  EXPECT_EQ(ParseBytes("128m").value(), 128 << 20);
  EXPECT_EQ(ParseBytes("1.5g").value(), 3LL << 29);
  EXPECT_EQ(ParseBytes("64kb").value(), 64 << 10);
  EXPECT_EQ(ParseBytes("1GiB").value(), 1 << 30);
  EXPECT_EQ(ParseBytes("0").value(), 0);
}

TEST(ParseBytesTest, RefusesTheRest) {
  for (const char* text :
       {"", "m", "-1", "1x", "1mm", "1.2.3", "9999999999g", "0x10", " 1", "1e3"}) {
    EXPECT_FALSE(ParseBytes(text).ok()) << text;
  }
}

TEST(ParseDurationTest, TakesGosDurations) {
  EXPECT_EQ(ParseDuration("1m30s").value(), absl::Seconds(90));
  EXPECT_EQ(ParseDuration("250ms").value(), absl::Milliseconds(250));
  EXPECT_FALSE(ParseDuration("10").ok());
  EXPECT_FALSE(ParseDuration("").ok());
}

TEST(ParseSignalTest, TakesNamesAndNumbers) {
  EXPECT_EQ(ParseSignal("TERM").value(), SIGTERM);
  EXPECT_EQ(ParseSignal("sigkill").value(), SIGKILL);
  EXPECT_EQ(ParseSignal("9").value(), SIGKILL);
  EXPECT_EQ(ParseSignal("SIGIO").value(), SIGIO);
  EXPECT_EQ(ParseSignal("poll").value(), SIGPOLL);
  EXPECT_EQ(ParseSignal("IOT").value(), SIGABRT);
  EXPECT_EQ(ParseSignal("SIGCLD").value(), SIGCHLD);
  EXPECT_EQ(ParseSignal("SIGRTMIN+3").value(), SIGRTMIN + 3);
  EXPECT_EQ(ParseSignal(SignalName(SIGRTMAX)).value(), SIGRTMAX);
  for (const char* text : {"", "0", "65", "-1", "TERMX", "SIG", "RTMIN+99", "RTMIN-1"}) {
    EXPECT_FALSE(ParseSignal(text).ok()) << text;
  }
}

TEST(FormatTest, SaysSizesAsDockerDoes) {
  EXPECT_EQ(FormatBinaryBytes(0), "0B");
  EXPECT_EQ(FormatBinaryBytes(128 << 20), "128MiB");
  EXPECT_EQ(FormatBinaryBytes(1293943), "1.234MiB");
  EXPECT_EQ(FormatDecimalBytes(12345), "12.35kB");
}

TEST(FormatTest, SaysDurationsAsDockerDoes) {
  EXPECT_EQ(FormatRoughDuration(absl::Milliseconds(10)), "Less than a second");
  EXPECT_EQ(FormatRoughDuration(absl::Seconds(1)), "1 second");
  EXPECT_EQ(FormatRoughDuration(absl::Seconds(75)), "About a minute");
  EXPECT_EQ(FormatRoughDuration(absl::Hours(3)), "3 hours");
  EXPECT_EQ(FormatRoughDuration(absl::Hours(24 * 3)), "3 days");
}

}  // namespace
}  // namespace tiny
