#include "cli/flag_parsers/environment.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::tiny::testing::StatusIs;

std::optional<std::string> Lookup(absl::string_view name) {
  if (name == "MINE") return "my value";
  return std::nullopt;
}

TEST(EnvTest, SetsInheritsAndReplaces) {
  std::vector<std::string> env = {"A=1", "B=2"};
  ASSERT_OK(AddEnv("A=x=y", Lookup, &env));
  ASSERT_OK(AddEnv("MINE", Lookup, &env));
  ASSERT_OK(AddEnv("ABSENT", Lookup, &env));
  ASSERT_OK(AddEnv("EMPTY=", Lookup, &env));
  EXPECT_THAT(env, ElementsAre("A=x=y", "B=2", "MINE=my value", "EMPTY="));
  EXPECT_THAT(AddEnv("=x", Lookup, &env),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no name")));
  EXPECT_FALSE(AddEnv("", Lookup, &env).ok());
}

TEST(EnvFileTest, TakesValuesVerbatim) {
  std::vector<std::string> env;
  ASSERT_OK(
      AddEnvFile("\xEF\xBB\xBF# comment\n\n  A=\"quoted\" # kept\r\nMINE\nB= two words\n#C=1\n",
                 Lookup, &env));
  EXPECT_THAT(env, ElementsAre("A=\"quoted\" # kept", "MINE=my value", "B= two words"));
}

TEST(EnvFileTest, NamesTheLine) {
  std::vector<std::string> env;
  EXPECT_THAT(AddEnvFile("A=1\nB C=2\n", Lookup, &env),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 2")));
  EXPECT_THAT(AddEnvFile("=1\n", Lookup, &env),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 1: no name")));
}

TEST(LabelTest, KeysWithAndWithoutValues) {
  std::map<std::string, std::string> labels;
  ASSERT_OK(AddLabel("a=b=c", &labels));
  ASSERT_OK(AddLabel("d", &labels));
  ASSERT_OK(AddLabelFile("# x\ne=f\n", &labels));
  EXPECT_THAT(labels, ElementsAre(Pair("a", "b=c"), Pair("d", ""), Pair("e", "f")));
  EXPECT_FALSE(AddLabel("", &labels).ok());
}

}  // namespace
}  // namespace tiny::cli
