#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "cgroup/cgroup.h"
#include "cgroup/cgroup_test_fixture.h"
#include "gtest/gtest.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::StatusIs;

// Touches that much memory, and exits with 0 if it lives through it.
int UseMemory(int64_t bytes) {
  void* memory = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 98;
  for (int64_t i = 0; i < bytes; i += 4096) static_cast<volatile char*>(memory)[i] = 1;
  return 0;
}

TEST_F(CgroupKernelTest, MemoryLimitKillsAndIsCounted) {
  Resources resources;
  resources.memory_limit = 64 * kMiB;
  resources.memory_swap = 64 * kMiB;
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create(resources));
  Child within(cgroup, [] { return UseMemory(16 * kMiB); });
  EXPECT_EQ(within.Wait(), 0);
  ASSERT_OK_AND_ASSIGN(uint64_t kills, cgroup.OomKills());
  EXPECT_EQ(kills, 0U);

  Child beyond(cgroup, [] { return UseMemory(200 * kMiB); });
  EXPECT_EQ(beyond.Wait(), 128 + SIGKILL);
  ASSERT_OK_AND_ASSIGN(kills, cgroup.OomKills());
  EXPECT_EQ(kills, 1U);
  ASSERT_OK_AND_ASSIGN(const Stats stats, cgroup.ReadStats());
  EXPECT_EQ(stats.memory_limit, static_cast<uint64_t>(64 * kMiB));
  EXPECT_EQ(stats.oom_kills, 1U);
  EXPECT_FALSE(stats.memory_estimated);
  EXPECT_OK(cgroup.Remove());
  for (const std::string& path : Directories("/one")) EXPECT_FALSE(PathExists(path)) << path;
}

TEST_F(CgroupKernelTest, PidsLimitStopsForks) {
  Resources resources;
  resources.pids_limit = 3;
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create(resources));
  Child child(cgroup, [] {
    int made = 0;
    for (int i = 0; i < 10; ++i) {
      const pid_t pid = fork();
      if (pid == 0) SleepForEver();
      made += pid > 0;
    }
    return made;
  });
  EXPECT_EQ(child.Wait(), 2);
  ASSERT_OK_AND_ASSIGN(const Stats stats, cgroup.ReadStats());
  EXPECT_EQ(stats.pids_limit, 3U);
  EXPECT_EQ(stats.pids, 2U);
  // The two are left, and are killed.
  EXPECT_OK(cgroup.Remove());
}

TEST_F(CgroupKernelTest, FreezesAndKillsWhileFrozen) {
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create({}));
  Child child(cgroup, SleepForEver);
  ASSERT_OK_AND_ASSIGN(const std::vector<pid_t> pids, cgroup.Pids());
  EXPECT_THAT(pids, ElementsAre(child.pid()));
  ASSERT_OK(cgroup.SetFrozen(true));
  ASSERT_OK_AND_ASSIGN(bool frozen, cgroup.IsFrozen());
  EXPECT_TRUE(frozen);
  ASSERT_OK(cgroup.SetFrozen(false));
  ASSERT_OK_AND_ASSIGN(frozen, cgroup.IsFrozen());
  EXPECT_FALSE(frozen);
  ASSERT_OK(cgroup.SetFrozen(true));
  ASSERT_OK(cgroup.Kill());
  EXPECT_EQ(child.Wait(), 128 + SIGKILL);
  EXPECT_OK(cgroup.Remove());
  EXPECT_OK(cgroup.Remove()) << "again";
}

TEST_F(CgroupKernelTest, DevicesAreRefusedAndAllowed) {
  Resources resources;
  resources.devices = {{false, 'a', {}, {}, "rwm"},
                       {true, 'c', 1, 3, "r"},
                       {true, 'c', 1, 3, "w"},
                       {true, 'c', 1, 5, "r"}};
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create(resources));
  Child child(cgroup, [] {
    const auto opens = [](const char* path, int flags) {
      return UniqueFd(open(path, flags | O_CLOEXEC)).get() >= 0;
    };
    if (!opens("/dev/null", O_RDWR)) return 1;
    if (!opens("/dev/zero", O_RDONLY)) return 2;
    if (opens("/dev/zero", O_RDWR) || errno != EPERM) return 3;
    if (opens("/dev/full", O_RDONLY) || errno != EPERM) return 4;
    if (mknod("/tmp/tiny-test-device", S_IFCHR | 0600, makedev(1, 3)) == 0) return 5;
    return 0;
  });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_OK(cgroup.Remove());
}

TEST_F(CgroupKernelTest, CpuLimitsAndCpuset) {
  Resources resources;
  resources.cpu_shares = 512;
  resources.cpu_quota = 2000;  // less than its share of a machine that is busy
  resources.cpu_period = 100000;
  resources.cpuset_cpus = "0";
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create(resources));
  Child child(cgroup, [] {
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return 1;
    return CPU_COUNT(&cpus) == 1 && CPU_ISSET(0, &cpus) ? 0 : 2;
  });
  EXPECT_EQ(child.Wait(), 0);
  const absl::Time end = absl::Now() + absl::Seconds(20);
  Child busy(cgroup, []() -> int {
    while (true) getpid();
  });
  Stats stats;
  do {
    absl::SleepFor(absl::Milliseconds(20));
    ASSERT_OK_AND_ASSIGN(stats, cgroup.ReadStats());
  } while ((stats.cpu_throttled_periods == 0 || stats.cpu_throttled == absl::ZeroDuration()) &&
           absl::Now() < end);
  EXPECT_GT(stats.cpu_throttled_periods, 0U);
  EXPECT_GT(stats.cpu_throttled, absl::ZeroDuration());
  EXPECT_GT(stats.cpu_usage, absl::ZeroDuration());
  EXPECT_OK(cgroup.Remove());
  EXPECT_EQ(busy.Wait(), 128 + SIGKILL);
}

TEST_F(CgroupKernelTest, UpdateAddsAndChangesLimits) {
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create({}));
  Child child(cgroup, SleepForEver);
  Resources resources;
  resources.memory_limit = 64 * kMiB;
  resources.memory_swap = 128 * kMiB;
  resources.pids_limit = 7;
  ASSERT_OK(cgroup.Update(resources));
  ASSERT_OK_AND_ASSIGN(Stats stats, cgroup.ReadStats());
  EXPECT_EQ(stats.memory_limit, static_cast<uint64_t>(64 * kMiB));
  EXPECT_EQ(stats.pids_limit, 7U);
  EXPECT_EQ(stats.pids, 1U);
  // Both ways, each of which version 1 takes in one order only.
  for (const int64_t megabytes : {512, 32}) {
    resources.memory_limit = megabytes * kMiB;
    resources.memory_swap = megabytes * kMiB;
    ASSERT_OK(cgroup.Update(resources)) << megabytes;
    ASSERT_OK_AND_ASSIGN(stats, cgroup.ReadStats());
    EXPECT_EQ(stats.memory_limit, static_cast<uint64_t>(megabytes * kMiB));
  }
  EXPECT_OK(cgroup.Remove());
  EXPECT_EQ(child.Wait(), 128 + SIGKILL);
}

TEST_F(CgroupKernelTest, UpdateRefusesLessMemoryThanIsUsed) {
  Resources resources;
  resources.memory_limit = 256 * kMiB;
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create(resources));
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  Child child(cgroup, [&] {
    UseMemory(64 * kMiB);
    if (write(ready[1], "x", 1) != 1) return 1;
    return SleepForEver();
  });
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  resources.memory_limit = 16 * kMiB;
  EXPECT_THAT(cgroup.Update(resources),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("too low")));
  EXPECT_FALSE(child.HasEnded());
  EXPECT_OK(cgroup.Remove());
  close(ready[0]);
  close(ready[1]);
}

TEST_F(CgroupKernelTest, StatsWithoutLimits) {
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create({}));
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  Child child(cgroup, [&] {
    UseMemory(32 * kMiB);
    if (write(ready[1], "x", 1) != 1) return 1;
    return SleepForEver();
  });
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_OK_AND_ASSIGN(const Stats stats, cgroup.ReadStats());
  EXPECT_GE(stats.memory_usage, static_cast<uint64_t>(32 * kMiB));
  EXPECT_EQ(stats.memory_limit, std::nullopt);
  EXPECT_EQ(stats.pids, 1U);
  EXPECT_GT(stats.cpu_usage, absl::ZeroDuration());
  EXPECT_OK(cgroup.Remove());
  close(ready[0]);
  close(ready[1]);
}

TEST_F(CgroupKernelTest, CountsUsageWithoutLimits) {
  Resources resources;
  resources.count_usage = true;
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create(resources));
  Child child(cgroup, SleepForEver);
  ASSERT_OK_AND_ASSIGN(const Stats stats, cgroup.ReadStats());
  EXPECT_FALSE(stats.memory_estimated);
  EXPECT_EQ(stats.pids, 1U);
  for (const LegacyTree& tree : hierarchy_.legacy()) {
    if (tree.controllers[0] != "memory" && tree.controllers[0] != "blkio") continue;
    EXPECT_TRUE(PathExists(absl::StrCat(tree.mount_point, cgroup.path())));
  }
  EXPECT_OK(cgroup.Remove());
}

TEST_F(CgroupKernelTest, LimitsThatAreCountedHaveACpusetBesideThem) {
  const LegacyTree* tree = hierarchy_.FindLegacy("cpuset");
  if (tree == nullptr) return;  // version 2 has one tree
  for (const bool limited : {false, true}) {
    Resources resources;
    resources.count_usage = true;
    if (limited) resources.memory_limit = 64 << 20;
    ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create(resources));
    EXPECT_EQ(PathExists(absl::StrCat(tree->mount_point, cgroup.path())), limited);
    EXPECT_OK(cgroup.Remove());
    EXPECT_FALSE(PathExists(absl::StrCat(tree->mount_point, cgroup.path())));
  }
}

TEST_F(CgroupKernelTest, CreateRefusesACgroupInUseAndTakesAnEmptyOne) {
  Resources limited;
  limited.pids_limit = 5;
  ASSERT_OK_AND_ASSIGN(Cgroup first, Create(limited));
  ASSERT_OK_AND_ASSIGN(Cgroup second, Create({}));
  Child child(second, SleepForEver);
  EXPECT_THAT(Create({}), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_FALSE(child.HasEnded());
  EXPECT_OK(second.Remove());
  EXPECT_OK(first.Remove());
}

TEST_F(CgroupKernelTest, OpenFindsWhatWasMade) {
  EXPECT_THAT(Cgroup::Open(hierarchy_, parent_ + "/none"), StatusIs(absl::StatusCode::kNotFound));
  Resources resources;
  resources.pids_limit = 9;
  ASSERT_OK(Create(resources));
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Cgroup::Open(hierarchy_, parent_ + "/one"));
  Child child(cgroup, SleepForEver);
  ASSERT_OK_AND_ASSIGN(const Stats stats, cgroup.ReadStats());
  EXPECT_EQ(stats.pids_limit, 9U);
  EXPECT_EQ(stats.pids, 1U);
  EXPECT_OK(cgroup.Remove());
}

TEST_F(CgroupKernelTest, FailureLeavesNothing) {
  Resources resources;
  resources.memory_limit = 64 * kMiB;
  resources.cpuset_cpus = "4000";
  EXPECT_THAT(Create(resources), Not(tiny::testing::IsOk()));
  for (const std::string& path : Directories("/one")) EXPECT_FALSE(PathExists(path)) << path;
}

TEST_F(CgroupKernelTest, AMissingControllerIsNamed) {
  Resources resources;
  resources.unified = {{"nonesuch.max", "1"}};
  const absl::Status status = Create(resources).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nonesuch")));
  EXPECT_THAT(status.message(), HasSubstr(std::string(ModeName(hierarchy_.mode()))));
  EXPECT_NE(GetHint(status), "");
}

// mountinfo lists them still; a look-up of their paths ends elsewhere.
TEST(HierarchyKernelTest, WhatAnotherMountHidesIsNotThere) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  for (const char* hider : {"/sys/fs/cgroup", "/sys"}) {
    testing::RunIsolated(CLONE_NEWNS, [hider] {
      ASSERT_OK(Hierarchy::Detect());
      ASSERT_EQ(mount("tmpfs", hider, "tmpfs", 0, nullptr), 0);
      EXPECT_THAT(Hierarchy::Detect(), StatusIs(absl::StatusCode::kFailedPrecondition));
    });
  }
}

TEST(HierarchyKernelTest, WhatIsMountedInTheHiderIsThere) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  testing::RunIsolated(CLONE_NEWNS, [] {
    constexpr const char* kTop = "/sys/fs/cgroup";
    ASSERT_EQ(mount("tmpfs", kTop, "tmpfs", 0, nullptr), 0);
    const std::string tree = absl::StrCat(kTop, "/tree");
    ASSERT_EQ(mkdir(tree.c_str(), 0755), 0);
    ASSERT_EQ(mount("cgroup2", tree.c_str(), "cgroup2", 0, nullptr), 0);
    ASSERT_OK_AND_ASSIGN(const Hierarchy hierarchy, Hierarchy::Detect());
    EXPECT_EQ(hierarchy.unified(), tree);
    EXPECT_EQ(hierarchy.mode(), Mode::kUnified);
  });
}

}  // namespace
}  // namespace tiny::cgroup
