#include "logs/log_format.h"

#include "absl/strings/str_cat.h"
#include "base/timestamp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "logs/log_options.h"
#include "testing/status_matchers.h"

namespace tiny::logs {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

const absl::Time kTime = absl::FromUnixSeconds(1767323045) + absl::Nanoseconds(6);
constexpr absl::string_view kTimeText = "2026-01-02T03:04:05.000000006Z";

std::string Write(Format format, const LogRecord& record) {
  std::string line;
  AppendRecord(format, record, FormatTimestamp(record.time), &line);
  EXPECT_EQ(line.back(), '\n');
  line.pop_back();
  return line;
}

TEST(LogFormatTest, K8sFile) {
  EXPECT_EQ(Write(Format::kK8sFile, {.time = kTime, .text = "a b"}),
            absl::StrCat(kTimeText, " stdout F a b"));
  EXPECT_EQ(Write(Format::kK8sFile,
                  {.time = kTime, .stream = Stream::kStderr, .ends_line = false, .text = "\xff"}),
            absl::StrCat(kTimeText, " stderr P \xff"));
}

TEST(LogFormatTest, JsonFile) {
  EXPECT_EQ(
      Write(Format::kJsonFile, {.time = kTime, .text = "a\"\\\t\x01é"}),
      absl::StrCat(R"({"log":"a\"\\\t\u0001é\n","stream":"stdout","time":")", kTimeText, "\"}"));
}

TEST(LogFormatTest, RoundTrips) {
  const std::string every_byte = [] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) {
      if (i != '\n') bytes.push_back(static_cast<char>(i));
    }
    return bytes;
  }();
  for (const Format format : {Format::kK8sFile, Format::kJsonFile}) {
    for (const std::string& text : {std::string(), std::string("plain"), std::string(" F x "),
                                    std::string("日本 😀"), every_byte}) {
      for (const bool ends_line : {true, false}) {
        const std::string line =
            Write(format,
                  {.time = kTime, .stream = Stream::kStderr, .ends_line = ends_line, .text = text});
        std::string scratch;
        ASSERT_OK_AND_ASSIGN(const LogRecord record, ParseRecord(format, line, &scratch));
        EXPECT_EQ(record.time, kTime);
        EXPECT_EQ(record.stream, Stream::kStderr);
        EXPECT_EQ(record.ends_line, ends_line);
        EXPECT_EQ(record.text, text);
        EXPECT_EQ(ParseRecordTime(format, line), kTime);
      }
    }
  }
}

TEST(LogFormatTest, ReadsWhatOthersWrite) {
  std::string scratch;
  ASSERT_OK_AND_ASSIGN(
      LogRecord record,
      ParseRecord(
          Format::kJsonFile,
          R"({"stream":"stdout","attrs":{"a":"}"},"log":"\u003cé\ud83d\ude00\n","time":"2026-01-02T03:04:05.000000006Z"})",
          &scratch));
  EXPECT_EQ(record.text, "<é😀");
  ASSERT_OK_AND_ASSIGN(
      record, ParseRecord(Format::kK8sFile, "2026-01-02T04:04:05.000000006+01:00 stdout F:x y z",
                          &scratch));
  EXPECT_EQ(record.time, kTime);
  EXPECT_EQ(record.text, "y z");
}

TEST(LogFormatTest, WhatIsNoRecord) {
  std::string scratch;
  for (const char* line :
       {"", "x", "2026-01-02T03:04:05.000000006Z", "x stdout F y",
        "2026-01-02T03:04:05.000000006Z stdin F y", "2026-01-02T03:04:05.000000006Z stdout X y",
        "2026-01-02T03:04:05.000000006Z stdout Fy z", "2026-01-02T03:04:05.000000006Z stdout F"}) {
    EXPECT_FALSE(ParseRecord(Format::kK8sFile, line, &scratch).ok()) << line;
  }
  const std::string time = absl::StrCat(R"("time":")", kTimeText, "\"");
  for (const std::string& line :
       {std::string(), std::string("{"), std::string("{}"), std::string("[]"),
        "{\"log\":\"x\"," + time + "}", "{\"log\":\"x\",\"stream\":\"stdout\"," + time,
        "{\"log\":\"\\x\",\"stream\":\"stdout\"," + time + "}",
        "{\"log\":\"\\u12\",\"stream\":\"stdout\"," + time + "}",
        "{\"log\":\"x\",\"stream\":\"stdout\"," + time + "}}"}) {
    EXPECT_FALSE(ParseRecord(Format::kJsonFile, line, &scratch).ok()) << line;
  }
}

TEST(LogOptionsTest, DefaultsAndLimits) {
  ASSERT_OK_AND_ASSIGN(LogOptions options, ParseLogOptions("k8s-file", {}));
  EXPECT_EQ(options.max_size, 10 << 20);
  EXPECT_EQ(options.max_files, 3);
  ASSERT_OK_AND_ASSIGN(options,
                       ParseLogOptions("json-file", {{"max-size", "1k"}, {"max-file", "1"}}));
  EXPECT_EQ(options.format, Format::kJsonFile);
  EXPECT_EQ(options.max_size, 1024);
  ASSERT_OK_AND_ASSIGN(options, ParseLogOptions("k8s-file", {{"max-size", "-1"}}));
  EXPECT_EQ(options.max_size, -1);
  EXPECT_FALSE(ParseLogOptions("none", {})->enabled);
}

TEST(LogOptionsTest, Mistakes) {
  const std::pair<std::string, std::string> kCases[] = {{"max-size", "0"},  {"max-size", "x"},
                                                        {"max-size", "-2"}, {"max-file", "0"},
                                                        {"max-file", "x"},  {"tag", "x"}};
  for (const auto& option : kCases) {
    EXPECT_THAT(ParseLogOptions("k8s-file", {option}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(option.first)));
  }
  EXPECT_FALSE(ParseLogOptions("syslog", {}).ok());
}

}  // namespace
}  // namespace tiny::logs
