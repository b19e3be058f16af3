// Terminals (-t) and standard input (-i), through a real pseudo-terminal.
#include "e2e/terminal.h"

#include <signal.h>

#include "e2e/harness.h"

namespace tiny::e2e {
namespace {

using ::testing::HasSubstr;

constexpr char kCtrlC[] = "\x03";
constexpr char kDetach[] = "\x10\x11";  // ctrl-p ctrl-q

class TerminalTest : public TinyTest {
 protected:
  void Start(Terminal& terminal, std::vector<std::string> args) {
    args.insert(args.begin(), "-it");
    terminal.Start(CommandLine(RunArgs(args)));
  }
  void Remove(const std::string& name) { EXPECT_EQ(Tiny({"rm", "-f", name}).code, 0); }
};

TEST_F(TerminalTest, HasTheClientsSizeFromTheFirstMoment) {
  Terminal terminal(41, 97);
  Start(terminal, {"--rm", "stty", "size"});
  EXPECT_TRUE(terminal.Shows("41 97"));
  EXPECT_EQ(terminal.Finish(), 0);
}

TEST_F(TerminalTest, FollowsTheClientsSize) {
  Terminal terminal(24, 80);
  Start(terminal, {"--rm", "sh", "-c",
                   "trap 'stty size' WINCH; trap 'exit 7' INT; echo ready; "
                   "while :; do sleep 0.05; done"});
  ASSERT_TRUE(terminal.Shows("ready"));
  for (unsigned short rows = 30; rows < 40; ++rows) terminal.Resize(rows, 100);
  EXPECT_TRUE(terminal.Shows("39 100"));
  terminal.Type(kCtrlC);
  EXPECT_EQ(terminal.Finish(), 7);
}

TEST_F(TerminalTest, TheClientsTerminalIsRawMeanwhileAndThenAsBefore) {
  Terminal terminal(24, 80);
  EXPECT_FALSE(terminal.IsRaw());
  Start(terminal, {"--rm", "sh", "-c", "echo ready; read line; echo got $line"});
  ASSERT_TRUE(terminal.Shows("ready"));
  EXPECT_TRUE(WaitUntil(absl::Seconds(10), [&] { return terminal.IsRaw(); }));
  terminal.Type("word\n");
  EXPECT_TRUE(terminal.Shows("got word"));
  EXPECT_EQ(terminal.Finish(), 0);
  EXPECT_FALSE(terminal.IsRaw());
}

TEST_F(TerminalTest, DetachesAndIsAttachedAgain) {
  Terminal first(24, 80);
  Start(first, {"--name", "shell", "sh"});
  first.Type("echo $((40+2))\n");
  ASSERT_TRUE(first.Shows("42\r\n"));
  first.Type(kDetach);
  EXPECT_EQ(first.Finish(), 0);
  EXPECT_THAT(first.shown(), HasSubstr("read escape sequence"));
  EXPECT_FALSE(first.IsRaw());
  EXPECT_EQ(Inspect("shell", "{{.State.Running}}"), "true");

  Terminal second(24, 80);
  second.Start(CommandLine({"attach", "--detach-keys", "ctrl-x,d", "shell"}));
  second.Type("echo $((50+5))\n");
  ASSERT_TRUE(second.Shows("55\r\n"));
  second.Type("\x18");  // the keys may come one by one
  second.Type("d");
  EXPECT_EQ(second.Finish(), 0);

  Terminal third(24, 80);
  third.Start(CommandLine({"attach", "shell"}));
  third.Type("exit 5\n");
  EXPECT_EQ(third.Finish(), 5);
  Remove("shell");
}

TEST_F(TerminalTest, AContainerOutlivesItsClientsTerminal) {
  Terminal first(24, 80);
  Start(first, {"--name", "shell", "sh"});
  first.Type("echo $((40+2))\n");
  ASSERT_TRUE(first.Shows("42\r\n"));
  kill(first.pid(), SIGKILL);
  EXPECT_EQ(first.Finish(), 137);
  EXPECT_EQ(Inspect("shell", "{{.State.Running}}"), "true");
  Terminal second(24, 80);
  second.Start(CommandLine({"attach", "shell"}));
  second.Type("echo $((50+5))\n");
  ASSERT_TRUE(second.Shows("55\r\n"));
  second.Type("exit\n");
  EXPECT_EQ(second.Finish(), 0);
  Remove("shell");
}

TEST_F(TerminalTest, OfExec) {
  const std::string id = Detached({"sleep", "1000"});
  Terminal terminal(33, 77);
  const char* script = "stty size; trap 'exit 9' INT; echo ready; while :; do sleep 0.05; done";
  terminal.Start(CommandLine({"exec", "-it", id, "sh", "-c", script}));
  EXPECT_TRUE(terminal.Shows("33 77"));
  ASSERT_TRUE(terminal.Shows("ready"));
  terminal.Type(kCtrlC);
  EXPECT_EQ(terminal.Finish(), 9);
  EXPECT_FALSE(terminal.IsRaw());
  Remove(id);
}

TEST_F(TerminalTest, NeedsOneForBothFlags) {
  EXPECT_THAT(Run({"--rm", "-it", "true"}), FailsClearly(125, "not a terminal"));
  const std::string id = Detached({"sleep", "1000"});
  EXPECT_THAT(Tiny({"exec", "-it", id, "true"}), FailsClearly(125, "not a terminal"));
  Remove(id);
}

TEST_F(TerminalTest, WithoutInputItNeedsNone) {
  EXPECT_THAT(Run({"--rm", "-t", "sh", "-c", "test -t 1 && echo yes; echo error >&2"}),
              Succeeds("yes\r\nerror\r\n"));
}

TEST_F(TerminalTest, StandardInputIsWholeAndEnds) {
  std::string text;
  for (int i = 0; i < 60000; ++i) text += std::to_string(i) + "\n";
  EXPECT_THAT(Tiny(RunArgs({"--rm", "-i", "cat"}), text), Succeeds(text));
}

TEST_F(TerminalTest, StandardInputEndsWithItsClient) {
  const pid_t client = Spawn(RunArgs({"-i", "--name", "reader", "cat"}));
  EXPECT_EQ(Finish(client).code, 0);
  EXPECT_THAT(Tiny({"wait", "reader"}), Succeeds("0\n"));
  Remove("reader");
}

}  // namespace
}  // namespace tiny::e2e
