#include "runtime/launch/launch_test_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/unique_fd.h"
#include "cgroup/cgroup.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {

void LaunchTest::SetUp() {
  if (!testing::HavePrivilege()) GTEST_SKIP() << "needs root";
  absl::StatusOr<std::string> busybox = ReadFile("/bin/busybox");
  ASSERT_OK(busybox) << "needs the package busybox-static";
  dir_.Write("rootfs/bin/busybox", *busybox, 0755);
  ASSERT_EQ(symlink("busybox", dir_.Path("rootfs/bin/sh").c_str()), 0);
  request_.id = absl::StrCat("launch-test-", getpid());
  request_.cgroup_path = absl::StrCat("/tiny-", request_.id);
  request_.bundle = dir_.path();
  request_.spec = &spec_;
  spec_.root = oci::Root{"rootfs", false};
  spec_.process = oci::Process();
  spec_.process->env = {"PATH=/bin"};
  for (const char* type : {"pid", "mount", "uts", "ipc", "network", "cgroup"}) {
    spec_.linux_.namespaces.push_back({type, ""});
  }
  spec_.hostname = "inside";
  spec_.mounts.push_back({"/proc", "proc", "proc", {}, {}, {}});
  Shell("true");
}

void LaunchTest::TearDown() {
  absl::StatusOr<cgroup::Hierarchy> hierarchy = cgroup::Hierarchy::Detect();
  if (!hierarchy.ok() || request_.cgroup_path.empty()) return;
  absl::StatusOr<cgroup::Cgroup> cgroup = cgroup::Cgroup::Open(*hierarchy, request_.cgroup_path);
  if (cgroup.ok()) {
    EXPECT_OK(cgroup->Remove());
  }
}

absl::StatusOr<std::pair<std::string, int>> LaunchTest::Run() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return PosixStatus(errno, "pipe");
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  request_.stdio[1] = request_.stdio[2] = write_end.get();
  absl::StatusOr<LaunchedContainer> container = Launch(request_);
  if (!container.ok()) return container.status();
  if (absl::Status status = container->Start(); !status.ok()) return status;
  write_end.Reset();
  absl::StatusOr<std::string> output = ReadFd(read_end.get(), "output");
  absl::StatusOr<int> code = ReapChild(container->pidfd());
  if (!output.ok()) return output.status();
  if (!code.ok()) return code.status();
  return std::make_pair(*output, *code);
}

bool LaunchTest::CgroupExists() {
  absl::StatusOr<cgroup::Hierarchy> hierarchy = cgroup::Hierarchy::Detect();
  EXPECT_OK(hierarchy);
  return cgroup::Cgroup::Open(*hierarchy, request_.cgroup_path).ok();
}

}  // namespace tiny::runtime
