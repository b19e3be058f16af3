#include "runtime/attach/detach_keys.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

constexpr char kDefault[] = "ctrl-p,ctrl-q";

TEST(DetachKeysTest, DetachesHoweverTheKeysAreSplit) {
  const std::string input = "ls\x10\x11rest";
  for (size_t split = 0; split <= input.size(); ++split) {
    ASSERT_OK_AND_ASSIGN(DetachKeys keys, DetachKeys::Parse(kDefault));
    std::string out;
    bool detached = keys.Feed(input.substr(0, split), out);
    if (!detached) detached = keys.Feed(input.substr(split), out);
    EXPECT_TRUE(detached) << split;
    EXPECT_EQ(out, "ls") << split;
  }
}

TEST(DetachKeysTest, PassesOnAPrefixThatIsNotContinued) {
  ASSERT_OK_AND_ASSIGN(DetachKeys keys, DetachKeys::Parse(kDefault));
  std::string out;
  EXPECT_FALSE(keys.Feed("a\x10", out));
  EXPECT_EQ(out, "a");
  EXPECT_TRUE(keys.holding());
  EXPECT_FALSE(keys.Feed("b", out));
  EXPECT_EQ(out,
            "a\x10"
            "b");
  EXPECT_FALSE(keys.holding());
}

TEST(DetachKeysTest, ARepeatedFirstKeyStillBeginsTheKeys) {
  ASSERT_OK_AND_ASSIGN(DetachKeys keys, DetachKeys::Parse(kDefault));
  std::string out;
  EXPECT_TRUE(keys.Feed("\x10\x10\x11", out));
  EXPECT_EQ(out, "\x10");
  ASSERT_OK_AND_ASSIGN(DetachKeys overlapping, DetachKeys::Parse("a,a,b"));
  out.clear();
  EXPECT_TRUE(overlapping.Feed("aaaab", out));
  EXPECT_EQ(out, "aa");
}

TEST(DetachKeysTest, AReleasedKeyIsNotSentTwiceAndStillCounts) {
  ASSERT_OK_AND_ASSIGN(DetachKeys keys, DetachKeys::Parse(kDefault));
  std::string out;
  EXPECT_FALSE(keys.Feed("\x10", out));
  keys.Release(out);
  EXPECT_EQ(out, "\x10");
  EXPECT_FALSE(keys.holding());
  DetachKeys other = keys;
  EXPECT_TRUE(keys.Feed("\x11", out));
  EXPECT_EQ(out, "\x10");
  EXPECT_FALSE(other.Feed("x", out));
  EXPECT_EQ(out, "\x10x");
}

TEST(DetachKeysTest, ParsesTheGrammar) {
  for (const char* good : {"", "a", "ctrl-a", "ctrl-@", "ctrl-\\", "ctrl-_,x,ctrl-^", "ctrl-["}) {
    EXPECT_OK(DetachKeys::Parse(good)) << good;
  }
  for (const char* bad : {"ctrl-", "ctrl-A", "ctrl-1", "ctrl-pp", "shift-a", "a,,b", "ab", ","}) {
    EXPECT_THAT(DetachKeys::Parse(bad),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("detach keys")))
        << bad;
  }
  ASSERT_OK_AND_ASSIGN(DetachKeys none, DetachKeys::Parse(""));
  std::string out;
  EXPECT_FALSE(none.Feed("\x10\x11", out));
  EXPECT_EQ(out, "\x10\x11");
}

}  // namespace
}  // namespace tiny::runtime
