#include "runtime/supervisor/restart.h"

#include "gtest/gtest.h"

namespace tiny::runtime {
namespace {

bool Restarts(const char* policy, int retries, RunEnd end) {
  return ShouldRestart({.name = policy, .maximum_retry_count = retries}, end);
}

TEST(ShouldRestartTest, FollowsThePolicy) {
  EXPECT_FALSE(Restarts("no", 0, {.exit_code = 1}));
  EXPECT_TRUE(Restarts("always", 0, {.exit_code = 0}));
  EXPECT_TRUE(Restarts("unless-stopped", 0, {.exit_code = 0}));
  EXPECT_TRUE(Restarts("on-failure", 0, {.exit_code = 1, .restart_count = 1000}));
  EXPECT_FALSE(Restarts("on-failure", 0, {.exit_code = 0}));
}

TEST(ShouldRestartTest, CountsTheRetriesOfOnFailureExactly) {
  EXPECT_TRUE(Restarts("on-failure", 3, {.exit_code = 1, .restart_count = 2}));
  EXPECT_FALSE(Restarts("on-failure", 3, {.exit_code = 1, .restart_count = 3}));
}

TEST(ShouldRestartTest, AStopWinsOverEveryPolicy) {
  for (const char* policy : {"always", "unless-stopped", "on-failure"}) {
    EXPECT_FALSE(Restarts(policy, 0, {.exit_code = 137, .manually_stopped = true})) << policy;
  }
}

TEST(ShouldRestartTest, AnUnknownExitCodeIsAFailure) {
  EXPECT_TRUE(Restarts("on-failure", 0, {.exit_code = -1}));
}

TEST(RestartBackoffTest, DoublesUpToAMinuteAndStartsOverAfterAGoodRun) {
  RestartBackoff backoff;
  absl::Duration expected = absl::Milliseconds(100);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(backoff.Next(absl::Milliseconds(5)), std::min(expected, absl::Minutes(1))) << i;
    expected *= 2;
  }
  EXPECT_EQ(backoff.Next(absl::Seconds(10)), absl::Milliseconds(100));
  EXPECT_EQ(backoff.Next(absl::Seconds(9)), absl::Milliseconds(200));
}

}  // namespace
}  // namespace tiny::runtime
