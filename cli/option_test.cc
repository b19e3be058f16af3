#include "cli/option.h"

#include "base/posix_status.h"
#include "cli/suggest.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

struct Flags {
  bool detach = false;
  bool interactive = false;
  bool tty = false;
  std::vector<std::string> env;
  std::vector<std::string> publish;
  int64_t swap = 0;
  std::string hostname;
};

constexpr Option kOptions[] = {
    {'d', "detach", "", "", Set<&Flags::detach>},
    {'i', "interactive", "", "", Set<&Flags::interactive>},
    {'t', "tty", "", "", Set<&Flags::tty>},
    {'e', "env", "value", "", Set<&Flags::env>},
    {'p', "publish", "value", "", Set<&Flags::publish>},
    {0, "memory-swap", "bytes", "", Set<&Flags::swap>},
    {0, "isolation", "value", "it is for Windows", nullptr},
};
constexpr Option kHostname[] = {{'h', "hostname", "name", "", Set<&Flags::hostname>}};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr OptionGroup kHostnameGroup = {"", kHostname};
constexpr const OptionGroup* kGroups[] = {&kGroup};
constexpr const OptionGroup* kBothGroups[] = {&kGroup, &kHostnameGroup};

TEST(OptionTest, LettersCombineAndTakeValues) {
  Flags flags;
  ASSERT_OK_AND_ASSIGN(
      const ParsedArguments parsed,
      ParseOptions(kGroups, {"-dit", "-p80:80", "-eA=b", "-e=C=d", "-e", "E=f", "x"}, {}, &flags));
  EXPECT_TRUE(flags.detach && flags.interactive && flags.tty);
  EXPECT_THAT(flags.publish, ElementsAre("80:80"));
  EXPECT_THAT(flags.env, ElementsAre("A=b", "C=d", "E=f"));
  EXPECT_THAT(parsed.positionals, ElementsAre("x"));
}

TEST(OptionTest, ValuesMayLookLikeOptions) {
  Flags flags;
  ASSERT_OK(ParseOptions(kGroups, {"--memory-swap", "-1", "--env", "--x"}, {}, &flags));
  EXPECT_EQ(flags.swap, -1);
  EXPECT_THAT(flags.env, ElementsAre("--x"));
}

TEST(OptionTest, SwitchesTakeTruthValues) {
  Flags flags;
  ASSERT_OK(ParseOptions(kGroups, {"--detach=false", "--tty=1", "-i=true"}, {}, &flags));
  EXPECT_FALSE(flags.detach);
  EXPECT_TRUE(flags.tty && flags.interactive);
  EXPECT_THAT(ParseOptions(kGroups, {"--tty=maybe"}, {}, &flags),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--tty")));
}

TEST(OptionTest, StopsAtTheFirstPositionalWhereAsked) {
  Flags flags;
  ASSERT_OK_AND_ASSIGN(
      const ParsedArguments parsed,
      ParseOptions(kGroups, {"-d", "sh", "-t", "--help"}, {.stop_at_positional = true}, &flags));
  EXPECT_FALSE(flags.tty);
  EXPECT_FALSE(parsed.help);
  EXPECT_THAT(parsed.positionals, ElementsAre("sh", "-t", "--help"));
  ASSERT_OK_AND_ASSIGN(const ParsedArguments mixed,
                       ParseOptions(kGroups, {"a", "-t", "--", "-d", "-"}, {}, &flags));
  EXPECT_TRUE(flags.tty);
  EXPECT_THAT(mixed.positionals, ElementsAre("a", "-d", "-"));
}

TEST(OptionTest, HelpIsMinusHUnlessThatIsAnOption) {
  Flags flags;
  EXPECT_TRUE(ParseOptions(kGroups, {"-h"}, {}, &flags)->help);
  EXPECT_TRUE(ParseOptions(kGroups, {"--help"}, {}, &flags)->help);
  EXPECT_FALSE(ParseOptions(kBothGroups, {"-h", "web"}, {}, &flags)->help);
  EXPECT_EQ(flags.hostname, "web");
}

TEST(OptionTest, Mistakes) {
  Flags flags;
  const absl::Status unknown = ParseOptions(kGroups, {"--detch"}, {}, &flags).status();
  EXPECT_EQ(unknown.message(), "unknown flag --detch");
  EXPECT_EQ(GetHint(unknown), "did you mean --detach?");
  EXPECT_EQ(ParseOptions(kGroups, {"-dz"}, {}, &flags).status().message(), "unknown flag -z");
  EXPECT_EQ(ParseOptions(kGroups, {"--env"}, {}, &flags).status().message(),
            "flag --env needs a value");
  EXPECT_EQ(ParseOptions(kGroups, {"-de"}, {}, &flags).status().message(),
            "flag --env needs a value");
  EXPECT_EQ(ParseOptions(kGroups, {"--isolation=x"}, {}, &flags).status().message(),
            "flag --isolation is not supported: it is for Windows");
  EXPECT_THAT(ParseOptions(kGroups, {"--memory-swap=x"}, {}, &flags),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--memory-swap: \"x\" is not a whole number")));
}

TEST(SuggestTest, Distance) {
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("start", "start"), 0u);
  EXPECT_EQ(EditDistance("strat", "start"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(SuggestTest, Nearest) {
  const absl::string_view names[] = {"start", "stop", "stats", "inspect"};
  EXPECT_EQ(NearestName("strat", names), "start");
  EXPECT_EQ(NearestName("insp", names), "inspect");
  EXPECT_EQ(NearestName("xyz", names), "");
  EXPECT_EQ(NearestName(std::string(100000, 'x'), names), "");
}

}  // namespace
}  // namespace tiny::cli
