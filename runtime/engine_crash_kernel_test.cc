// What is left when supervisors and clients are killed, and how it is mended.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/engine_test_fixture.h"
#include "runtime/run_directory.h"
#include "state/state_json.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

class EngineCrashTest : public EngineTest {
 protected:
  void KillSupervisor(const Container& container) {
    ASSERT_EQ(kill(container.state.supervisor.pid, SIGKILL), 0);
    Eventually("the supervisor is dead", [&] { return IsGone(container.state.supervisor.pid); });
  }
  // Somebody has to reap what loses its parent, as the machine's init does.
  static void ReapOrphans() { signal(SIGCHLD, SIG_IGN); }

  static constexpr char kTicking[] = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done";
};

TEST_F(EngineCrashTest, AContainerOutlivesItsSupervisorAndGetsAnother) {
  Isolated([this] {
    ReapOrphans();
    const std::string id = Run(Shell(kTicking));
    const Container before = Look(id);
    Eventually("it runs", [&] { return !LogOf(id).empty(); });
    KillSupervisor(before);
    EXPECT_FALSE(IsGone(before.state.init.pid));
    const Container after = Look(id);
    EXPECT_EQ(after.state.status, state::Status::kRunning);
    EXPECT_EQ(after.state.init, before.state.init);
    EXPECT_NE(after.state.supervisor.pid, before.state.supervisor.pid);
    EXPECT_FALSE(IsGone(after.state.supervisor.pid));
    const size_t logged = LogOf(id).size();
    Eventually("its output is logged again", [&] { return LogOf(id).size() > logged + 20; });
    // No line was lost while nobody read.
    int expected = 0;
    for (absl::string_view line : absl::StrSplit(LogOf(id), '\n', absl::SkipEmpty())) {
      EXPECT_EQ(line, absl::StrCat(++expected));
    }
    ASSERT_OK(engine_->Stop(id, {.timeout_seconds = 0}));
    const Container stopped = Look(id);
    EXPECT_EQ(stopped.state.status, state::Status::kExited);
    // Known where the kernel tells (PIDFD_INFO_EXIT, Linux 6.15).
    if (stopped.state.exit_code != 137) {
      EXPECT_EQ(stopped.state.exit_code, -1);
      EXPECT_THAT(stopped.state.error, HasSubstr("supervisor died"));
    }
    ASSERT_OK(engine_->Remove(id, false, false));
    ExpectNothingLeft();
  });
}

TEST_F(EngineCrashTest, AnAdoptedContainerThatNobodyReapsHasExited) {
  Isolated([this] {
    const std::string id = Run(Shell("sleep 1000"));
    const Container before = Look(id);
    KillSupervisor(before);
    EXPECT_EQ(Look(id).state.status, state::Status::kRunning);
    ASSERT_EQ(kill(before.state.init.pid, SIGKILL), 0);
    Eventually("it has exited", [&] { return Look(id).state.status == state::Status::kExited; });
    ASSERT_OK_AND_ASSIGN(const ProcessStat stat, ReadProcessStat(before.state.init.pid));
    EXPECT_EQ(stat.state, 'Z');
    EXPECT_EQ(Look(id).state.exit_code, 137);
    ReapOrphans();
    ASSERT_OK(engine_->Remove(id, false, false));
    ExpectNothingLeft();
  });
}

TEST_F(EngineCrashTest, ManyWhoNoticeMakeOneSupervisor) {
  Isolated([this] {
    ReapOrphans();
    const std::string id = Run(Shell("sleep 1000"));
    const Container before = Look(id);
    KillSupervisor(before);
    std::vector<pid_t> lookers;
    for (int i = 0; i < 8; ++i) {
      const pid_t pid = fork();
      if (pid == 0) {
        auto engine = Engine::Open(options_);
        _exit(engine.ok() && (*engine)->Inspect(id).ok() ? 0 : 1);
      }
      lookers.push_back(pid);
    }
    for (const pid_t pid : lookers) Eventually("they return", [&] { return IsGone(pid); });
    const Container after = Look(id);
    EXPECT_FALSE(IsGone(after.state.supervisor.pid));
    int supervisors = 0;
    const std::vector<std::string> processes = ListDirectory("/proc").value();
    for (const std::string& name : processes) {
      const std::string comm = ReadFile(absl::StrCat("/proc/", name, "/comm")).value_or("");
      supervisors += comm == "tiny-supervisor\n" ? 1 : 0;
    }
    EXPECT_EQ(supervisors, 1);
  });
}

TEST_F(EngineCrashTest, WhatDiedUnwatchedIsExitedAndSwept) {
  Isolated([this] {
    ReapOrphans();
    state::ContainerConfig config = Shell("sleep 1000");
    const std::string kept = Run(config);
    config.auto_remove = true;
    const std::string vanishing = Run(config);
    for (const std::string& id : {kept, vanishing}) {
      const Container container = Look(id);
      KillSupervisor(container);
      ASSERT_EQ(kill(container.state.init.pid, SIGKILL), 0);
      Eventually("it is dead", [&] { return IsGone(container.state.init.pid); });
    }
    EXPECT_THAT(engine_->Inspect(vanishing), StatusIs(absl::StatusCode::kNotFound));
    const Container container = Look(kept);
    EXPECT_EQ(container.state.status, state::Status::kExited);
    EXPECT_EQ(container.state.exit_code, -1);
    EXPECT_FALSE(container.state.error.empty());
    ASSERT_OK(engine_->Remove(kept, false, false));
    ExpectNothingLeft();
  });
}

TEST_F(EngineCrashTest, WhatAKilledStartLeftIsSwept) {
  Isolated([this] {
    const std::string id = Create(Shell("true"));
    ASSERT_OK_AND_ASSIGN(engine_, Engine::Open(options_));  // lets go of the container's lock
    const std::string directory = RunDirectory(options_.run_root, id);
    for (const bool by_listing : {true, false}) {
      ASSERT_OK(MakeRunDirectory(options_.run_root, id));
      if (by_listing) {
        ASSERT_OK(engine_->List(nullptr));
      } else {
        ASSERT_OK(engine_->Remove(id, /*force=*/false, /*volumes=*/false));
      }
      EXPECT_NE(access(directory.c_str(), F_OK), 0);
    }
    ExpectNothingLeft();
  });
}

TEST_F(EngineCrashTest, ARestartPolicyHoldsWithoutASupervisor) {
  Isolated([this] {
    ReapOrphans();
    state::ContainerConfig config = Shell("sleep 1000");
    config.restart_policy.name = "always";
    const std::string id = Run(config);
    const Container before = Look(id);
    KillSupervisor(before);
    ASSERT_EQ(kill(before.state.init.pid, SIGKILL), 0);
    Eventually("it is dead", [&] { return IsGone(before.state.init.pid); });
    const Container after = Look(id);
    EXPECT_EQ(after.state.status, state::Status::kRunning);
    EXPECT_EQ(after.state.restart_count, 1);
    EXPECT_NE(after.state.init, before.state.init);
  });
}

TEST_F(EngineCrashTest, AContainerOfTheLastBootIsExitedAndCanBeStarted) {
  Isolated([this] {
    const std::string id = Create(Shell("sleep 1000"));
    // As the machine's failure would have left it.
    state::ContainerState state;
    state.status = state::Status::kRunning;
    state.init = {getpid(), 1, "00000000-0000-0000-0000-000000000000"};
    state.supervisor = state.init;
    engine_.reset();
    ASSERT_OK_AND_ASSIGN(engine_, Engine::Open(options_));
    const UniqueFd file(open(absl::StrCat(options_.root, "/containers/", id, "/state.json").c_str(),
                             O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    ASSERT_OK(WriteAll(file.get(), state::StateToJson(state), "state.json"));
    EXPECT_EQ(Look(id).state.status, state::Status::kExited);
    EXPECT_FALSE(Look(id).state.error.empty());
    ASSERT_OK(engine_->Start(id));
    EXPECT_EQ(Look(id).state.status, state::Status::kRunning);
  });
}

TEST_F(EngineCrashTest, AContainerOutlivesItsClient) {
  Isolated([this] {
    const std::string id =
        Create(Shell("trap 'exit 6' TERM; echo up; while :; do sleep 0.01; done"));
    engine_.reset();  // lets go of the container's lock
    const pid_t client = fork();
    if (client == 0) {
      const int null = open("/dev/null", O_RDWR);
      for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
      auto engine = Engine::Open(options_);
      (void)(*engine)->StartAttached(id, {});
      _exit(0);
    }
    ASSERT_OK_AND_ASSIGN(engine_, Engine::Open(options_));
    Eventually("it runs", [&] { return LogOf(id) == "up\n"; });
    ASSERT_EQ(kill(client, SIGKILL), 0);
    ASSERT_EQ(waitpid(client, nullptr, 0), client);
    EXPECT_EQ(Look(id).state.status, state::Status::kRunning);
    ASSERT_OK(engine_->Stop(id, {}));
    EXPECT_EQ(Look(id).state.exit_code, 6);
  });
}

TEST_F(EngineCrashTest, AClientKilledAtAnyMomentLeavesAListedContainerOrNothing) {
  Isolated([this] {
    ReapOrphans();
    for (int delay = 0; delay < 30; ++delay) {
      const pid_t client = fork();
      if (client == 0) {
        const int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
        auto engine = Engine::Open(options_);
        auto id = (*engine)->Create(Shell("sleep 1000"), Engine::Next::kStart);
        if (id.ok()) (*engine)->Start(*id).IgnoreError();
        pause();
      }
      absl::SleepFor(absl::Microseconds(400) * delay);
      ASSERT_EQ(kill(client, SIGKILL), 0);
      Eventually("the client is dead", [&] { return IsGone(client); });
    }
    std::vector<std::string> damaged;
    ASSERT_OK_AND_ASSIGN(const std::vector<Container> containers, engine_->List(&damaged));
    EXPECT_TRUE(damaged.empty());
    for (const Container& container : containers) {
      EXPECT_TRUE(container.state.status == state::Status::kCreated ||
                  container.state.status == state::Status::kRunning)
          << state::StatusName(container.state.status);
      EXPECT_OK(engine_->Remove(container.config.id, /*force=*/true, false));
    }
    ASSERT_OK(engine_->Sweep());
    ExpectNothingLeft();
  });
}

TEST_F(EngineCrashTest, AStoppedClientHoldsUpNothing) {
  Isolated([this] {
    const std::string id = Create(Shell("dd if=/dev/zero bs=64k count=64 2>/dev/null; exit 8"));
    engine_.reset();
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t client = fork();
    if (client == 0) {
      dup2(ends[1], STDOUT_FILENO);  // a pipe that nobody reads
      auto engine = Engine::Open(options_);
      (void)(*engine)->StartAttached(id, {});
      _exit(0);
    }
    ASSERT_OK_AND_ASSIGN(engine_, Engine::Open(options_));
    Eventually("it runs", [&] { return Look(id).state.started_at != absl::InfinitePast(); });
    ASSERT_EQ(kill(client, SIGSTOP), 0);
    EXPECT_EQ(engine_->Wait(id).value(), 8);
    kill(client, SIGKILL);
    waitpid(client, nullptr, 0);
    close(ends[0]);
    close(ends[1]);
  });
}

}  // namespace
}  // namespace tiny::runtime
