// The engine's verbs on real containers.

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "cgroup/hierarchy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/engine_test_fixture.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::StatusIs;

TEST_F(EngineTest, RunsInTheForegroundAndPassesOnOutputAndExitCode) {
  Isolated([this] {
    const std::string id = Create(Shell("echo out; echo err >&2; cat; exit 7"));
    absl::StatusOr<AttachResult> result = absl::UnknownError("");
    const Captured captured = CaptureStreams("", [&] { result = engine_->StartAttached(id, {}); });
    ASSERT_OK(result);
    EXPECT_EQ(result->exit_code, 7);
    EXPECT_FALSE(result->detached);
    EXPECT_EQ(captured.out, "out\n");
    EXPECT_EQ(captured.err, "err\n");
    const Container container = Look(id);
    EXPECT_EQ(container.state.status, state::Status::kExited);
    EXPECT_EQ(container.state.exit_code, 7);
    EXPECT_EQ(container.state.init.pid, 0);
    EXPECT_LT(container.state.started_at, container.state.finished_at);
    EXPECT_THAT(LogOf(id), HasSubstr("out\n"));
    EXPECT_THAT(LogOf(id), HasSubstr("err\n"));
  });
}

TEST_F(EngineTest, PassesOnInputAndItsEnd) {
  Isolated([this] {
    state::ContainerConfig config = Shell("cat; echo end");
    config.open_stdin = true;
    config.attach_stdin = true;
    config.auto_remove = true;
    std::string input(300000, 'x');
    input += '\n';
    AttachOptions options;
    options.stdin_open = true;
    absl::StatusOr<AttachResult> result = absl::UnknownError("");
    const Captured captured =
        CaptureStreams(input, [&] { result = engine_->StartAttached(Create(config), options); });
    ASSERT_OK(result);
    EXPECT_EQ(captured.out, input + "end\n");
    ExpectNothingLeft();
  });
}

TEST_F(EngineTest, LosesNoByteOfALargeOutput) {
  Isolated([this] {
    state::ContainerConfig config = Shell("dd if=/dev/zero bs=64k count=160 2>/dev/null");
    config.auto_remove = true;
    config.log.driver = "none";
    const Captured captured =
        CaptureStreams("", [&] { EXPECT_OK(engine_->StartAttached(Create(config), {})); });
    EXPECT_EQ(captured.out.size(), size_t{160} * 64 * 1024);
  });
}

TEST_F(EngineTest, StopsADetachedContainer) {
  Isolated([this] {
    const std::string id =
        Run(Shell("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done"));
    Container container = Look(id);
    EXPECT_EQ(container.state.status, state::Status::kRunning);
    EXPECT_GT(container.state.init.pid, 0);
    const pid_t init = container.state.init.pid;
    Eventually("the program runs", [&] { return LogOf(id) == "up\n"; });
    EXPECT_THAT(engine_->Remove(id, false, false),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("running")));
    ASSERT_OK(engine_->Stop(id, {}));
    container = Look(id);
    EXPECT_EQ(container.state.status, state::Status::kExited);
    EXPECT_EQ(container.state.exit_code, 3);
    EXPECT_TRUE(container.state.manually_stopped);
    EXPECT_TRUE(IsGone(init));
    EXPECT_EQ(LogOf(id), "up\nbye\n");
    EXPECT_OK(engine_->Stop(id, {})) << "stopping what is stopped is fine";
    ASSERT_OK(engine_->Start(id));
    EXPECT_EQ(Look(id).state.status, state::Status::kRunning);
    ASSERT_OK(engine_->Remove(id, /*force=*/true, false));
    ExpectNothingLeft();
  });
}

TEST_F(EngineTest, KillsWhatIgnoresTheStopSignalAndSaysSo) {
  Isolated([this] {
    const std::string id = Run(Shell("sleep 1000"));
    std::string note;
    StopOptions options;
    options.timeout_seconds = 0;
    options.note = [&note](absl::string_view text) { note = std::string(text); };
    ASSERT_OK(engine_->Stop(id, options));
    EXPECT_EQ(Look(id).state.exit_code, 137);
    EXPECT_THAT(note, HasSubstr("SIGTERM"));
  });
}

TEST_F(EngineTest, AProgramThatCannotBeStartedLeavesOnlyItsRecord) {
  Isolated([this] {
    for (const auto& [program, code] :
         {std::pair("/bin/missing", 127), std::pair("/bin/not-executable", 126)}) {
      state::ContainerConfig config = Shell("");
      config.command = {program};
      const std::string id = Create(config);
      const absl::Status status = engine_->Start(id);
      EXPECT_THAT(std::string(status.message()), HasSubstr(program));
      EXPECT_TRUE(GetErrno(status).has_value()) << status;
      const Container container = Look(id);
      EXPECT_EQ(container.state.status, state::Status::kCreated);
      EXPECT_EQ(container.state.exit_code, code);
      EXPECT_THAT(container.state.error, HasSubstr(program));
      ASSERT_OK(engine_->Remove(id, false, false));
    }
    ExpectNothingLeft();
  });
}

TEST_F(EngineTest, ListsWhatAThrowAwayRootHasChanged) {
  Isolated([this] {
    for (const char* name : {"changed", "deleted", "same"}) {
      ASSERT_OK(MakeDirs(absl::StrCat(rootfs_, "/files/", name), 0755));
    }
    state::ContainerConfig config = Shell(
        "busybox touch /files/changed/new; busybox rm -r /files/deleted; "
        "busybox mkdir /added; echo done; sleep 1000");
    config.rootfs_overlay = true;
    const std::string id = Create(config);
    EXPECT_THAT(engine_->Diff(id).value(), IsEmpty()) << "of one that never ran";
    EXPECT_THAT(engine_->OpenRoot(id, Engine::RootUse::kWrite),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not running")));
    ASSERT_OK(engine_->Start(id));
    Eventually("the program is done", [&] { return LogOf(id) == "done\n"; });
    const absl::StatusOr<std::vector<Change>> changes = engine_->Diff(id);
    ASSERT_OK(changes);
    std::vector<std::string> lines;
    for (const Change& change : *changes) {
      if (absl::StartsWith(change.path, "/files") || change.path == "/added") {
        lines.push_back(absl::StrCat(std::string(1, change.kind), " ", change.path));
      }
    }
    EXPECT_THAT(lines, ElementsAre("A /added", "C /files", "C /files/changed",
                                   "A /files/changed/new", "D /files/deleted"));
    EXPECT_OK(engine_->OpenRoot(id, Engine::RootUse::kWrite));
    const pid_t supervisor = Look(id).state.supervisor.pid;
    ASSERT_EQ(kill(supervisor, SIGKILL), 0);
    Eventually("another has it", [&] { return Look(id).state.supervisor.pid != supervisor; });
    EXPECT_THAT(engine_->Diff(id),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("supervisor")));
    ASSERT_OK(engine_->Remove(id, /*force=*/true, false));
    const std::string plain = Create(Shell("true"));
    EXPECT_THAT(engine_->Diff(plain),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("layer")));
    ASSERT_OK(engine_->Remove(plain, false, false));
    ExpectNothingLeft();
  });
}

TEST_F(EngineTest, WaitsForTheExitCode) {
  Isolated([this] {
    const std::string id = Run(Shell("sleep 0.1; exit 5"));
    EXPECT_EQ(engine_->Wait(id).value(), 5);
    EXPECT_EQ(engine_->Wait(id).value(), 5) << "of one that has exited already";
    EXPECT_THAT(engine_->Wait("nosuch"), StatusIs(absl::StatusCode::kNotFound));
  });
}

TEST_F(EngineTest, RestartsOnFailureAsOftenAsToldAndNoMore) {
  Isolated([this] {
    state::ContainerConfig config = Shell("echo run; exit 4");
    config.restart_policy = {.name = "on-failure", .maximum_retry_count = 2};
    const std::string id = Run(config);
    EXPECT_EQ(engine_->Wait(id).value(), 4);
    const Container container = Look(id);
    EXPECT_EQ(container.state.status, state::Status::kExited);
    EXPECT_EQ(container.state.restart_count, 2);
    EXPECT_EQ(LogOf(id), "run\nrun\nrun\n");
  });
}

TEST_F(EngineTest, AStopWinsOverARestart) {
  Isolated([this] {
    state::ContainerConfig config = Shell("exit 1");
    config.restart_policy = {.name = "always"};
    const std::string id = Run(config);
    Eventually("it waits for a restart",
               [&] { return Look(id).state.status == state::Status::kRestarting; });
    ASSERT_OK(engine_->Stop(id, {}));
    EXPECT_EQ(Look(id).state.status, state::Status::kExited);
    ASSERT_OK(engine_->Remove(id, false, false));
    ExpectNothingLeft();
  });
}

TEST_F(EngineTest, ExecutesInARunningContainer) {
  Isolated([this] {
    const std::string id = Run(Shell("sleep 1000"));
    const auto exec = [&](std::vector<std::string> command, ExecOptions options = {},
                          absl::string_view input = "") {
      options.command = std::move(command);
      absl::StatusOr<AttachResult> result = absl::UnknownError("");
      const Captured captured = CaptureStreams(input, [&] { result = engine_->Exec(id, options); });
      EXPECT_OK(result);
      return absl::StrCat(captured.out, captured.err, "=", result.ok() ? result->exit_code : -1);
    };
    EXPECT_EQ(exec({"/bin/sh", "-c", "echo hi; exit 9"}), "hi\n=9");
    EXPECT_EQ(exec({"/bin/sh", "-c", "echo $A"}, {.env = {"A=b"}}), "b\n=0");
    EXPECT_EQ(exec({"/bin/sh", "-c", "id -u; id -g; echo $HOME"}, {.user = "web"}),
              "33\n44\n/srv\n=0");
    EXPECT_EQ(exec({"/bin/cat"}, {.interactive = true}, "typed"), "typed=0");
    EXPECT_EQ(exec({"/bin/cat"}, {}, "not for it"), "=0");
    EXPECT_EQ(exec({"/bin/sh", "-c", "kill -9 $$"}), "=137");
    ExecOptions missing;
    missing.command = {"/bin/missing"};
    EXPECT_THAT(engine_->Exec(id, missing), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(engine_->Exec(id, {.command = {"/bin/true"}, .working_dir = "/missing"}),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr("chdir to /missing")));
    ASSERT_OK(engine_->Stop(id, {.timeout_seconds = 0}));
    missing.command = {"/bin/true"};
    EXPECT_THAT(engine_->Exec(id, missing),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not running")));
  });
}

TEST_F(EngineTest, ExecGoesToWhereTheContainerHasPutItsFirstProcess) {
  Isolated([this] {
    const std::string id = Run(Shell("sleep 1000"));
    const Container container = Look(id);
    ASSERT_OK_AND_ASSIGN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
    const std::string own = hierarchy.unified() + container.state.cgroup_path;
    // As systemd does in a container. Without controllers to hand on there is nothing to heed.
    const bool nests = !hierarchy.unified().empty() &&
                       absl::StrContains(ReadFile(own + "/cgroup.controllers").value(), "pids");
    if (nests) {
      ASSERT_EQ(mkdir((own + "/leaf").c_str(), 0755), 0);
      ASSERT_OK(
          WriteControlFile(own + "/leaf/cgroup.procs", absl::StrCat(container.state.init.pid)));
      ASSERT_OK(WriteControlFile(own + "/cgroup.subtree_control", "+pids"));
    }
    absl::StatusOr<AttachResult> result = absl::UnknownError("");
    const Captured captured = CaptureStreams("", [&] {
      result = engine_->Exec(id, {.command = {"/bin/cat", "/proc/self/cgroup"}});
    });
    ASSERT_OK(result);
    EXPECT_EQ(result->exit_code, 0);
    EXPECT_EQ(absl::StrContains(captured.out, "0::/leaf\n"), nests) << captured.out;
    ASSERT_OK(engine_->Remove(id, /*force=*/true, false));
    ExpectNothingLeft();
  });
}

TEST_F(EngineTest, PausesAndGoesOn) {
  Isolated([this] {
    const std::string id = Run(Shell("while :; do echo x; sleep 0.01; done"));
    ASSERT_OK(engine_->Pause(id));
    EXPECT_EQ(Look(id).state.status, state::Status::kPaused);
    EXPECT_THAT(engine_->Pause(id), StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(engine_->Exec(id, {.command = {"/bin/true"}}),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("paused")));
    ASSERT_OK(engine_->Unpause(id));
    const size_t before = LogOf(id).size();
    Eventually("it runs on", [&] { return LogOf(id).size() > before; });
    ASSERT_OK(engine_->Pause(id));
    ASSERT_OK(engine_->Kill(id, SIGURG));
    EXPECT_EQ(Look(id).state.status, state::Status::kRunning) << "to see the signal";
    ASSERT_OK(engine_->Pause(id));
    ASSERT_OK(engine_->Remove(id, /*force=*/true, false));
    ExpectNothingLeft();
  });
}

TEST_F(EngineTest, ChecksHealth) {
  Isolated([this] {
    state::ContainerConfig config = Shell("touch /tmp/ok; sleep 1000");
    config.health.test = {"CMD-SHELL", "echo probed; test -e /tmp/ok"};
    config.health.interval = absl::Milliseconds(20);
    config.health.retries = 2;
    const std::string id = Run(config);
    Eventually("healthy", [&] { return Look(id).state.health.status == "healthy"; });
    EXPECT_EQ(Look(id).state.health.log.back().output, "probed\n");
    ASSERT_OK(
        engine_->Exec(id, {.command = {"/bin/sh", "-c", "busybox rm /tmp/ok"}, .detach = true}));
    Eventually("unhealthy", [&] { return Look(id).state.health.status == "unhealthy"; });
    EXPECT_EQ(Look(id).state.health.log.back().exit_code, 1);
  });
}

TEST_F(EngineTest, GivesATerminalItsSizeBeforeTheProgramRuns) {
  Isolated([this] {
    state::ContainerConfig config = Shell("stty size; test -t 0 && test -t 2 && echo terminal");
    config.tty = true;
    config.open_stdin = true;
    config.auto_remove = true;
    const UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_EQ(unlockpt(master.get()), 0);
    winsize size = {};
    size.ws_row = 33;
    size.ws_col = 77;
    ASSERT_EQ(ioctl(master.get(), TIOCSWINSZ, &size), 0);
    const UniqueFd terminal(ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios before;
    ASSERT_EQ(tcgetattr(terminal.get(), &before), 0);
    UniqueFd saved[3];
    for (int fd = 0; fd < 3; ++fd) {
      saved[fd].Reset(fcntl(fd, F_DUPFD_CLOEXEC, 10));
      dup2(terminal.get(), fd);
    }
    const std::string id = Create(config);
    AttachOptions options;
    options.stdin_open = true;
    const absl::StatusOr<AttachResult> result = engine_->StartAttached(id, options);
    for (int fd = 0; fd < 3; ++fd) dup2(saved[fd].get(), fd);
    ASSERT_OK(result);
    EXPECT_EQ(result->exit_code, 0);
    char text[256] = {};
    ASSERT_GT(read(master.get(), text, sizeof(text) - 1), 0);
    EXPECT_THAT(text, HasSubstr("33 77\r\nterminal"));
    termios after;
    ASSERT_EQ(tcgetattr(terminal.get(), &after), 0);
    EXPECT_EQ(after.c_lflag, before.c_lflag) << "raw mode is over";
  });
}

TEST_F(EngineTest, KeepsNamesApart) {
  Isolated([this] {
    state::ContainerConfig config = Shell("true");
    config.name = "web";
    const std::string id = Create(config);
    EXPECT_THAT(engine_->Create(config, Engine::Next::kStart),
                StatusIs(absl::StatusCode::kAlreadyExists));
    ASSERT_OK(engine_->Rename("web", "db"));
    EXPECT_EQ(Look("db").config.id, id);
    EXPECT_EQ(Look(id.substr(0, 6)).config.name, "db");
    EXPECT_THAT(engine_->Inspect("web"), StatusIs(absl::StatusCode::kNotFound));
    const std::string other = Create(config);
    EXPECT_THAT(engine_->Rename(other, "db"), StatusIs(absl::StatusCode::kAlreadyExists));
    std::vector<std::string> damaged;
    EXPECT_EQ(engine_->List(&damaged).value().size(), 2U);
    EXPECT_THAT(damaged, IsEmpty());
  });
}

TEST_F(EngineTest, RefusesWhatCannotBe) {
  Isolated([this] {
    state::ContainerConfig config = Shell("true");
    config.rootfs = "/no/such/folder";
    EXPECT_THAT(engine_->Create(config, Engine::Next::kStart),
                StatusIs(absl::StatusCode::kNotFound));
    config = Shell("true");
    config.command.clear();
    EXPECT_THAT(engine_->Create(config, Engine::Next::kStart),
                StatusIs(absl::StatusCode::kInvalidArgument));
    config = Shell("true");
    config.auto_remove = true;
    config.restart_policy.name = "always";
    EXPECT_THAT(engine_->Create(config, Engine::Next::kStart),
                StatusIs(absl::StatusCode::kInvalidArgument));
    config.restart_policy.name = "sometimes";
    EXPECT_THAT(engine_->Create(config, Engine::Next::kStart),
                StatusIs(absl::StatusCode::kInvalidArgument));
    ExpectNothingLeft();
  });
}

TEST_F(EngineTest, OnlyRootMakesContainers) {
  Isolated([this] {
    ASSERT_EQ(seteuid(65534), 0);
    const absl::StatusOr<std::string> created =
        engine_->Create(Shell("true"), Engine::Next::kStart);
    ASSERT_EQ(seteuid(0), 0);
    EXPECT_THAT(created, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("root only")));
    EXPECT_EQ(GetHint(created.status()), "run tiny with sudo");
    ExpectNothingLeft();
  });
}

TEST_F(EngineTest, ListsProcessesAndCounters) {
  Isolated([this] {
    const std::string id = Run(Shell("sleep 1000 & sleep 1000"));
    Eventually("both sleep", [&] {
      absl::StatusOr<ProcessTable> table = engine_->Top(id, {"-o", "pid,args"});
      if (!table.ok()) return false;
      int sleeping = 0;
      for (const auto& row : table->rows) sleeping += row[1] == "sleep 1000" ? 1 : 0;
      return sleeping == 2;
    });
    ASSERT_OK_AND_ASSIGN(const StatsSample sample, engine_->Stats(id));
    EXPECT_GE(sample.pids, 2U);
    EXPECT_GT(sample.memory_bytes, 0U);
    EXPECT_GT(sample.memory_limit, sample.memory_bytes);
  });
}

}  // namespace
}  // namespace tiny::runtime
