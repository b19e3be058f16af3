#include "runtime/supervisor/health.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kStart = absl::Hours(1);

state::HealthConfig Config() {
  state::HealthConfig config;
  config.test = {"CMD-SHELL", "true"};
  config.interval = absl::Seconds(10);
  config.retries = 2;
  return config;
}

state::HealthProbe Result(int exit_code) {
  state::HealthProbe probe;
  probe.exit_code = exit_code;
  return probe;
}

TEST(HealthTrackerTest, IsUnhealthyAfterRetriesInARowAndHealthyAfterOneSuccess) {
  HealthTracker health(Config(), kStart);
  EXPECT_EQ(health.state().status, "starting");
  EXPECT_EQ(health.next_probe(), kStart + absl::Seconds(10));
  absl::Duration now = kStart + absl::Seconds(11);
  EXPECT_FALSE(health.Record(Result(1), now));
  EXPECT_EQ(health.next_probe(), now + absl::Seconds(10)) << "counted from the end of the probe";
  EXPECT_TRUE(health.Record(Result(1), now));
  EXPECT_EQ(health.state().status, "unhealthy");
  EXPECT_EQ(health.state().failing_streak, 2);
  EXPECT_TRUE(health.Record(Result(0), now));
  EXPECT_EQ(health.state().status, "healthy");
  EXPECT_FALSE(health.Record(Result(1), now)) << "one failure is not yet unhealthy";
  EXPECT_EQ(health.state().status, "healthy");
}

TEST(HealthTrackerTest, FailuresInTheStartPeriodDoNotCount) {
  state::HealthConfig config = Config();
  config.start_period = absl::Seconds(30);
  config.start_interval = absl::Seconds(1);
  HealthTracker health(config, kStart);
  EXPECT_EQ(health.next_probe(), kStart + absl::Seconds(1));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(health.Record(Result(1), kStart + absl::Seconds(i)));
  EXPECT_EQ(health.state().failing_streak, 0);
  const absl::Duration after = kStart + absl::Seconds(30);
  EXPECT_FALSE(health.Record(Result(1), after));
  EXPECT_EQ(health.next_probe(), after + config.interval);
  EXPECT_TRUE(health.Record(Result(1), after));
  EXPECT_EQ(health.state().status, "unhealthy");
}

TEST(HealthTrackerTest, ASuccessEndsTheStartPeriod) {
  state::HealthConfig config = Config();
  config.start_period = absl::Seconds(30);
  HealthTracker health(config, kStart);
  EXPECT_TRUE(health.Record(Result(0), kStart + absl::Seconds(1)));
  EXPECT_EQ(health.next_probe(), kStart + absl::Seconds(11));
  EXPECT_FALSE(health.Record(Result(1), kStart + absl::Seconds(2)));
  EXPECT_TRUE(health.Record(Result(1), kStart + absl::Seconds(3)));
  EXPECT_EQ(health.state().status, "unhealthy");
}

TEST(HealthTrackerTest, KeepsTheLastResultsAndCutsTheirOutput) {
  HealthTracker health(Config(), kStart);
  for (int i = 0; i < 7; ++i) {
    state::HealthProbe probe = Result(0);
    probe.output = std::string(10000, static_cast<char>('a' + i));
    health.Record(probe, kStart);
  }
  ASSERT_EQ(health.state().log.size(), kMaxHealthResults);
  EXPECT_EQ(health.state().log.front().output, std::string(kMaxHealthOutput, 'c'));
}

TEST(HealthCommandTest, KnowsDockersForms) {
  state::HealthConfig config;
  EXPECT_FALSE(HasHealthCheck(config));
  config.test = {"NONE"};
  EXPECT_FALSE(HasHealthCheck(config));
  config.test = {"CMD", "curl", "-f", "x"};
  EXPECT_TRUE(HasHealthCheck(config));
  EXPECT_THAT(HealthCommand(config), ElementsAre("curl", "-f", "x"));
  config.test = {"CMD-SHELL", "exit 1"};
  EXPECT_THAT(HealthCommand(config), ElementsAre("/bin/sh", "-c", "exit 1"));
}

}  // namespace
}  // namespace tiny::runtime
