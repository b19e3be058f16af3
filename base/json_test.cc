#include <string>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

TEST(JsonWriterTest, WritesNestedValuesWithCommasBetweenThem) {
  std::string text;
  JsonWriter json(&text);
  json.BeginObject();
  json.Key("a");
  json.Int(-1);
  json.Key("b");
  json.BeginArray();
  json.Bool(true);
  json.Uint(UINT64_MAX);
  json.BeginObject();
  json.EndObject();
  json.EndArray();
  const JsonWriter::Mark mark = json.mark();
  json.Key("taken back");
  json.String("x");
  json.RollBack(mark);
  json.Key("c");
  json.String("\"\\\n\x01/");
  json.EndObject();
  EXPECT_EQ(text, R"({"a":-1,"b":[true,18446744073709551615,{}],"c":"\"\\\n\u0001/"})");
}

TEST(JsonTest, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  std::string text;
  AppendJsonString(bytes, &text);
  JsonReader json(text);
  std::string read;
  EXPECT_TRUE(json.ReadString(&read));
  EXPECT_OK(json.Finish());
  EXPECT_EQ(read, bytes);
}

TEST(JsonReaderTest, ReadsMembersInAnyLayout) {
  JsonReader json(" { \"n\" : 12 ,\n\"skip\":[{\"x\":[null,true,-1.5e3]}, \"\"],\"s\":\"v\" } ");
  int64_t n = 0;
  std::string s;
  std::string key;
  ASSERT_TRUE(json.BeginObject());
  while (json.NextKey(&key)) {
    if (key == "n") {
      json.ReadInt(&n);
    } else if (key == "s") {
      json.ReadString(&s);
    } else {
      json.Skip();
    }
  }
  EXPECT_OK(json.Finish());
  EXPECT_EQ(n, 12);
  EXPECT_EQ(s, "v");
}

TEST(JsonReaderTest, DecodesEscapes) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("\u0041\/\b\f\n\r\t")", "A/\b\f\n\r\t"},
      {R"("\u00e9")", "\xC3\xA9"},
      {R"("\u20AC")", "\xE2\x82\xAC"},
      {R"("\ud83d\ude00")", "\xF0\x9F\x98\x80"},
      {R"("\ud83dx")", "\xEF\xBF\xBDx"},
      {R"("\ude00")", "\xEF\xBF\xBD"},
      {R"("\ud83d\u0041")", "\xEF\xBF\xBD\x41"},
  };
  for (const auto& [text, expected] : cases) {
    JsonReader json(text);
    std::string value;
    EXPECT_TRUE(json.ReadString(&value)) << text;
    EXPECT_OK(json.Finish()) << text;
    EXPECT_EQ(value, expected) << text;
  }
}

TEST(JsonReaderTest, RefusesWhatIsNotJson) {
  for (const char* text :
       {"",    " ",        "{",         "[1",       "[1,]",     "{\"a\":1,}", "{\"a\" 1}", "{a:1}",
        "01",  "+1",       "1.",        ".5",       "1e",       "--1",        "0x10",      "nul",
        "tru", "\"\\x\"",  "\"\\u12\"", "\"a",      "\"a\nb\"", "[1 2]",      "1 2",       "[}",
        "NaN", "Infinity", "'a'",       "{\"a\":}", "[,1]"}) {
    JsonReader json(text);
    json.Skip();
    EXPECT_THAT(json.Finish(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at byte")))
        << text;
  }
}

TEST(JsonReaderTest, NumbersMustFit) {
  for (const char* text : {"9223372036854775808", "1.0", "1e3", "\"1\"", "null", "true"}) {
    int64_t value;
    EXPECT_FALSE(JsonReader(text).ReadInt(&value)) << text;
  }
  uint64_t value;
  EXPECT_FALSE(JsonReader("-1").ReadUint(&value));
  int64_t least;
  EXPECT_TRUE(JsonReader("-9223372036854775808").ReadInt(&least));
  EXPECT_EQ(least, INT64_MIN);
}

TEST(JsonReaderTest, DepthIsLimited) {
  const std::string deep(JsonReader::kMaxDepth, '[');
  const std::string closed = deep + std::string(JsonReader::kMaxDepth, ']');
  JsonReader good(closed);
  EXPECT_TRUE(good.Skip());
  EXPECT_OK(good.Finish());
  const std::string deeper = "[" + deep + std::string(100000, '[');
  JsonReader bad(deeper);
  EXPECT_FALSE(bad.Skip());
  EXPECT_THAT(bad.Finish(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("too deeply")));
}

TEST(JsonReaderTest, TheFirstErrorSticks) {
  JsonReader json("[x, 1]");
  ASSERT_TRUE(json.BeginArray());
  ASSERT_TRUE(json.NextElement());
  std::string value;
  EXPECT_FALSE(json.ReadString(&value));
  EXPECT_FALSE(json.NextElement());
  EXPECT_EQ(json.Peek(), JsonReader::Type::kNone);
  EXPECT_THAT(json.Finish(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a string at byte 1")));
}

}  // namespace
}  // namespace tiny
