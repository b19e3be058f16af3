#include "state/container_id.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "state/names.h"
#include "testing/status_matchers.h"

namespace tiny::state {
namespace {

using ::testing::MatchesRegex;
using ::tiny::testing::StatusIs;

TEST(ContainerIdTest, GeneratesDistinctIdsThatParse) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_OK_AND_ASSIGN(const ContainerId id, ContainerId::Generate());
    EXPECT_TRUE(seen.insert(id.value()).second);
    EXPECT_THAT(id.value(), MatchesRegex("[0-9a-f]{64}"));
    EXPECT_EQ(id.Short().find_first_not_of("0123456789") != std::string::npos, true);
    ASSERT_OK_AND_ASSIGN(const ContainerId parsed, ContainerId::Parse(id.value()));
    EXPECT_EQ(parsed, id);
  }
}

TEST(ContainerIdTest, RefusesWhatIsNoId) {
  const std::string good(64, 'a');
  EXPECT_OK(ContainerId::Parse(good));
  for (const std::string& text :
       {std::string(), good + "a", good.substr(1), std::string(64, 'A'), std::string(64, 'g'),
        "../" + std::string(61, 'a'), std::string(63, 'a') + '\0', std::string(63, 'a') + "\n"}) {
    EXPECT_THAT(ContainerId::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(ContainerIdTest, Prefixes) {
  EXPECT_TRUE(ContainerId::IsPrefix("0"));
  EXPECT_TRUE(ContainerId::IsPrefix("deadbeef"));
  EXPECT_FALSE(ContainerId::IsPrefix(""));
  EXPECT_FALSE(ContainerId::IsPrefix("web"));
  EXPECT_FALSE(ContainerId::IsPrefix("DEAD"));
  EXPECT_FALSE(ContainerId::IsPrefix(std::string(65, 'a')));
}

TEST(NamesTest, GrammarIsDockers) {
  for (const std::string& name : {std::string("web"), std::string("a1"), std::string("A.b_c-d"),
                                  std::string("00"), std::string(255, 'n')}) {
    EXPECT_OK(ValidateContainerName(name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("a"), std::string("-web"), std::string(".."), std::string(".a"),
        std::string("_a"), std::string("a/b"), std::string("a b"), std::string("a\n"),
        std::string("caf\xC3\xA9"), std::string(256, 'n'), std::string("a\0b", 3)}) {
    EXPECT_THAT(ValidateContainerName(name), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
}

TEST(NamesTest, GeneratedNamesAreValidAndMany) {
  std::set<std::string> names;
  for (uint64_t i = 0; i < 20000; ++i) {
    const std::string name = GeneratedName(i);
    ASSERT_OK(ValidateContainerName(name)) << name;
    EXPECT_THAT(name, MatchesRegex("[a-z]+_[a-z]+"));
    names.insert(name);
  }
  EXPECT_GT(names.size(), 10000u);
  EXPECT_THAT(GeneratedName(uint64_t{7} << 32, 1), MatchesRegex("[a-z]+_[a-z]+[0-9]+"));
}

}  // namespace
}  // namespace tiny::state
