#include "cli/name_pattern.h"

#include <string>

#include "gtest/gtest.h"

namespace tiny::cli {
namespace {

TEST(NamePatternTest, Matches) {
  const char* kMatching[][2] = {
      {"", "web"},
      {"we", "web"},
      {"^web$", "web"},
      {"p[34]", "p3"},
      {"^p(3|4)$", "p4"},
      {".*", ""},
      {"^/web(-[0-9]+)?$", "/web-12"},
      {"^/web(-[0-9]+)?$", "/web"},
      {"a|b$", "xb"},
      {"^(?:a|bc)+$", "abcbca"},
      {"x{2,3}$", "yxxx"},
      {"^x{2}$", "xx"},
      {"^x{2,}$", "xxxxx"},
      {"[^a-c]", "abcd"},
      {"[]x]", "]"},
      {"\\d+\\.\\w", "12.z"},
      {"^a.c$", "abc"},
      {"(a*)*b", "aab"},
      {"^(a|ab)(c|bcd)$", "abcd"},
      {"a{x", "a{x"},
      {"()b", "b"},
      {"(", "a(b"},
      {"[a", "x[a"},
      {"*a", "x*a"},
  };
  for (const auto& [pattern, text] : kMatching) {
    EXPECT_TRUE(MatchesPattern(pattern, text)) << pattern << " " << text;
  }
}

TEST(NamePatternTest, DoesNotMatch) {
  const char* kOther[][2] = {
      {"^web$", "web2"},
      {"p[34]", "p5"},
      {"^p(3|4)$", "p34"},
      {"^/web(-[0-9]+)?$", "/web-"},
      {"^(?:a|bc)+$", "abcb"},
      {"^x{2}$", "xxx"},
      {"[^a-c]", "abc"},
      {"a.c", "ac"},
      {"\\.", "a"},
      {"a+", "b"},
      {"(", "ab"},
      {"^$", "a"},
  };
  for (const auto& [pattern, text] : kOther) {
    EXPECT_FALSE(MatchesPattern(pattern, text)) << pattern << " " << text;
  }
}

TEST(NamePatternTest, EndsWhateverThePattern) {
  const std::string text(100, 'a');
  EXPECT_FALSE(MatchesPattern("^(a+)+(a+)+(a+)+b$", text));
  EXPECT_FALSE(MatchesPattern("(a|a|a)*b", text));
  EXPECT_TRUE(MatchesPattern(std::string(5000, '('), std::string(5000, '(')));
}

}  // namespace
}  // namespace tiny::cli
