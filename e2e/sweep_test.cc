// Kills each process of a command right after each of its system calls, and lets each call fail in
// turn: whatever happens, the next command lists a container that can be removed, or nothing, and
// after `tiny system prune` nothing at all is left.
//
// By default every kStride-th call, beginning at another one for each scenario. With
// TINY_SWEEP=all in the environment, or after `bazel test --test_env=TINY_SWEEP=all`, all of them.
#include <stdlib.h>
#include <sys/syscall.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "e2e/stepper.h"

namespace tiny::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr size_t kStride = 17;

size_t Stride() { return getenv("TINY_SWEEP") != nullptr ? 1 : kStride; }

class SweepTest : public TinyTest {
 protected:
  using Words = std::vector<std::string>;

  // Before each blow `prepare` runs, and its result is the process to follow, too.
  void Sweep(
      Blow::Kind kind, const std::function<Words()>& command,
      const std::function<pid_t()>& prepare = [] { return pid_t{0}; }) {
    pid_t also = prepare();
    const Stepped whole = Follow(CommandLine(command()), also);
    ASSERT_EQ(whole.result.code, 0) << whole.result.err;
    Recover("the whole command");
    size_t next = kind == Blow::Kind::kKill ? 1 : Stride() / 2;
    size_t blows = 0;
    for (size_t process = 0; process < whole.calls.size(); ++process) {
      for (size_t call = 1; call <= whole.calls[process].size(); ++call) {
        const uint64_t number = whole.calls[process][call - 1];
        if (kind == Blow::Kind::kFail && !CanFail(number)) continue;
        if (next++ % Stride() != 0) continue;
        also = prepare();
        const Blow blow = {.kind = kind, .process = process, .call = call};
        const Stepped stepped = Strike(CommandLine(command()), blow, also);
        blows += stepped.struck;
        const std::string where = absl::StrCat(
            kind == Blow::Kind::kKill ? "killed after" : "failed at", " call ", call, " (number ",
            number, ") of process ", process, " of `", absl::StrJoin(command(), " "), "`");
        ExpectGoodManners(blow, stepped, where);
        Recover(where);
      }
    }
    EXPECT_GT(blows, 0U);
    RecordProperty("blows", static_cast<int>(blows));
  }

  // Nothing crashes, and what fails says so.
  static void ExpectGoodManners(const Blow& blow, const Stepped& stepped,
                                const std::string& where) {
    const Result& result = stepped.result;
    if (blow.kind == Blow::Kind::kKill && blow.process == 0) return;
    // 137: of a container that was killed.
    EXPECT_TRUE(result.code <= 128 || result.code == 137) << where << ": " << result.code;
    if (result.code == 0 || result.code == 137) return;
    EXPECT_TRUE(absl::StartsWith(result.err, "tiny: "))
        << where << ": " << ::testing::PrintToString(result);
    // A lock goes with its holder.
    EXPECT_THAT(result.err, Not(HasSubstr("is locked by"))) << where;
  }

  void Recover(const std::string& where) {
    const Result listed = Tiny({"ps", "-aq"});
    EXPECT_EQ(listed.code, 0) << where << ": " << listed.err;
    EXPECT_EQ(listed.err, "") << where;
    for (const absl::string_view id : absl::StrSplit(listed.out, '\n', absl::SkipEmpty())) {
      const Result removed = Tiny({"rm", "-f", "-v", std::string(id)});
      EXPECT_EQ(removed.code, 0) << where << ": " << removed.err;
    }
    // What a removal left half done; harmless, and found by no other command.
    EXPECT_EQ(Tiny({"system", "prune", "-f", "--volumes"}).code, 0) << where;
    EXPECT_THAT(Leaks(), IsEmpty()) << where;
  }

  // A container that runs; its supervisor.
  pid_t Running() {
    EXPECT_EQ(Run({"-d", "--name", "swept", "sleep", "1000"}).code, 0);
    return SupervisorOf("swept");
  }
};

#define SWEEP(name, ...)                                                     \
  TEST_F(SweepTest, name##Killed) { Sweep(Blow::Kind::kKill, __VA_ARGS__); } \
  TEST_F(SweepTest, name##Failing) { Sweep(Blow::Kind::kFail, __VA_ARGS__); }

SWEEP(Run, [this] { return RunArgs({"--rm", "--name", "swept", "true"}); })
SWEEP(RunDetached, [this] { return RunArgs({"-d", "--name", "swept", "sleep", "1000"}); })
SWEEP(RunBridged, [this] {
  return RunArgs({"-d", "--rm", "--name", "swept", "--network", "bridge", "-p", "8080:80", "-v",
                  "/anonymous", "sleep", "1000"});
})
SWEEP(
    Exec,
    [] {
      return Words{"exec", "swept", "true"};
    },
    [this] { return Running(); })
SWEEP(
    Stop,
    [] {
      return Words{"stop", "-t", "0", "swept"};
    },
    [this] { return Running(); })
SWEEP(
    Remove,
    [] {
      return Words{"rm", "-f", "swept"};
    },
    [this] { return Running(); })

// Right before the supervisor would have told the container's process to go on.
TEST_F(SweepTest, RunTellsOfASupervisorThatDiedInTheStart) {
  const std::vector<std::string> command = CommandLine(RunArgs({"--rm", "true"}));
  Follow(command);  // makes folders that the next one finds
  const Stepped whole = Follow(command);
  ASSERT_EQ(whole.result.code, 0) << whole.result.err;
  const std::vector<uint64_t>& calls = whole.calls[1];
  const size_t go = std::find(calls.rbegin(), calls.rend(), SYS_sendto).base() - calls.begin() - 1;
  ASSERT_LT(go, calls.size());
  // Who sees the process end, the client's next supervisor or nobody, differs.
  for (int i = 0; i < 20; ++i) {
    const Stepped stepped = Strike(command, {.process = 1, .call = go});
    EXPECT_TRUE(stepped.struck);
    EXPECT_THAT(stepped.result, FailsClearly(125, "supervisor"));
    Recover("a supervisor that died");
  }
}

// Who joins the container's namespaces makes a child there that goes on by itself.
TEST_F(SweepTest, ExecGoesOnWithoutTheProcessThatJoined) {
  Running();
  const std::vector<std::string> command = CommandLine({"exec", "swept", "echo", "hello"});
  const Stepped whole = Follow(command);
  ASSERT_EQ(whole.result.code, 0) << whole.result.err;
  ASSERT_EQ(whole.calls.size(), 3U);
  const std::vector<uint64_t>& calls = whole.calls[1];
  const size_t clone = std::find(calls.begin(), calls.end(), SYS_clone3) - calls.begin();
  ASSERT_LT(clone, calls.size());
  const Stepped stepped = Strike(command, {.process = 1, .call = clone + 1});
  EXPECT_TRUE(stepped.struck);
  EXPECT_THAT(stepped.result, Succeeds("hello\n"));
  EXPECT_EQ(Tiny({"rm", "-f", "swept"}).code, 0);
}

}  // namespace
}  // namespace tiny::e2e
