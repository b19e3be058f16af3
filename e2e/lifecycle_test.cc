// Detached containers through every command that touches their life.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "e2e/harness.h"

namespace tiny::e2e {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(TinyTest, DetachedFromRunToRm) {
  const std::string id = Detached({"--name", "one", "sh", "-c", "echo hello; exec sleep 1000"});
  EXPECT_EQ(id.size(), 64U);
  EXPECT_THAT(Tiny({"ps", "-q", "--no-trunc"}), Succeeds(id + "\n"));
  EXPECT_TRUE(Eventually({"logs", "one"}, "hello\n"));
  EXPECT_THAT(Tiny({"exec", "one", "sh", "-c", "echo in; exit 3"}),
              AllOf(Field(&Result::code, 3), Field(&Result::out, "in\n")));
  EXPECT_THAT(Tiny({"exec", "one", "no-such"}), Field(&Result::code, 127));
  EXPECT_THAT(Tiny({"top", "one"}), Succeeds(HasSubstr("sleep 1000")));
  EXPECT_EQ(Tiny({"rename", "one", "two"}).code, 0);
  EXPECT_EQ(Inspect("two", "{{.State.Running}}"), "true");
  EXPECT_THAT(Tiny({"rm", "two"}), FailsClearly(1, "two"));
  EXPECT_THAT(Tiny({"stop", "-t", "1", "two"}), Succeeds("two\n"));
  EXPECT_EQ(Inspect("two", "{{.State.Status}} {{.State.ExitCode}}"), "exited 137");
  EXPECT_THAT(Tiny({"start", "two"}), Succeeds("two\n"));
  EXPECT_EQ(Tiny({"restart", "-t", "0", "two"}).code, 0);
  EXPECT_EQ(Inspect("two", "{{.State.Running}}"), "true");
  EXPECT_THAT(Tiny({"rm", "-f", id.substr(0, 12)}), Succeeds(id.substr(0, 12) + "\n"));
  EXPECT_THAT(Tiny({"ps", "-aq"}), Succeeds(""));
}

TEST_F(TinyTest, CreateThenStartAttached) {
  const Result created = Tiny([&] {
    std::vector<std::string> args = RunArgs({"--name", "later", "sh", "-c", "echo ran; exit 4"});
    args[0] = "create";
    return args;
  }());
  ASSERT_EQ(created.code, 0) << created.err;
  EXPECT_EQ(Inspect("later", "{{.State.Status}}"), "created");
  const Result started = Tiny({"start", "-a", "later"});
  EXPECT_EQ(started.code, 4);
  EXPECT_EQ(started.out, "ran\n");
  EXPECT_THAT(Tiny({"wait", "later"}), Succeeds("4\n"));
  EXPECT_EQ(Tiny({"rm", "later"}).code, 0);
}

TEST_F(TinyTest, RmLeavesNothingOfAutoRemoved) {
  const std::string id = Detached({"--rm", "sleep", "1000"});
  EXPECT_EQ(Tiny({"kill", "-s", "KILL", id}).code, 0);
  EXPECT_TRUE(Eventually({"ps", "-aq"}, ""));
}

TEST_F(TinyTest, UnknownContainersAreNamed) {
  for (const char* command : {"start", "stop", "kill", "rm", "logs", "inspect", "wait", "pause",
                              "unpause", "restart", "top", "attach", "port"}) {
    const Result result = Tiny({command, "nobody"});
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.err, HasSubstr("nobody")) << command;
  }
  EXPECT_EQ(Tiny({"exec", "nobody", "true"}).code, 1);
}

TEST_F(TinyTest, ANameHasOneOwner) {
  const std::string id = Detached({"--name", "mine", "sleep", "1000"});
  EXPECT_THAT(Run({"--name", "mine", "true"}), FailsClearly(125, "mine"));
  EXPECT_EQ(Tiny({"rm", "-f", "mine"}).code, 0);
  EXPECT_THAT(Run({"--rm", "--name", "mine", "true"}), Succeeds(""));
}

TEST_F(TinyTest, OfFiftyThatRaceForANameOneWins) {
  std::vector<pid_t> racers;
  for (int i = 0; i < 50; ++i) {
    racers.push_back(Spawn(RunArgs({"-d", "--name", "prize", "sleep", "1000"})));
  }
  int winners = 0;
  for (const pid_t pid : racers) {
    const Result result = Finish(pid);
    winners += result.code == 0;
    if (result.code != 0) {
      EXPECT_THAT(result, FailsClearly(125, "prize"));
    }
  }
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(Tiny({"rm", "-f", "prize"}).code, 0);
  EXPECT_THAT(Tiny({"ps", "-aq"}), Succeeds(""));
}

TEST_F(TinyTest, ManyAtOnce) {
  std::vector<pid_t> runs;
  for (int i = 0; i < 100; ++i) {
    runs.push_back(Spawn(RunArgs({"--rm", "sh", "-c", absl::StrCat("echo ", i)})));
  }
  std::set<std::string> outputs;
  for (const pid_t pid : runs) {
    const Result result = Finish(pid);
    EXPECT_EQ(result.code, 0) << result.err;
    outputs.insert(result.out);
  }
  EXPECT_EQ(outputs.size(), 100U);
  EXPECT_THAT(Tiny({"ps", "-aq"}), Succeeds(""));
}

// Whoever ends one run must not end the next one, which another command has begun meanwhile.
TEST_F(TinyTest, OfCommandsThatRaceForAContainerEachSucceeds) {
  const std::string id = Detached({"sleep", "1000"});
  for (int round = 0; round < 5; ++round) {
    std::vector<pid_t> racers;
    for (int i = 0; i < 4; ++i) {
      for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
               {"restart", "-t", "0"}, {"stop", "-t", "0"}, {"start"}}) {
        std::vector<std::string> words = command;
        words.push_back(id);
        racers.push_back(Spawn(words));
      }
    }
    for (const pid_t pid : racers) {
      const Result result = Finish(pid);
      EXPECT_EQ(result.code, 0) << result.err;
    }
  }
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(TinyTest, AnExecDuringAStartIsInTheContainer) {
  const std::string host = std::filesystem::read_symlink("/proc/self/ns/net");
  for (int i = 0; i < 60; ++i) {
    const pid_t start = Spawn(RunArgs({"-d", "--name", "fresh", "sleep", "1000"}));
    Result looked;
    ASSERT_TRUE(WaitUntil(absl::Seconds(20), [&] {
      looked = Tiny({"exec", "fresh", "readlink", "/proc/self/ns/net"});
      return looked.code == 0;
    }));
    EXPECT_THAT(looked.out, Not(HasSubstr(host)));
    EXPECT_EQ(Finish(start).code, 0);
    EXPECT_EQ(Tiny({"rm", "-f", "fresh"}).code, 0);
  }
}

TEST_F(TinyTest, AClientKilledAtAnyMomentLeavesAContainerOrNothing) {
  for (int i = 0; i < 25; ++i) {
    const std::string name = absl::StrCat("victim", i);
    const pid_t client = Spawn(RunArgs({"-d", "--name", name, "sleep", "1000"}));
    usleep(static_cast<useconds_t>(i * 700));
    kill(client, SIGKILL);
    Finish(client);
  }
  const Result listed = Tiny({"ps", "-aq"});
  ASSERT_EQ(listed.code, 0) << listed.err;
  for (const absl::string_view id : absl::StrSplit(listed.out, '\n', absl::SkipEmpty())) {
    EXPECT_EQ(Tiny({"rm", "-f", std::string(id)}).code, 0) << id;
  }
  EXPECT_EQ(Tiny({"system", "prune", "-f"}).code, 0);
}

TEST_F(TinyTest, AKilledSupervisorIsReplaced) {
  const std::string id = Detached({"sh", "-c", "while :; do echo tick; sleep 0.1; done"});
  const pid_t supervisor = SupervisorOf(id);
  ASSERT_GT(supervisor, 0);
  ASSERT_EQ(kill(supervisor, SIGKILL), 0);
  EXPECT_EQ(Inspect(id, "{{.State.Running}}"), "true");
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(TinyTest, AStoppedSupervisorKeepsNobodyFromRemoving) {
  const std::string id = Detached({"sleep", "1000"});
  ASSERT_EQ(kill(SupervisorOf(id), SIGSTOP), 0);
  EXPECT_THAT(Tiny({"rm", "-f", id}), Succeeds(id + "\n"));
  EXPECT_THAT(Tiny({"ps", "-aq"}), Succeeds(""));
}

TEST_F(TinyTest, WhatRunsIsRemovedByForceAloneThoughItsRecordIsDamaged) {
  // In the usual cgroup, which the record need not name.
  std::string id = Tiny({"run", "-d", "--network", "none", "--rootfs", "/:O", "sleep", "1000"}).out;
  id.pop_back();
  const pid_t pid = std::stoi(Inspect(id, "{{.State.Pid}}"));
  const std::string record = absl::StrCat(RootPath(), "/containers/", id, "/state.json");
  ASSERT_EQ(truncate(record.c_str(), 0), 0);
  const Result refused = Tiny({"rm", id});
  EXPECT_THAT(refused, FailsClearly(1, "is running, though its record is damaged"));
  EXPECT_THAT(refused.err, HasSubstr("tiny rm -f"));
  EXPECT_EQ(kill(pid, 0), 0);
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
  EXPECT_TRUE(WaitUntil(absl::Seconds(20), [&] { return kill(pid, 0) != 0; }));
}

TEST_F(TinyTest, PrunesOfSeveralPassOverWhatIsGone) {
  for (int i = 0; i < 8; ++i) EXPECT_EQ(Run({"true"}).code, 0);
  std::vector<pid_t> prunes;
  for (int i = 0; i < 6; ++i) prunes.push_back(Spawn({"container", "prune", "-f"}));
  for (const pid_t prune : prunes) {
    const Result result = Finish(prune);
    EXPECT_EQ(result.code, 0) << result.err;
  }
  EXPECT_THAT(Tiny({"ps", "-aq"}), Succeeds(""));
}

}  // namespace
}  // namespace tiny::e2e
