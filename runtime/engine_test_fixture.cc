#include "runtime/engine_test_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "cgroup/cgroup.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {

Captured CaptureStreams(absl::string_view input, const std::function<void()>& call) {
  testing::TempDir dir;
  const UniqueFd in(open(dir.Write("in", input).c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd out(open(dir.Path("out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const UniqueFd err(open(dir.Path("err").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  fflush(stdout);
  fflush(stderr);
  const int replaced[] = {in.get(), out.get(), err.get()};
  UniqueFd saved[3];
  for (int fd = 0; fd < 3; ++fd) {
    saved[fd].Reset(fcntl(fd, F_DUPFD_CLOEXEC, 10));
    dup2(replaced[fd], fd);
  }
  call();
  fflush(stdout);
  fflush(stderr);
  for (int fd = 0; fd < 3; ++fd) dup2(saved[fd].get(), fd);
  return {ReadFile(dir.Path("out")).value_or(""), ReadFile(dir.Path("err")).value_or("")};
}

void EngineTest::SetUp() {
  if (!testing::HavePrivilege()) GTEST_SKIP() << "needs root";
}

void EngineTest::Isolated(const std::function<void()>& body) {
  testing::RunIsolated(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC, [&] {
    ASSERT_EQ(mount("proc", "/proc", "proc", 0, nullptr), 0);
    dir_ = std::make_unique<testing::TempDir>();
    rootfs_ = dir_->Path("rootfs");
    for (const char* folder : {"bin", "etc", "proc", "sys", "dev", "tmp"}) {
      ASSERT_OK(MakeDirs(absl::StrCat(rootfs_, "/", folder), 0755));
    }
    ASSERT_OK_AND_ASSIGN(const std::string busybox, ReadFile("/bin/busybox"));
    dir_->Write("rootfs/bin/busybox", busybox, 0755);
    for (const char* applet :
         {"sh", "cat", "sleep", "echo", "true", "stty", "id", "kill", "dd", "hostname", "test",
          "touch", "tail", "head", "ls", "yes", "printf"}) {
      ASSERT_EQ(symlink("busybox", absl::StrCat(rootfs_, "/bin/", applet).c_str()), 0);
    }
    dir_->Write("rootfs/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44::/srv:/bin/sh\n");
    dir_->Write("rootfs/bin/not-executable", "#!/bin/sh\n", 0644);
    options_.root = dir_->Path("root");
    options_.run_root = dir_->Path("run");
    cgroup_parent_ = absl::StrCat("/tiny-engine-test-", absl::ToUnixNanos(absl::Now()));
    ASSERT_OK_AND_ASSIGN(engine_, Engine::Open(options_));
    body();
    // Also after a failure: nothing of it may stay on the machine.
    std::vector<std::string> damaged;
    if (auto containers = engine_->List(&damaged); containers.ok()) {
      for (const Container& container : *containers) {
        EXPECT_OK(engine_->Remove(container.config.id, /*force=*/true, /*volumes=*/true));
      }
    }
    engine_.reset();
    ASSERT_OK_AND_ASSIGN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
    if (auto parent = cgroup::Cgroup::Open(hierarchy, cgroup_parent_); parent.ok()) {
      EXPECT_OK(parent->Remove());
    }
    dir_.reset();
  });
}

state::ContainerConfig EngineTest::Shell(absl::string_view script) const {
  state::ContainerConfig config;
  config.rootfs = rootfs_;
  config.image = rootfs_;
  config.command = {"/bin/sh", "-c", std::string(script)};
  config.env = {"PATH=/bin"};
  config.networks = {{.network = "none"}};
  config.cgroup_parent = cgroup_parent_;
  return config;
}

std::string EngineTest::Create(state::ContainerConfig config) {
  absl::StatusOr<std::string> id = engine_->Create(std::move(config), Engine::Next::kStart);
  EXPECT_OK(id);
  return id.value_or("");
}

std::string EngineTest::Run(state::ContainerConfig config) {
  const std::string id = Create(std::move(config));
  EXPECT_OK(engine_->Start(id));
  return id;
}

Container EngineTest::Look(absl::string_view reference) {
  absl::StatusOr<Container> container = engine_->Inspect(reference);
  EXPECT_OK(container);
  return container.ok() ? *std::move(container) : Container{};
}

std::string EngineTest::LogOf(absl::string_view id) const {
  std::string text;
  const std::string log =
      ReadFile(absl::StrCat(options_.root, "/containers/", id, "/container.log")).value_or("");
  // 2026-01-02T03:04:05.000000006Z stdout F the text
  for (absl::string_view line : absl::StrSplit(log, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(' ', 3));
    if (fields.size() == 4) absl::StrAppend(&text, fields[3], fields[2] == "F" ? "\n" : "");
  }
  return text;
}

void EngineTest::Eventually(absl::string_view what, const std::function<bool()>& holds) {
  const absl::Time end = absl::Now() + absl::Seconds(20);
  while (!holds()) {
    ASSERT_LT(absl::Now(), end) << what;
    absl::SleepFor(absl::Milliseconds(5));
  }
}

bool EngineTest::IsGone(pid_t pid) const {
  const absl::StatusOr<ProcessStat> stat = ReadProcessStat(pid);
  return !stat.ok() || stat->state == 'Z' || stat->state == 'X';
}

void EngineTest::ExpectNothingLeft() {
  const auto count = [](const std::string& folder) {
    return ListDirectory(folder).value_or(std::vector<std::string>()).size();
  };
  Eventually("the supervisor's last steps",
             [&] { return count(options_.root + "/containers") == 0; });
  Eventually("run directories", [&] {
    const std::vector<std::string> names =
        ListDirectory(options_.run_root).value_or(std::vector<std::string>());
    for (const std::string& name : names) {
      if (name.size() == 64) return false;
    }
    return true;
  });
  EXPECT_EQ(count(options_.root + "/names"), 0U);
  ASSERT_OK_AND_ASSIGN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  if (auto parent = cgroup::Cgroup::Open(hierarchy, cgroup_parent_); parent.ok()) {
    EXPECT_TRUE(parent->Pids().value().empty());
  }
}

}  // namespace tiny::runtime
