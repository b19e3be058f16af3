#include "cli/why.h"

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tiny::cli {
namespace {

using ::testing::HasSubstr;

class WhyTest : public ::testing::Test {
 protected:
  WhyTest() {
    container_.config.name = "web";
    container_.state.status = state::Status::kExited;
    container_.state.started_at = now_ - absl::Minutes(10);
    container_.state.finished_at = now_ - absl::Minutes(5);
  }
  std::string Text() { return absl::StrJoin(ExplainState(container_, now_), " "); }

  const absl::Time now_ = absl::FromUnixSeconds(1800000000);
  runtime::Container container_;
};

TEST_F(WhyTest, TellsExitCodesInWords) {
  EXPECT_THAT(Text(), HasSubstr("web ended 5 minutes ago, after 5 minutes: its program was done"));
  container_.state.exit_code = 143;
  EXPECT_THAT(Text(), HasSubstr("killed by SIGTERM (exit code 143)"));
  container_.state.exit_code = 3;
  EXPECT_THAT(Text(), HasSubstr("failed with exit code 3"));
  container_.state.exit_code = -1;
  EXPECT_THAT(Text(), HasSubstr("nobody saw"));
}

TEST_F(WhyTest, TellsWhoKilledIt) {
  container_.state.exit_code = 137;
  EXPECT_THAT(Text(), HasSubstr("another process sent the signal"));
  container_.state.manually_stopped = true;
  EXPECT_THAT(Text(), HasSubstr("did not do so in time"));
  container_.state.oom_killed = true;
  container_.config.resources.memory = 64 << 20;
  EXPECT_THAT(Text(), HasSubstr("want of memory: its limit is 64MiB"));
}

TEST_F(WhyTest, TellsOfHealthAndRestarts) {
  container_.state.status = state::Status::kRunning;
  container_.config.restart_policy.name = "always";
  container_.state.restart_count = 4;
  container_.state.health.status = "unhealthy";
  container_.state.health.failing_streak = 3;
  EXPECT_THAT(Text(), HasSubstr("web has run for 10 minutes."));
  EXPECT_THAT(Text(), HasSubstr("restarted 4 times; its restart policy is always"));
  EXPECT_THAT(Text(), HasSubstr("Its health is unhealthy: the last 3 checks failed"));
}

}  // namespace
}  // namespace tiny::cli
