// For tests on the machine's own cgroups, in subtrees of a unique name that are removed again.
#ifndef TINY_CGROUP_CGROUP_TEST_FIXTURE_H_
#define TINY_CGROUP_CGROUP_TEST_FIXTURE_H_

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/process.h"
#include "cgroup/cgroup.h"
#include "gtest/gtest.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::cgroup {

inline constexpr int64_t kMiB = int64_t{1} << 20;

// A child of this process that is in the cgroup before its body runs, and when this returns.
class Child {
 public:
  Child(const Cgroup& cgroup, const std::function<int()>& body) {
    absl::StatusOr<std::vector<UniqueFd>> tasks = cgroup.OpenLegacyTasks();
    EXPECT_OK(tasks);
    int entered[2];
    EXPECT_EQ(pipe2(entered, O_CLOEXEC), 0);
    clone_args args = {};
    args.flags = CLONE_PIDFD;
    args.exit_signal = SIGCHLD;
    int pidfd = -1;
    args.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
    if (cgroup.dir_fd() >= 0) {
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = static_cast<uint64_t>(cgroup.dir_fd());
    }
    pid_ = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
    if (pid_ == 0) {
      for (const UniqueFd& file : *tasks) {
        if (write(file.get(), "0", 1) != 1) _exit(99);
      }
      close(entered[0]);
      close(entered[1]);
      _exit(body());
    }
    EXPECT_GT(pid_, 0) << strerror(errno);
    pidfd_.Reset(pidfd);
    close(entered[1]);
    char byte;
    EXPECT_EQ(read(entered[0], &byte, 1), 0);
    close(entered[0]);
  }
  ~Child() {
    if (!reaped_) {
      kill(pid_, SIGKILL);
      Wait();
    }
  }
  pid_t pid() const { return pid_; }
  // As a shell would say it: 128+n for signal n.
  int Wait() {
    reaped_ = true;
    return ReapChild(pidfd_.get()).value_or(-1);
  }
  bool HasEnded() const { return WaitForExit(pidfd_.get(), absl::ZeroDuration()).value_or(false); }

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  bool reaped_ = false;
};

inline int SleepForEver() {
  while (true) pause();
}

class CgroupKernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::HavePrivilege()) GTEST_SKIP() << "needs root";
    ASSERT_OK_AND_ASSIGN(hierarchy_, Hierarchy::Detect());
    parent_ = absl::StrCat("/tiny-test-", getpid());
  }

  void TearDown() override {
    if (!testing::HavePrivilege()) return;
    absl::StatusOr<Cgroup> parent = Cgroup::Open(hierarchy_, parent_);
    if (parent.ok()) {
      EXPECT_OK(parent->Remove());
    }
    for (const std::string& path : Directories()) EXPECT_FALSE(PathExists(path)) << path;
  }

  std::vector<std::string> Directories(absl::string_view name = "") const {
    std::vector<std::string> paths;
    if (!hierarchy_.unified().empty()) {
      paths.push_back(absl::StrCat(hierarchy_.unified(), parent_, name));
    }
    for (const LegacyTree& tree : hierarchy_.legacy()) {
      paths.push_back(absl::StrCat(tree.mount_point, parent_, name));
    }
    return paths;
  }

  absl::StatusOr<Cgroup> Create(const Resources& resources, absl::string_view name = "/one") const {
    return Cgroup::Create(hierarchy_, parent_ + std::string(name), resources);
  }

  // Whether limits are on the unified tree, with files for the container's own cgroup.
  bool v2() const { return hierarchy_.mode() == Mode::kUnified; }

  Hierarchy hierarchy_;
  std::string parent_;
};

}  // namespace tiny::cgroup

#endif  // TINY_CGROUP_CGROUP_TEST_FIXTURE_H_
