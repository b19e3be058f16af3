#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/raw_syscall.h"
#include "gtest/gtest.h"
#include "init/image.h"
#include "ns/id_maps.h"
#include "ns/launcher.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::ns {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::StatusIs;

class LauncherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
    ASSERT_OK_AND_ASSIGN(stub_, init::OpenStub());
    int pipe[2];
    ASSERT_EQ(pipe2(pipe, O_CLOEXEC), 0);
    output_.Reset(pipe[0]);
    input_.Reset(pipe[1]);
    plan_.image_fd = stub_.get();
    plan_.descriptors = {0, input_.get(), 2};
    plan_.envp = {"PATH=/usr/bin:/bin"};
  }

  // Configures and starts the child; what it printed once it has ended.
  absl::StatusOr<std::string> RunToEnd(PendingChild child) {
    if (absl::Status ready = child.WaitUntilReady(); !ready.ok()) return ready;
    return RunReady(std::move(child));
  }
  absl::StatusOr<std::string> RunReady(PendingChild child) {
    init::InitConfig config;
    config.flags = flags_;
    absl::Status status =
        child.Configure(absl::string_view(reinterpret_cast<const char*>(&config), sizeof(config)));
    if (status.ok()) status = child.WaitUntilExecuted();
    if (!status.ok()) return status;
    input_.Reset();
    absl::StatusOr<std::string> text = ReadFd(output_.get(), "the pipe");
    absl::StatusOr<int> code = ReapChild(child.pidfd());
    exit_code_ = code.ok() ? *code : -1;
    child.Detach();
    return text;
  }

  UniqueFd stub_;
  UniqueFd output_;
  UniqueFd input_;
  LaunchPlan plan_;
  uint32_t flags_ = 0;
  int exit_code_ = -1;
};

TEST_F(LauncherTest, RunsAsPidOneInNewNamespacesWithHostname) {
  plan_.new_namespaces =
      CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
  plan_.hostname = "box";
  plan_.argv = {"sh", "-c", "echo $$ $(hostname); exit 7"};
  ASSERT_OK_AND_ASSIGN(PendingChild child, CloneChild(plan_));
  ASSERT_OK_AND_ASSIGN(const bool network, SharesNamespace(child.pid(), Kind::kNetwork));
  EXPECT_FALSE(network);
  ASSERT_OK_AND_ASSIGN(const bool user, SharesNamespace(child.pid(), Kind::kUser));
  EXPECT_TRUE(user);
  ASSERT_OK_AND_ASSIGN(const std::string text, RunToEnd(std::move(child)));
  EXPECT_EQ(text, "1 box\n");
  EXPECT_EQ(exit_code_, 7);
}

TEST_F(LauncherTest, ProgramHasNoOtherDescriptorsAndNoIgnoredSignals) {
  plan_.new_namespaces = CLONE_NEWUTS;
  plan_.argv = {
      "sh", "-c",
      "ls /proc/self/fd | tr '\\n' ' '; grep SigBlk /proc/self/status; kill -PIPE $$; echo alive"};
  const UniqueFd leaked(dup2(0, 77));
  signal(SIGPIPE, SIG_IGN);
  absl::StatusOr<PendingChild> child = CloneChild(plan_);
  signal(SIGPIPE, SIG_DFL);
  ASSERT_OK(child);
  ASSERT_OK_AND_ASSIGN(const std::string text, RunToEnd(*std::move(child)));
  EXPECT_THAT(text, AllOf(HasSubstr("0 1 2 3 "), Not(HasSubstr("77")), Not(HasSubstr("alive")),
                          HasSubstr("SigBlk:\t0000000000000000")));
  EXPECT_EQ(exit_code_, 128 + SIGPIPE);
}

TEST_F(LauncherTest, MapsIdsOfANewUserNamespace) {
  plan_.new_namespaces = CLONE_NEWUSER | CLONE_NEWUTS;
  plan_.hostname = "mapped";
  plan_.argv = {"sh", "-c", "id -u; cat /proc/self/uid_map | tr -s ' '"};
  ASSERT_OK_AND_ASSIGN(PendingChild child, CloneChild(plan_));
  ASSERT_OK(WriteIdMaps(child.pid(), {.uids = {{0, 0, 1000}}, .gids = {{0, 0, 1000}}}));
  ASSERT_OK(child.AllowUserNamespace());
  ASSERT_OK_AND_ASSIGN(const std::string text, RunToEnd(std::move(child)));
  EXPECT_EQ(text, "0\n 0 0 1000\n");
}

TEST_F(LauncherTest, AppliesTimeOffsets) {
  plan_.new_namespaces = CLONE_NEWTIME;
  plan_.time_offsets = "monotonic 0 0\nboottime 1000000 0\n";
  plan_.argv = {"cat", "/proc/uptime"};
  ASSERT_OK_AND_ASSIGN(PendingChild child, CloneChild(plan_));
  ASSERT_OK_AND_ASSIGN(const std::string text, RunToEnd(std::move(child)));
  EXPECT_GE(atof(text.c_str()), 1000000.0);
}

TEST_F(LauncherTest, JoinsTheNamespacesOfAnotherProcess) {
  plan_.new_namespaces = CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNS;
  plan_.hostname = "first";
  plan_.argv = {"sleep", "1000"};
  plan_.descriptors = {0, 2, 2};
  ASSERT_OK_AND_ASSIGN(PendingChild first, CloneChild(plan_));
  ASSERT_OK(first.WaitUntilReady());

  LaunchPlan second = plan_;
  second.new_namespaces = 0;
  second.hostname.clear();
  second.descriptors = {0, input_.get(), 2};
  second.join_pidfd = first.pidfd();
  second.join_flags = CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNS;
  second.argv = {"sh", "-c", "echo $$ $(hostname); exit 3"};
  ASSERT_OK_AND_ASSIGN(PendingChild child, CloneChild(second));
  EXPECT_EQ(prctl(PR_GET_DUMPABLE), 1) << "what a child had to be in this memory is undone";
  ASSERT_OK_AND_ASSIGN(const std::string text, RunToEnd(std::move(child)));
  EXPECT_EQ(text, "2 first\n");
  EXPECT_EQ(exit_code_, 3);
}

ChildResult FailingStep(const void*) noexcept {
  return ChildError(EPERM, "mount proc on", "/proc");
}

TEST_F(LauncherTest, AFailedStepReachesTheCallerWhole) {
  plan_.new_namespaces = CLONE_NEWUTS;
  plan_.steps.push_back({"rootfs", &FailingStep, nullptr});
  plan_.argv = {"true"};
  ASSERT_OK_AND_ASSIGN(PendingChild child, CloneChild(plan_));
  const absl::Status status = child.WaitUntilReady();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied,
                               "rootfs: mount proc on /proc: operation not permitted (EPERM)"));
  EXPECT_EQ(GetErrno(status), EPERM);
}

TEST_F(LauncherTest, AMissingProgramIsTold) {
  plan_.new_namespaces = CLONE_NEWUTS;
  plan_.argv = {"no-such-program"};
  ASSERT_OK_AND_ASSIGN(PendingChild child, CloneChild(plan_));
  EXPECT_THAT(RunToEnd(std::move(child)),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("executable file not found in $PATH: no-such-program")));
}

// Until the parent has sent what nobody is going to read.
ChildResult EndAfterAMoment(const void* how) noexcept {
  const timespec moment = {.tv_sec = 0, .tv_nsec = 50'000'000};
  RawSyscall(SYS_nanosleep, &moment, nullptr);
  if (how == nullptr) return ChildError(EIO, "do", "it");
  RawSyscall(SYS_kill, RawSyscall(SYS_getpid), SIGKILL);
  return ChildResult();
}

TEST_F(LauncherTest, ItsConfigurationMayBeSentWhileItTakesItsSteps) {
  plan_.new_namespaces = CLONE_NEWUTS;
  plan_.hostname = "early";
  plan_.argv = {"hostname"};
  plan_.reports_ready = false;
  ASSERT_OK_AND_ASSIGN(PendingChild child, CloneChild(plan_));
  ASSERT_OK_AND_ASSIGN(const std::string text, RunReady(std::move(child)));
  EXPECT_EQ(text, "early\n");
}

TEST_F(LauncherTest, AnEndBeforeTheProgramIsToldFromOneAfterIt) {
  plan_.argv = {"true"};
  plan_.reports_ready = false;
  plan_.steps = {{"failing step", &EndAfterAMoment, nullptr}};
  for (const bool killed : {false, true}) {
    if (killed) plan_.steps[0].argument = this;
    ASSERT_OK_AND_ASSIGN(PendingChild child, CloneChild(plan_));
    const absl::Status status = RunReady(std::move(child)).status();
    if (killed) {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("was killed")));
    } else {
      EXPECT_EQ(GetErrno(status), EIO);
      EXPECT_THAT(std::string(status.message()), HasSubstr("failing step: do it"));
    }
  }
}

TEST_F(LauncherTest, ADroppedChildIsKilledAndReaped) {
  plan_.new_namespaces = CLONE_NEWPID | CLONE_NEWUTS;
  plan_.argv = {"true"};
  pid_t pid = 0;
  {
    ASSERT_OK_AND_ASSIGN(const PendingChild child, CloneChild(plan_));
    pid = child.pid();
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST_F(LauncherTest, ReaperForwardsSignalsAndExitsAsTheProgram) {
  plan_.new_namespaces = CLONE_NEWPID | CLONE_NEWUTS;
  plan_.argv = {"sh", "-c", "trap 'exit 9' TERM; echo $$; kill -TERM 1; sleep 10 & wait"};
  flags_ = init::kReaper;
  ASSERT_OK_AND_ASSIGN(PendingChild child, CloneChild(plan_));
  ASSERT_OK_AND_ASSIGN(const std::string text, RunToEnd(std::move(child)));
  EXPECT_EQ(text, "2\n");
  EXPECT_EQ(exit_code_, 9);
}

}  // namespace
}  // namespace tiny::ns
