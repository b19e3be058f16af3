#include "cli/template/value.h"

#include "gtest/gtest.h"

namespace tiny::cli {
namespace {

TEST(ValueTest, JsonKeepsTheOrderOfMembers) {
  const Value value = Value::Object({{"b", 1}, {"a", true}, {"c", Value()}, {"d", 1.5}});
  EXPECT_EQ(ToJson(value), R"({"b":1,"a":true,"c":null,"d":1.5})");
}

TEST(ValueTest, JsonIndents) {
  Value list;
  list.Append("x");
  list.Append(Value::Object());
  EXPECT_EQ(ToJson(Value::Object({{"l", list}}), 2), "{\n  \"l\": [\n    \"x\",\n    {}\n  ]\n}");
}

TEST(ValueTest, JsonEscapes) {
  EXPECT_EQ(ToJson(Value("a\"b\\c\n\t\r\x01\x7f")), "\"a\\\"b\\\\c\\n\\t\\r\\u0001\x7f\"");
  EXPECT_EQ(ToJson(Value("\xff\xc3\xa9")), "\"\xEF\xBF\xBD\xc3\xa9\"");
}

TEST(ValueTest, FunctionsAreNotPrinted) {
  Value value = Value::Object({{"a", 1}});
  value.Set("f", Value(Value::Function([](absl::Span<const Value>) { return Value(2); })));
  EXPECT_EQ(ToJson(value), R"({"a":1})");
}

TEST(ValueTest, TextIsLikeGos) {
  EXPECT_EQ(ToText(Value(std::vector<std::string>{"a", "b"})), "[a b]");
  EXPECT_EQ(ToText(Value::Dictionary({{"k", "v"}, {"l", "w"}})), "map[k:v l:w]");
  EXPECT_EQ(ToText(Value()), "<no value>");
}

TEST(ValueTest, Truth) {
  EXPECT_FALSE(Value().IsTrue());
  EXPECT_FALSE(Value(0).IsTrue());
  EXPECT_FALSE(Value("").IsTrue());
  EXPECT_FALSE(Value(Value::List()).IsTrue());
  EXPECT_FALSE(Value::Dictionary().IsTrue());
  EXPECT_TRUE(Value("0").IsTrue());
  EXPECT_TRUE(Value(-1).IsTrue());
}

TEST(ValueTest, NumbersCompareAcrossTypes) {
  EXPECT_EQ(Value(1), Value(1.0));
  EXPECT_FALSE(Value(1) == Value("1"));
}

}  // namespace
}  // namespace tiny::cli
