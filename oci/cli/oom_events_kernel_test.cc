#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "cgroup/cgroup.h"
#include "gtest/gtest.h"
#include "oci/cli/oom_events.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::oci {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int kDeadline = 60000;  // milliseconds
constexpr int kLived = 7;

// Runs a process of the cgroup that touches as much memory. Its exit code, or minus its signal.
int UseMemory(const cgroup::Cgroup& group, size_t bytes) {
  int entered[2];
  EXPECT_EQ(pipe(entered), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    char byte;
    if (read(entered[0], &byte, 1) != 1) _exit(1);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) _exit(1);
    memset(memory, 1, bytes);
    _exit(kLived);
  }
  EXPECT_OK(group.Enter(pid));
  EXPECT_EQ(write(entered[1], "x", 1), 1);
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  close(entered[0]);
  close(entered[1]);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool IsReady(const OomEvents& events, int milliseconds) {
  pollfd poller = events.Poller();
  return poll(&poller, 1, milliseconds) == 1;
}

TEST(OomEventsKernelTest, TellsOfMemoryThatIsOutAndOfNothingElse) {
  if (!tiny::testing::HavePrivilege()) GTEST_SKIP() << "needs root";
  ASSERT_OK_AND_ASSIGN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  cgroup::Resources resources;
  resources.memory_limit = 32 * kMiB;
  resources.memory_swap = 32 * kMiB;
  const std::string path = absl::StrCat("/tiny-oci-test-oom-", getpid());
  ASSERT_OK_AND_ASSIGN(cgroup::Cgroup group, cgroup::Cgroup::Create(hierarchy, path, resources));
  const absl::Cleanup remove = [&] { cgroup::Cgroup::Destroy(hierarchy, path).IgnoreError(); };
  ASSERT_OK_AND_ASSIGN(OomEvents events, OomEvents::Watch(hierarchy, path));

  EXPECT_EQ(UseMemory(group, 4 * kMiB), kLived);
  EXPECT_FALSE(IsReady(events, 0));
  EXPECT_FALSE(events.Take());

  EXPECT_EQ(UseMemory(group, 100 * kMiB), -SIGKILL);
  EXPECT_TRUE(IsReady(events, kDeadline));
  EXPECT_TRUE(events.Take());
  EXPECT_FALSE(events.Take());

  EXPECT_OK(group.Remove());
  EXPECT_FALSE(events.Take());
}

TEST(OomEventsKernelTest, WithoutAMemoryControllerThereAreNone) {
  if (!tiny::testing::HavePrivilege()) GTEST_SKIP() << "needs root";
  ASSERT_OK_AND_ASSIGN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  ASSERT_OK_AND_ASSIGN(OomEvents events, OomEvents::Watch(hierarchy, "/tiny-oci-test-no-such"));
  EXPECT_FALSE(IsReady(events, 0));
  EXPECT_FALSE(events.Take());
}

}  // namespace
}  // namespace tiny::oci
