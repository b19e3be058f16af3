// The writer, and the reader that gives back what was written.
#include "logs/log_writer.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "logs/log_printer.h"
#include "logs/log_reader.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::logs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

class LogTest : public ::testing::Test {
 protected:
  LogWriter Open(const LogOptions& options) {
    options_ = options;
    directory_ = OpenFile(dir_.path(), O_RDONLY | O_DIRECTORY).value();
    return LogWriter::Open(directory_.get(), options).value();
  }

  std::vector<std::string> Read(const ReadOptions& options) {
    absl::StatusOr<LogReader> reader = LogReader::Open(dir_.path(), options_.format, options);
    EXPECT_OK(reader);
    std::vector<std::string> lines;
    LogRecord record;
    while (reader->Next(&record)) lines.push_back(std::string(record.text));
    EXPECT_OK(reader->status());
    return lines;
  }

  TempDir dir_;
  UniqueFd directory_;
  LogOptions options_;
};

TEST_F(LogTest, KeepsLinesWholeHoweverTheyAreCut) {
  LogWriter writer = Open({});
  for (const char c : std::string("one\ntwo\n")) writer.Append(Stream::kStdout, {&c, 1}, kStart);
  writer.Append(Stream::kStderr, "err", kStart);
  writer.Append(Stream::kStdout, "three", kStart);
  EXPECT_THAT(Read({}), ElementsAre("one", "two"));
  writer.Finish(kStart);
  EXPECT_THAT(Read({}), ElementsAre("one", "two", "three", "err"));
  EXPECT_THAT(Read({.out = false}), ElementsAre("err"));
}

TEST_F(LogTest, CutsLongLinesIntoPieces) {
  LogWriter writer = Open({});
  const std::string line(kMaxRecordText * 2 + 5, 'x');
  writer.Append(Stream::kStdout, line + "\nafter\n", kStart);
  std::string together;
  for (const std::string& piece : Read({})) {
    EXPECT_LE(piece.size(), kMaxRecordText);
    together += piece;
  }
  EXPECT_EQ(together, line + "after");
  EXPECT_THAT(Read({.tail = 1}), ElementsAre("after"));
  EXPECT_EQ(Read({.tail = 2}).size(), 4U);
}

TEST_F(LogTest, RotatesAtEverySizeWithoutLosingTheNewest) {
  for (int64_t size = 1; size < 400; size += 7) {
    TempDir dir;
    ASSERT_OK_AND_ASSIGN(const UniqueFd fd, OpenFile(dir.path(), O_RDONLY | O_DIRECTORY));
    ASSERT_OK_AND_ASSIGN(LogWriter writer,
                         LogWriter::Open(fd.get(), {.max_size = size, .max_files = 3}));
    for (int i = 0; i < 20; ++i) {
      writer.Append(Stream::kStdout, absl::StrCat("line ", i, "\n"), kStart + absl::Seconds(i));
    }
    ASSERT_OK_AND_ASSIGN(LogReader reader, LogReader::Open(dir.path(), Format::kK8sFile, {}));
    LogRecord record;
    std::vector<int> seen;
    while (reader.Next(&record)) seen.push_back(std::stoi(std::string(record.text.substr(5))));
    ASSERT_FALSE(seen.empty()) << size;
    EXPECT_EQ(seen.back(), 19) << size;
    EXPECT_EQ(static_cast<int>(seen.size()), 20 - seen.front()) << "no gap, size " << size;
    EXPECT_LE(ListDirectory(dir.path()).value().size(), 3U) << size;
  }
}

TEST_F(LogTest, AFollowerSeesEachLineOnceAcrossRotations) {
  LogWriter writer = Open({.max_size = 200, .max_files = 3});
  writer.Append(Stream::kStdout, "line 0\n", kStart);
  ASSERT_OK_AND_ASSIGN(LogReader reader, LogReader::Open(dir_.path(), Format::kK8sFile, {}));
  LogRecord record;
  int next = 0;
  for (int i = 1; i <= 50; ++i) {
    while (reader.Next(&record)) EXPECT_EQ(record.text, absl::StrCat("line ", next++));
    writer.Append(Stream::kStdout, absl::StrCat("line ", i, "\n"), kStart);
  }
  while (reader.Next(&record)) EXPECT_EQ(record.text, absl::StrCat("line ", next++));
  EXPECT_EQ(next, 51);
  EXPECT_GT(writer.stats().rotations, 5U);
}

TEST_F(LogTest, AFollowerLosesNothingToAWriterThatRotatesMeanwhile) {
  constexpr int kLines = 700;
  for (int round = 0; round < 20; ++round) {
    TempDir dir;
    ASSERT_OK_AND_ASSIGN(const UniqueFd fd, OpenFile(dir.path(), O_RDONLY | O_DIRECTORY));
    ASSERT_OK_AND_ASSIGN(LogWriter writer,
                         LogWriter::Open(fd.get(), {.max_size = 200, .max_files = kLines}));
    std::thread rotating([&writer] {
      for (int i = 0; i < kLines; ++i) {
        writer.Append(Stream::kStdout, absl::StrCat("line ", i, "\n"), kStart);
      }
    });
    ASSERT_OK_AND_ASSIGN(LogReader reader, LogReader::Open(dir.path(), Format::kK8sFile, {}));
    std::vector<int> seen;
    LogRecord record;
    while (seen.empty() || seen.back() != kLines - 1) {
      if (reader.Next(&record)) seen.push_back(std::stoi(std::string(record.text.substr(5))));
      ASSERT_OK(reader.status());
    }
    rotating.join();
    ASSERT_EQ(seen.front(), 0);
    ASSERT_EQ(seen.size(), kLines) << "a gap, round " << round;
  }
}

TEST_F(LogTest, SinceAndTailFindTheirPlaceInLargeLogs) {
  LogWriter writer = Open({.max_size = 1 << 20, .max_files = 5});
  for (int i = 0; i < 40000; ++i) {
    writer.Append(Stream::kStdout, absl::StrCat("line ", i, "\n"), kStart + absl::Seconds(i));
  }
  std::vector<std::string> lines = Read({.since = kStart + absl::Seconds(31234)});
  ASSERT_EQ(lines.size(), 40000U - 31234U);
  EXPECT_EQ(lines.front(), "line 31234");
  lines = Read({.tail = 30000});
  ASSERT_EQ(lines.size(), 30000U);
  EXPECT_EQ(lines.front(), "line 10000");
  EXPECT_THAT(Read({.tail = 2}), ElementsAre("line 39998", "line 39999"));
  EXPECT_TRUE(Read({.tail = 0}).empty());
  EXPECT_THAT(Read({.since = kStart + absl::Seconds(7), .until = kStart + absl::Seconds(8)}),
              ElementsAre("line 7", "line 8"));
}

TEST_F(LogTest, GoesOnAfterACrash) {
  {
    LogWriter writer = Open({});
    writer.Append(Stream::kStdout, "whole\n", kStart);
  }
  {
    ASSERT_OK_AND_ASSIGN(const UniqueFd fd, OpenFile(dir_.Path(kLogFile), O_WRONLY | O_APPEND));
    ASSERT_OK(WriteAll(fd.get(), "2023-11-14T22:13:20.000000000Z stdout F torn", "log"));
  }
  LogWriter writer = Open({});
  writer.Append(Stream::kStdout, "next\n", kStart);
  EXPECT_THAT(Read({}), ElementsAre("whole", "next"));
}

// How much this process has read, of files and else: proc_pid_io(5).
int64_t BytesRead() {
  const std::string text = ReadFile("/proc/self/io").value();
  int64_t bytes = -1;
  EXPECT_TRUE(absl::SimpleAtoi(absl::string_view(text).substr(7, text.find('\n') - 7), &bytes));
  return bytes;
}

TEST_F(LogTest, TailAndSinceReadLittleOfALargeLog) {
  LogOptions options;
  options.max_size = -1;
  LogWriter writer = Open(options);
  const std::string line = std::string(79, 'x') + "\n";
  std::string chunk;
  for (int i = 0; i < 1000; ++i) chunk += line;
  for (int i = 0; i < 400; ++i) writer.Append(Stream::kStdout, chunk, kStart + absl::Seconds(i));
  ASSERT_GT(writer.stats().bytes, 40U << 20);

  const int64_t before_tail = BytesRead();
  EXPECT_EQ(Read({.tail = 10}).size(), 10U);
  EXPECT_LT(BytesRead() - before_tail, 1 << 20);

  // The search by halves, and the lines themselves.
  const int64_t before_since = BytesRead();
  EXPECT_EQ(Read({.since = kStart + absl::Seconds(398)}).size(), 2000U);
  EXPECT_LT(BytesRead() - before_since, 4 << 20);
}

TEST_F(LogTest, AFullDiskDropsWholeLinesAndMarksTheGap) {
  if (!testing::HavePrivilege()) GTEST_SKIP() << "needs root";
  testing::RunIsolated(CLONE_NEWNS, [this] {
    ASSERT_EQ(mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=64k"), 0);
    LogWriter writer = Open({});
    const std::string line = std::string(999, 'x') + "\n";
    for (int i = 0; i < 100; ++i) writer.Append(Stream::kStdout, line, kStart);
    const uint64_t dropped = writer.stats().dropped_lines;
    EXPECT_GT(dropped, 30U);
    ASSERT_EQ(mount("tmpfs", dir_.path().c_str(), "tmpfs", MS_REMOUNT, "size=1m"), 0);
    writer.Append(Stream::kStdout, "back\n", kStart + absl::Seconds(1));
    const std::vector<std::string> lines = Read({});
    EXPECT_EQ(lines.size(), 100 - dropped + 2);
    EXPECT_THAT(lines[lines.size() - 2], HasSubstr(absl::StrCat(dropped, " lines")));
    EXPECT_THAT(lines[lines.size() - 2], HasSubstr("ENOSPC"));
    EXPECT_EQ(lines.back(), "back");
    directory_.Reset();
    { LogWriter gone = std::move(writer); }
    ASSERT_EQ(umount2(dir_.path().c_str(), MNT_DETACH), 0);
  });
}

}  // namespace
}  // namespace tiny::logs
