#include "cgroup/stats.h"

#include "gtest/gtest.h"

namespace tiny::cgroup {
namespace {

TEST(FlatKeyedValueTest, FindsWholeKeysOnly) {
  constexpr absl::string_view kText = "oom 3\noom_kill 2\noom_group_kill 0\nbad x\nlast 7";
  EXPECT_EQ(FlatKeyedValue(kText, "oom"), 3U);
  EXPECT_EQ(FlatKeyedValue(kText, "oom_kill"), 2U);
  EXPECT_EQ(FlatKeyedValue(kText, "last"), 7U);
  EXPECT_EQ(FlatKeyedValue(kText, "bad"), std::nullopt);
  EXPECT_EQ(FlatKeyedValue(kText, "oom_"), std::nullopt);
  EXPECT_EQ(FlatKeyedValue("", "oom"), std::nullopt);
}

TEST(SumNestedKeyedTest, AddsUpDevices) {
  constexpr absl::string_view kText =
      "8:0 rbytes=100 wbytes=7 rios=1 wios=1 dbytes=0 dios=0\n"
      "253:1 rbytes=20 wbytes=0 rios=9 wios=0\n8:16 \n";
  EXPECT_EQ(SumNestedKeyed(kText, "rbytes"), 120U);
  EXPECT_EQ(SumNestedKeyed(kText, "wbytes"), 7U);
  EXPECT_EQ(SumNestedKeyed(kText, "bytes"), 0U);
}

TEST(SumBlkioTest, AddsUpDevicesButNotTotals) {
  constexpr absl::string_view kText =
      "8:0 Read 100\n8:0 Write 7\n8:0 Total 107\n254:0 Read 11\n254:0 Total 11\nTotal 118\n";
  EXPECT_EQ(SumBlkio(kText, "Read"), 111U);
  EXPECT_EQ(SumBlkio(kText, "Write"), 7U);
}

}  // namespace
}  // namespace tiny::cgroup
