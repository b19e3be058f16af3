#include "runtime/process_table.h"

#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

// Fields 3 and on of proc_pid_stat(5): the process has used 50 + 25 ticks and is 100 s old.
constexpr char kStat[] =
    "42 (my (odd) name) S 7 42 40 34817 -1 4194560 1 0 0 0 50 25 0 0 20 -5 3 0 10000 8192000 200 "
    "18446744073709551615 1 1\n";

ProcessTableContext Context() {
  ProcessTableContext context;
  context.now = absl::FromUnixSeconds(1700000000);  // 22:13:20 UTC
  context.uptime = absl::Seconds(200);
  context.memory_total = uint64_t{8192} * 1000;
  return context;
}

TEST(ProcessTableTest, ReadsTheColumnsOfPs) {
  ASSERT_OK_AND_ASSIGN(ProcessRow row, ParseProcessRow(kStat));
  row.uid = 33;
  row.command_line = "nginx -g daemon off;";
  const auto column = [&row](absl::string_view name) {
    return ProcessColumn(name, row, Context());
  };
  EXPECT_EQ(column("pid"), "42");
  EXPECT_EQ(column("ppid"), "7");
  EXPECT_EQ(column("uid"), "33");
  EXPECT_EQ(column("comm"), "my (odd) name");
  EXPECT_EQ(column("cmd"), "nginx -g daemon off;");
  EXPECT_EQ(column("tty"), "pts/1");
  EXPECT_EQ(column("time"), "00:00:00");
  EXPECT_EQ(column("etime"), "00:01:40");
  EXPECT_EQ(column("stime"), "22:11");
  EXPECT_EQ(column("%cpu"), "0.8");
  EXPECT_EQ(column("vsz"), "8000");
  EXPECT_EQ(column("rss"), "800");
  EXPECT_EQ(column("%mem"), "10.0");
  EXPECT_EQ(column("ni"), "-5");
  EXPECT_EQ(column("nlwp"), "3");
  row.command_line.clear();
  EXPECT_EQ(column("cmd"), "[my (odd) name]") << "a kernel thread or a zombie";
}

TEST(ProcessTableTest, UnderstandsTheOptionsOfPs) {
  ASSERT_OK_AND_ASSIGN(const auto usual, ParsePsOptions({}));
  EXPECT_THAT(usual, ElementsAre("uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"));
  EXPECT_EQ(ParsePsOptions({"-ef"}).value(), usual);
  EXPECT_THAT(ParsePsOptions({"-o", "pid,comm"}).value(), ElementsAre("pid", "comm"));
  EXPECT_THAT(ParsePsOptions({"-eo", "pid", "-o", "rss"}).value(), ElementsAre("pid", "rss"));
  EXPECT_THAT(ParsePsOptions({"-opid"}).value(), ElementsAre("pid"));
  EXPECT_EQ(ParsePsOptions({"aux"}).value().front(), "user");
  EXPECT_THAT(ParsePsOptions({"-e", "-x"}).value(),
              ElementsAre("pid", "tty", "stat", "time", "command"));
  EXPECT_THAT(ParsePsOptions({"-o", "wchan"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("wchan")));
  EXPECT_THAT(ParsePsOptions({"-Z"}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ProcessTableTest, ReadsThisProcessAndLeavesOutOneThatIsGone) {
  ASSERT_OK_AND_ASSIGN(const ProcessTable table,
                       ReadProcessTable({getpid(), 0x7ffffff0}, {"pid", "args"}));
  EXPECT_THAT(table.titles, ElementsAre("PID", "COMMAND"));
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0][0], std::to_string(getpid()));
  EXPECT_THAT(table.rows[0][1], HasSubstr("process_table_test"));
}

TEST(ProcessTableTest, RefusesWhatIsCutShort) {
  EXPECT_FALSE(ParseProcessRow("").ok());
  EXPECT_FALSE(ParseProcessRow("42 (a) S 7 42").ok());
}

}  // namespace
}  // namespace tiny::runtime
