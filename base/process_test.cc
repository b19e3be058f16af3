#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/posix_status.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny {
namespace {

using testing::StatusIs;

TEST(ParseProcessStatTest, TakesACommWithSpacesAndParentheses) {
  ASSERT_OK_AND_ASSIGN(
      const ProcessStat stat,
      ParseProcessStat("7 (a) b (c)) S 3 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1\n"));
  EXPECT_EQ(stat.comm, "a) b (c)");
  EXPECT_EQ(stat.state, 'S');
  EXPECT_EQ(stat.parent, 3);
  EXPECT_EQ(stat.start_time, 4242U);
}

TEST(ParseProcessStatTest, RefusesWhatIsCutShort) {
  EXPECT_THAT(ParseProcessStat(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseProcessStat("7 (a) S 3"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseProcessStat(")7("), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ProcessTest, TellsAnotherProcessWithTheSamePidApart) {
  ASSERT_OK_AND_ASSIGN(ProcessIdentity self, IdentifyProcess(getpid()));
  EXPECT_OK(OpenProcess(self));
  ProcessIdentity older = self;
  older.start_time -= 1;
  EXPECT_THAT(OpenProcess(older), StatusIs(absl::StatusCode::kNotFound));
  ProcessIdentity last_boot = self;
  last_boot.boot_id = "00000000-0000-0000-0000-000000000000";
  EXPECT_THAT(OpenProcess(last_boot), StatusIs(absl::StatusCode::kNotFound));
  ProcessIdentity in_memory = self;
  in_memory.boot_id.clear();
  EXPECT_OK(OpenProcess(in_memory));
}

TEST(ProcessTest, WaitsForAndReapsAChild) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  ASSERT_OK_AND_ASSIGN(const ProcessIdentity identity, IdentifyProcess(child));
  ASSERT_OK_AND_ASSIGN(const UniqueFd pidfd, OpenProcess(identity));
  EXPECT_EQ(WaitForExit(pidfd.get(), absl::Milliseconds(1)).value(), false);
  ASSERT_OK(SendSignal(pidfd.get(), SIGTERM));
  EXPECT_EQ(WaitForExit(pidfd.get(), absl::InfiniteDuration()).value(), true);
  EXPECT_THAT(OpenProcess(identity), StatusIs(absl::StatusCode::kNotFound)) << "a zombie";
  EXPECT_EQ(ReapChild(pidfd.get()).value(), 128 + SIGTERM);
  EXPECT_THAT(SendSignal(pidfd.get(), SIGTERM), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace tiny
