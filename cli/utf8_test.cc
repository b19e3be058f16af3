#include "cli/utf8.h"

#include "cli/output.h"
#include "gtest/gtest.h"

namespace tiny::cli {
namespace {

TEST(Utf8Test, DecodesOnlyWhatIsWellFormed) {
  EXPECT_EQ(DecodeUtf8("é").code, 0xE9u);
  EXPECT_EQ(DecodeUtf8("😀").code, 0x1F600u);
  for (const char* text :
       {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xFF"}) {
    EXPECT_FALSE(DecodeUtf8(text).valid) << text;
    EXPECT_EQ(DecodeUtf8(text).length, 1u);
  }
}

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
