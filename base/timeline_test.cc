#include "base/timeline.h"

#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"

namespace tiny {
namespace {

// In one test, as there is one timeline in a process.
TEST(TimelineTest, CollectsTheStampsOfAllProcesses) {
  Timeline::Stamp("before");
  EXPECT_TRUE(Timeline::Read().empty());
  ASSERT_TRUE(Timeline::Start());
  const pid_t child = fork();
  if (child == 0) {
    Timeline::Stamp("child");
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  Timeline::Stamp(std::string(200, 'x').c_str());
  const std::vector<TimelineEntry> entries = Timeline::Read();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_STREQ(entries[0].step, "start");
  EXPECT_EQ(entries[0].process, getpid());
  EXPECT_STREQ(entries[1].step, "child");
  EXPECT_EQ(entries[1].process, child);
  EXPECT_EQ(std::string(entries[2].step), std::string(51, 'x'));
  EXPECT_LE(entries[0].nanoseconds, entries[1].nanoseconds);
  EXPECT_LE(entries[1].nanoseconds, entries[2].nanoseconds);

  for (int i = 0; i < 1000; ++i) Timeline::Stamp("more");
  EXPECT_EQ(Timeline::Read().size(), Timeline::kMaxEntries);
}

}  // namespace
}  // namespace tiny
