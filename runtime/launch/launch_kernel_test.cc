#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/launch_test_fixture.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(LaunchTest, RunsAsPidOneInItsOwnNamespaces) {
  Shell("echo $$ $(busybox hostname) $(busybox ls / | busybox xargs); exit 7");
  ASSERT_OK_AND_ASSIGN(const auto result, Run());
  EXPECT_EQ(result.first, "1 inside bin dev proc\n");
  EXPECT_EQ(result.second, 7);
}

TEST_F(LaunchTest, HasThreeDescriptorsAndNoMore) {
  const UniqueFd leaked(open("/", O_PATH));  // not close-on-exec
  Shell("echo /proc/self/fd/*");
  ASSERT_OK_AND_ASSIGN(const auto result, Run());
  // The shell itself may hold one for the glob.
  EXPECT_THAT(result.first, StartsWith("/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2"));
  EXPECT_THAT(result.first, ::testing::Not(HasSubstr(absl::StrCat("fd/", leaked.get(), " "))));
}

TEST_F(LaunchTest, WhatTheCallerIgnoresTheProgramDoesNot) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGUSR2, SIG_IGN);
  spec_.process->args = {"busybox", "grep", "SigIgn", "/proc/self/status"};
  const auto result = Run();
  signal(SIGPIPE, SIG_DFL);
  signal(SIGUSR2, SIG_DFL);
  ASSERT_OK(result);
  constexpr uint64_t kRealTime = ~uint64_t{0} << 31;  // what Bazel's own program ignores
  EXPECT_EQ(strtoull(result->first.substr(7).c_str(), nullptr, 16) & ~kRealTime, 0U);
}

TEST_F(LaunchTest, SaysWhichProgramIsMissing) {
  spec_.process->args = {"nonesuch"};
  const absl::Status status = Run().status();
  EXPECT_EQ(ExitCodeOfStartError(status), 127) << status;
  EXPECT_THAT(status.message(), HasSubstr("nonesuch"));
  EXPECT_FALSE(CgroupExists());
}

TEST_F(LaunchTest, ExplainsScriptsThatCannotRun) {
  dir_.Write("rootfs/bin/crlf", "#!/bin/sh\r\necho hi\r\n", 0755);
  dir_.Write("rootfs/bin/plain", "x", 0644);
  spec_.process->args = {"/bin/crlf"};
  absl::Status status = Run().status();
  EXPECT_THAT(status.message(), HasSubstr("CRLF"));
  EXPECT_EQ(ExitCodeOfStartError(status), 127) << status;
  spec_.process->args = {"/bin/plain"};
  status = Run().status();
  EXPECT_EQ(GetErrno(status), EACCES);
  EXPECT_EQ(ExitCodeOfStartError(status), 126) << status;
}

TEST_F(LaunchTest, AFailedMountNamesItselfAndLeavesNothing) {
  spec_.mounts.push_back({"/data", "nosuchfs", "none", {}, {}, {}});
  const absl::Status status = Run().status();
  EXPECT_THAT(status.message(), HasSubstr("nosuchfs"));
  EXPECT_EQ(ExitCodeOfStartError(status), 125);
  EXPECT_FALSE(CgroupExists());
}

// Nothing of a launch that failed may be left: no child, no cgroup, no descriptor.
size_t OpenDescriptors() { return ListDirectory("/proc/self/fd")->size(); }

TEST_F(LaunchTest, ADeathWhileItIsMadeIsToldAndLeavesNothing) {
  const size_t descriptors = OpenDescriptors();
  spec_.hooks.create_runtime.push_back({"/bin/true", {}, {}, {}});  // the child waits for it
  request_.configure_network = [](const ProcessIdentity& child, int) {
    kill(child.pid, SIGKILL);
    return absl::OkStatus();
  };
  EXPECT_THAT(Launch(request_).status(),
              testing::StatusIs(absl::StatusCode::kInternal, HasSubstr("killed")));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_FALSE(CgroupExists());
  EXPECT_EQ(OpenDescriptors(), descriptors);
}

TEST_F(LaunchTest, AFailureOfTheParentsHalfLeavesNothing) {
  request_.configure_network = [](const ProcessIdentity&, int) {
    return absl::UnavailableError("no address");
  };
  EXPECT_THAT(Launch(request_).status(),
              testing::StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no address")));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_FALSE(CgroupExists());
}

TEST_F(LaunchTest, WithTooFewDescriptorsItFailsCleanly) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const size_t descriptors = OpenDescriptors();
  int failures = 0;
  for (rlim_t limit = 5; limit < 40; ++limit) {
    rlimit tight = {limit, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    absl::Status status;
    {
      absl::StatusOr<LaunchedContainer> container = Launch(request_);
      status = container.status();
    }
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    if (!status.ok()) {
      ++failures;
      EXPECT_EQ(GetErrno(status), EMFILE) << limit << ": " << status;
    }
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left with " << limit;
    EXPECT_FALSE(CgroupExists()) << limit << ": " << status;
    EXPECT_EQ(OpenDescriptors(), descriptors) << limit;
  }
  EXPECT_GT(failures, 5);
}

TEST_F(LaunchTest, AppliesCredentials) {
  spec_.process->user = {1000, 1001, 077, {1002}};
  spec_.process->capabilities = oci::Capabilities{{"CAP_KILL"}, {}, {}, {}, {}};
  spec_.process->no_new_privileges = true;
  Shell(
      "busybox id -u; busybox id -G; umask; busybox grep -E 'Cap(Bnd|Eff)|NoNew' "
      "/proc/self/status");
  ASSERT_OK_AND_ASSIGN(const auto result, Run());
  const std::vector<std::string> lines = absl::StrSplit(result.first, '\n', absl::SkipEmpty());
  EXPECT_THAT(lines, ElementsAre("1000", "1001 1002", "0077", "CapEff:\t0000000000000000",
                                 "CapBnd:\t0000000000000020", "NoNewPrivs:\t1"));
}

TEST_F(LaunchTest, TheDefaultFilterIsInForce) {
  request_.default_seccomp = true;
  Shell("busybox grep Seccomp: /proc/self/status; busybox unshare -U true");
  ASSERT_OK_AND_ASSIGN(const auto result, Run());
  EXPECT_THAT(result.first, HasSubstr("Seccomp:\t2"));
  EXPECT_NE(result.second, 0);
}

TEST_F(LaunchTest, WritesSysctlsOfItsNamespacesOnly) {
  ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile("/proc/sys/kernel/shmmni"));
  spec_.linux_.sysctl = {{"kernel.shmmni", "77"}, {"net.ipv4.ip_forward", "1"}};
  Shell("busybox cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_forward");
  ASSERT_OK_AND_ASSIGN(const auto result, Run());
  EXPECT_EQ(result.first, "77\n1\n");
  EXPECT_EQ(ReadFile("/proc/sys/kernel/shmmni").value(), before);
}

TEST_F(LaunchTest, LimitsHoldFromTheFirstInstruction) {
  spec_.linux_.resources = oci::Resources();
  spec_.linux_.resources->pids_limit = 1;
  spec_.process->rlimits.push_back({"RLIMIT_NOFILE", 64, 128});
  spec_.process->oom_score_adj = 321;
  Shell("ulimit -n; read score </proc/self/oom_score_adj; echo $score; (:) && echo forked");
  ASSERT_OK_AND_ASSIGN(const auto result, Run());
  EXPECT_THAT(result.first, StartsWith("64\n321\n"));
  EXPECT_THAT(result.first, ::testing::Not(HasSubstr("forked")));
  EXPECT_NE(ReadFile("/proc/self/oom_score_adj").value(), "321\n");
}

TEST_F(LaunchTest, MapsIdsInAUserNamespace) {
  // The test's own folder may be out of reach for other users.
  std::string root = "/tmp/tiny-launch-XXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  const absl::Cleanup remove = [&root] { EXPECT_OK(RemoveTree(root)); };
  ASSERT_EQ(chmod(root.c_str(), 0755), 0);
  ASSERT_OK(MakeDirs(absl::StrCat(root, "/proc"), 0755));
  ASSERT_OK_AND_ASSIGN(UniqueFd busybox,
                       OpenFile(absl::StrCat(root, "/busybox"), O_WRONLY | O_CREAT, 0755));
  ASSERT_OK(WriteAll(busybox.get(), ReadFile("/bin/busybox").value(), "busybox"));
  busybox.Reset();  // ETXTBSY
  for (const std::string& path : {root, absl::StrCat(root, "/proc")}) {
    ASSERT_EQ(chown(path.c_str(), 100000, 100000), 0);
  }
  spec_.root->path = root;
  spec_.linux_.namespaces.push_back({"user", ""});
  spec_.linux_.uid_mappings = {{0, 100000, 65536}};
  spec_.linux_.gid_mappings = {{0, 100000, 65536}};
  spec_.process->args = {"/busybox", "sh", "-c",
                         "/busybox id -u; /busybox cat /proc/self/uid_map | /busybox xargs; "
                         "/busybox stat -c %u:%g /mqueue"};
  spec_.mounts.push_back({"/mqueue", "mqueue", "mqueue", {}, {}, {}});
  ASSERT_OK_AND_ASSIGN(const auto result, Run());
  EXPECT_EQ(result.first, "0\n0 100000 65536\n0:0\n");
}

TEST_F(LaunchTest, GivesATerminal) {
  spec_.mounts.push_back({"/dev", "tmpfs", "tmpfs", {"mode=755"}, {}, {}});
  spec_.mounts.push_back(
      {"/dev/pts", "devpts", "devpts", {"newinstance", "ptmxmode=0666", "mode=0620"}, {}, {}});
  spec_.process->terminal = true;
  Shell("busybox tty; test -t 0 && test -t 1 && echo terminal");
  ASSERT_OK_AND_ASSIGN(LaunchedContainer container, Launch(request_));
  const UniqueFd console = container.TakeConsole();
  ASSERT_TRUE(console);
  ASSERT_OK(container.Start());
  ASSERT_OK(ReapChild(container.pidfd()));
  char text[256] = {};
  ASSERT_GT(read(console.get(), text, sizeof(text) - 1), 0);
  EXPECT_THAT(text, HasSubstr("/dev/pts/0"));
}

TEST_F(LaunchTest, WaitsOnASocketUntilAnotherProcessStartsIt) {
  ASSERT_OK(MakeDirs(dir_.Path(std::string(90, 'd')), 0700));
  request_.start_socket = dir_.Path(absl::StrCat(std::string(90, 'd'), "/start"));
  dir_.Write("rootfs/out", "");
  Shell("echo started >/out");
  ASSERT_OK_AND_ASSIGN(LaunchedContainer container, Launch(request_));
  const UniqueFd pidfd = container.TakePidfd();
  container.Detach();
  EXPECT_EQ(ReadFile(dir_.Path("rootfs/out")).value(), "");
  ASSERT_OK(StartWaiting(request_.start_socket));
  EXPECT_EQ(ReapChild(pidfd.get()).value(), 0);
  EXPECT_EQ(ReadFile(dir_.Path("rootfs/out")).value(), "started\n");
  EXPECT_FALSE(StartWaiting(request_.start_socket).ok());
}

TEST_F(LaunchTest, AMissingProgramFailsACreate) {
  request_.start_socket = dir_.Path("start");
  spec_.process->args = {"nonesuch"};
  EXPECT_THAT(Launch(request_).status().message(), HasSubstr("nonesuch"));
}

TEST_F(LaunchTest, HooksRunInOrderWithTheState) {
  const std::string log = dir_.Path("log");
  const auto hook = [&](const std::string& name) {
    oci::Hook made;
    made.path = "/bin/busybox";
    made.args = {"sh", "-c",
                 absl::StrCat("read s; echo ", name, " $(echo $s | grep -c '\"pid\":') >>", log)};
    made.env = {"PATH=/bin:/usr/bin"};
    return made;
  };
  spec_.hooks.prestart = {hook("prestart")};
  spec_.hooks.create_runtime = {hook("createRuntime")};
  spec_.hooks.create_container = {hook("createContainer")};
  ASSERT_OK(Run());
  EXPECT_EQ(ReadFile(log).value(), "prestart 1\ncreateRuntime 1\ncreateContainer 1\n");
}

TEST_F(LaunchTest, ExecJoinsTheContainer) {
  request_.default_seccomp = true;
  Shell("read forever");
  int input[2];
  ASSERT_EQ(pipe2(input, O_CLOEXEC), 0);
  UniqueFd hold(input[1]);
  const UniqueFd stdin_end(input[0]);
  request_.stdio[0] = stdin_end.get();
  ASSERT_OK_AND_ASSIGN(LaunchedContainer container, Launch(request_));
  ASSERT_OK(container.Start());

  oci::Process process = *spec_.process;
  process.args = {"sh", "-c",
                  "busybox hostname; busybox ls / | busybox xargs; echo $PPID; busybox grep "
                  "Seccomp: /proc/self/status; busybox cat /proc/self/cgroup | busybox tail -n1"};
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  ExecRequest exec;
  exec.container_pid = container.pid();
  exec.container_pidfd = container.pidfd();
  exec.process = &process;
  exec.spec = &spec_;
  exec.default_seccomp = true;
  exec.cgroup_path = request_.cgroup_path;
  exec.stdio[1] = exec.stdio[2] = write_end.get();
  {
    ASSERT_OK_AND_ASSIGN(LaunchedContainer joined, LaunchExec(exec));
    ASSERT_OK(joined.Start());
    write_end.Reset();
    EXPECT_EQ(ReadFd(read_end.get(), "output").value(),
              "inside\nbin dev proc\n0\nSeccomp:\t2\n0::/\n");
    EXPECT_EQ(ReapChild(joined.pidfd()).value(), 0);
  }
  exec.stdio[1] = exec.stdio[2] = 1;
  process.args = {"nonesuch"};
  {
    // A process that is not reaped keeps its pid namespace from ending.
    ASSERT_OK_AND_ASSIGN(LaunchedContainer missing, LaunchExec(exec));
    EXPECT_EQ(ExitCodeOfStartError(missing.Start()), 127);
  }
  hold.Reset();
  EXPECT_OK(ReapChild(container.pidfd()));
}

}  // namespace
}  // namespace tiny::runtime
