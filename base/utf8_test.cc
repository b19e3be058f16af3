#include "base/utf8.h"

#include "gtest/gtest.h"

namespace tiny {
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

TEST(Utf8Test, ReplacesBrokenBytesOneByOne) {
  EXPECT_TRUE(IsUtf8("größe 日本 😀"));
  EXPECT_EQ(ReplaceInvalidUtf8("größe 日本 😀"), "größe 日本 😀");
  EXPECT_FALSE(IsUtf8("a\xE2\x82"));
  EXPECT_EQ(ReplaceInvalidUtf8("a\xE2\x82z"), "a\uFFFD\uFFFDz");
}

}  // namespace
}  // namespace tiny
