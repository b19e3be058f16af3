#include "cli/explain.h"

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tiny::cli {
namespace {

using ::testing::HasSubstr;

std::vector<TimelineEntry> Sample() {
  std::vector<TimelineEntry> entries(3);
  const absl::string_view steps[] = {"start", "clone3", "pivot_root"};
  const int32_t processes[] = {70, 71, 1};
  const uint64_t times[] = {1000000, 1010000, 1050000};
  for (int i = 0; i < 3; ++i) {
    steps[i].copy(entries[i].step, sizeof(entries[i].step) - 1);
    entries[i].process = processes[i];
    entries[i].nanoseconds = times[i];
  }
  return entries;
}

TEST(TimelineTextTest, ShowsWhenAndHowLong) {
  EXPECT_EQ(TimelineText(Sample(), 70),
            "     AT us    TOOK us  PROCESS                                    STEP\n"
            "       0.0        0.0  client                                     start\n"
            "      10.0       10.0  supervisor ########                        clone3\n"
            "      50.0       40.0  container  ##############################  pivot_root\n");
  EXPECT_EQ(TimelineText({}, 1), "");
}

TEST(TimelineJsonTest, IsAList) {
  EXPECT_EQ(TimelineJson(Sample(), 70),
            "[{\"ns\":0,\"process\":\"client\",\"step\":\"start\"},"
            "{\"ns\":10000,\"process\":\"supervisor\",\"step\":\"clone3\"},"
            "{\"ns\":50000,\"process\":\"container\",\"step\":\"pivot_root\"}]\n");
}

TEST(BudgetTest, SaysWhatItKnows) {
  const Budget budget;
  EXPECT_THAT(budget.Text(), HasSubstr("page faults"));
  EXPECT_THAT(budget.Text(), HasSubstr("system calls"));
}

}  // namespace
}  // namespace tiny::cli
