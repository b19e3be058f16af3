#include "cli/utf8.h"

#include "cli/output.h"
#include "gtest/gtest.h"

namespace tiny::cli {
namespace {

TEST(Utf8Test, Width) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("日本"), 4u);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1u);
  EXPECT_EQ(DisplayWidth("😀"), 2u);
}

TEST(Utf8Test, Cuts) {
  EXPECT_EQ(TruncateToWidth("日本語", 5), "日本");
  EXPECT_EQ(Ellipsis("abcdef", 4), "abc…");
  EXPECT_EQ(Ellipsis("abcd", 4), "abcd");
}

TEST(PrintableTest, ShowsWhatWouldSteerATerminal) {
  EXPECT_EQ(Printable("a\x1b]0;x\x07"), "a\\x1b]0;x\\x07");
  EXPECT_EQ(Printable("\u202e\u009b"), "\\xe2\\x80\\xae\\xc2\\x9b");
  EXPECT_EQ(Printable("a\nb", true), "a\nb");
  EXPECT_EQ(Printable("größe"), "größe");
}

}  // namespace
}  // namespace tiny::cli
