#include "cli/table/table.h"

#include "gtest/gtest.h"

namespace tiny::cli {
namespace {

TEST(TableTest, AlignsColumnsAndDoesNotPadTheLast) {
  Table table({"NAME", "STATUS"});
  table.AddRow({"web-frontend", "Up"});
  table.AddRow({"a", "Exited (0)"});
  EXPECT_EQ(table.ToString(),
            "NAME           STATUS\n"
            "web-frontend   Up\n"
            "a              Exited (0)\n");
}

TEST(TableTest, AlignsByWhatATerminalShows) {
  Table table;
  table.AddRow({"größe", "x"});
  table.AddRow({"日本", "y"});
  table.AddRow({"abcde", "z"});
  EXPECT_EQ(table.ToString(), "größe   x\n日本    y\nabcde   z\n");
}

TEST(TableTest, ControlCharactersCannotReachATerminal) {
  Table table;
  table.AddRow({"a\x1b[31mred\nline", "\xff"});
  EXPECT_EQ(table.ToString(), "a\\x1b[31mred\\x0aline   \\xff\n");
}

TEST(TableTest, RowsMayBeShorter) {
  Table table({"A", "B", "C"});
  table.AddRow({"1"});
  EXPECT_EQ(table.ToString(), "A   B   C\n1\n");
}

}  // namespace
}  // namespace tiny::cli
