#include "oci/cli/flags.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::tiny::testing::StatusIs;

class FlagsTest : public ::testing::Test {
 protected:
  FlagsTest() {
    flags_.Add({"bundle", 'b', "a folder", &bundle_});
    flags_.Add({"detach", 'd', "do not wait", &detach_});
    flags_.Add({"tty", 't', "a terminal", &tty_});
    flags_.Add({"confined", '\0', "or not", &confined_});
    flags_.Add({"env", 'e', "a variable", &env_});
    flags_.Add({"preserve-fds", '\0', "a count", &fds_});
  }
  absl::StatusOr<std::vector<std::string>> Parse(std::vector<const char*> arguments, bool mixed) {
    return flags_.Parse(arguments, mixed);
  }

  Flags flags_;
  std::string bundle_;
  bool detach_ = false;
  bool tty_ = false;
  std::optional<bool> confined_;
  std::vector<std::string> env_;
  std::optional<int64_t> fds_;
};

TEST_F(FlagsTest, ASwitchMayTellNoFromNothing) {
  ASSERT_OK(Parse({"id"}, true).status());
  EXPECT_FALSE(confined_.has_value());
  ASSERT_OK_AND_ASSIGN(const auto operands, Parse({"--confined", "id"}, true));
  EXPECT_THAT(operands, ElementsAre("id"));
  EXPECT_EQ(confined_, true);
  ASSERT_OK(Parse({"--confined=false"}, true).status());
  EXPECT_EQ(confined_, false);
  EXPECT_THAT(Parse({"--confined=2"}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--confined")));
}

TEST_F(FlagsTest, EverySpelling) {
  for (std::vector<const char*> arguments :
       {std::vector<const char*>{"--bundle", "/b", "-d", "id"},
        std::vector<const char*>{"--bundle=/b", "--detach", "id"},
        std::vector<const char*>{"-b", "/b", "--detach=true", "id"},
        std::vector<const char*>{"-b=/b", "-d", "id"}, std::vector<const char*>{"-db/b", "id"},
        std::vector<const char*>{"-bundle", "/b", "-detach", "id"}}) {
    bundle_.clear();
    detach_ = false;
    const auto operands = Parse(arguments, true);
    ASSERT_OK(operands);
    EXPECT_THAT(*operands, ElementsAre("id"));
    EXPECT_EQ(bundle_, "/b");
    EXPECT_TRUE(detach_);
  }
}

TEST_F(FlagsTest, ListsSwitchesAndNumbers) {
  ASSERT_OK_AND_ASSIGN(
      const auto operands,
      Parse({"-e", "A=1", "--env=B=2=3", "-dt", "--preserve-fds", "2", "--detach=false"}, true));
  EXPECT_THAT(operands, IsEmpty());
  EXPECT_THAT(env_, ElementsAre("A=1", "B=2=3"));
  EXPECT_EQ(fds_, 2);
  EXPECT_TRUE(tty_);
  EXPECT_FALSE(detach_);
}

TEST_F(FlagsTest, FlagsAfterOperandsOnlyWhereTheyAreMeant) {
  ASSERT_OK_AND_ASSIGN(const auto mixed, Parse({"id", "-d", "KILL"}, true));
  EXPECT_THAT(mixed, ElementsAre("id", "KILL"));
  EXPECT_TRUE(detach_);
  ASSERT_OK_AND_ASSIGN(const auto command, Parse({"-t", "id", "ls", "-d", "--", "-x"}, false));
  EXPECT_THAT(command, ElementsAre("id", "ls", "-d", "--", "-x"));
  ASSERT_OK_AND_ASSIGN(const auto dashes, Parse({"--", "-d", "-"}, true));
  EXPECT_THAT(dashes, ElementsAre("-d", "-"));
}

TEST_F(FlagsTest, HelpIsOfferedUnlessItIsTheProgramsOrAValue) {
  for (const char* flag : {"-h", "--help"}) {
    EXPECT_THAT(Parse({"-d", flag}, true),
                StatusIs(absl::StatusCode::kCancelled, HasSubstr("--preserve-fds")));
    EXPECT_THAT(Parse({"id", "ls", flag}, false).value(), ElementsAre("id", "ls", flag));
    EXPECT_THAT(Parse({"-b", flag, "id"}, true).value(), ElementsAre("id"));
  }
}

TEST_F(FlagsTest, WrongOnesAreNamed) {
  EXPECT_THAT(Parse({"--nope"}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--nope")));
  EXPECT_THAT(Parse({"-x"}, true), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("-x")));
  EXPECT_THAT(Parse({"--bundle"}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("needs a value")));
  EXPECT_THAT(Parse({"--preserve-fds=x"}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a number")));
  EXPECT_THAT(Parse({"--detach=maybe"}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("neither")));
}

}  // namespace
}  // namespace tiny::oci
