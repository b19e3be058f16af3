#include "cgroup/hierarchy.h"

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

constexpr absl::string_view kUnified =
    "25 30 0:23 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw\n"
    "31 25 0:26 / /sys/fs/cgroup rw,nosuid,relatime shared:9 - cgroup2 cgroup2 "
    "rw,nsdelegate,memory_recursiveprot\n";

constexpr absl::string_view kHybrid =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:4 master:2 - cgroup2 cgroup2 rw\n";

constexpr absl::string_view kLegacy =
    "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset,clone_children\n"
    "33 31 0:30 / /cgroups\\040of\\040mine rw - cgroup none rw,freezer\n";

TEST(HierarchyTest, Unified) {
  TempDir dir;
  dir.Write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
  ASSERT_OK_AND_ASSIGN(const Hierarchy hierarchy, Hierarchy::FromMountInfo(kUnified, dir.path()));
  EXPECT_EQ(hierarchy.mode(), Mode::kUnified);
  EXPECT_EQ(hierarchy.unified(), dir.Path("sys/fs/cgroup"));
  EXPECT_THAT(hierarchy.UnifiedControllers(), ElementsAre("cpuset", "cpu", "io", "memory", "pids"));
  EXPECT_EQ(hierarchy.FindLegacy("memory"), nullptr);
  EXPECT_THAT(hierarchy.Controllers(),
              ElementsAre("cpu", "cpuset", "devices", "freezer", "io", "memory", "pids"));
}

TEST(HierarchyTest, Hybrid) {
  TempDir dir;
  dir.Write("sys/fs/cgroup/unified/cgroup.controllers", "");
  ASSERT_OK_AND_ASSIGN(const Hierarchy hierarchy, Hierarchy::FromMountInfo(kHybrid, dir.path()));
  EXPECT_EQ(hierarchy.mode(), Mode::kHybrid);
  EXPECT_EQ(hierarchy.unified(), dir.Path("sys/fs/cgroup/unified"));
  EXPECT_THAT(hierarchy.UnifiedControllers(), IsEmpty());
  ASSERT_NE(hierarchy.FindLegacy("cpuacct"), nullptr);
  EXPECT_EQ(hierarchy.FindLegacy("cpuacct"), hierarchy.FindLegacy("cpu"));
  EXPECT_EQ(hierarchy.FindLegacy("cpu")->mount_point, dir.Path("sys/fs/cgroup/cpu,cpuacct"));
  EXPECT_EQ(hierarchy.FindLegacy("pids"), nullptr);
  EXPECT_THAT(hierarchy.Controllers(), ElementsAre("cpu", "devices", "freezer", "io", "memory"));
}

TEST(HierarchyTest, Legacy) {
  ASSERT_OK_AND_ASSIGN(const Hierarchy hierarchy, Hierarchy::FromMountInfo(kLegacy));
  EXPECT_EQ(hierarchy.mode(), Mode::kLegacy);
  EXPECT_EQ(hierarchy.unified(), "");
  EXPECT_THAT(hierarchy.legacy(), ElementsAre(LegacyTree{"/sys/fs/cgroup/cpuset", {"cpuset"}},
                                              LegacyTree{"/cgroups of mine", {"freezer"}}));
}

TEST(HierarchyTest, IsReadBackFromItsOwnText) {
  for (const absl::string_view text : {kUnified, kHybrid, kLegacy}) {
    ASSERT_OK_AND_ASSIGN(const Hierarchy hierarchy, Hierarchy::FromMountInfo(text));
    ASSERT_OK_AND_ASSIGN(const Hierarchy again, Hierarchy::FromMountInfo(hierarchy.MountInfo()));
    EXPECT_EQ(again.mode(), hierarchy.mode());
    EXPECT_EQ(again.unified(), hierarchy.unified());
    EXPECT_EQ(again.legacy(), hierarchy.legacy());
  }
}

TEST(HierarchyTest, MayBeLeftSomeOfItsTrees) {
  ASSERT_OK_AND_ASSIGN(const Hierarchy all, Hierarchy::FromMountInfo(kHybrid));
  const Hierarchy some = all.WithLegacy({*all.FindLegacy("memory")});
  EXPECT_EQ(some.unified(), all.unified());
  EXPECT_EQ(some.mode(), Mode::kHybrid);
  EXPECT_THAT(some.legacy(), ElementsAre(*all.FindLegacy("memory")));
}

TEST(HierarchyTest, ATreeThatIsMountedTwiceIsFoundAtItsUsualPlace) {
  const std::string text =
      absl::StrCat("99 1 0:32 / /srv/root/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
                   "98 1 0:38 / /srv/root/unified rw - cgroup2 none rw\n", kHybrid);
  TempDir dir;
  dir.Write("sys/fs/cgroup/unified/cgroup.controllers", "");
  ASSERT_OK_AND_ASSIGN(const Hierarchy hierarchy, Hierarchy::FromMountInfo(text, dir.path()));
  EXPECT_EQ(hierarchy.unified(), dir.Path("sys/fs/cgroup/unified"));
  EXPECT_EQ(hierarchy.FindLegacy("memory")->mount_point, dir.Path("sys/fs/cgroup/memory"));
}

TEST(HierarchyTest, SystemdsNamedTreeAloneMakesNoHybrid) {
  TempDir dir;
  dir.Write("sys/fs/cgroup/cgroup.controllers", "memory\n");
  const std::string text = absl::StrCat(
      kUnified, "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n");
  ASSERT_OK_AND_ASSIGN(const Hierarchy hierarchy, Hierarchy::FromMountInfo(text, dir.path()));
  EXPECT_EQ(hierarchy.mode(), Mode::kUnified);
}

TEST(HierarchyTest, NothingMountedIsSaidWithAHint) {
  for (const absl::string_view text : {"", "garbage", "1 2 3 - cgroup2", " - cgroup cgroup rw,cpu",
                                       "25 30 0:23 / /sys rw - sysfs sysfs rw\n"}) {
    const absl::Status status = Hierarchy::FromMountInfo(text).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition)) << text;
    EXPECT_THAT(GetHint(status), HasSubstr("mount -t cgroup2"));
  }
}

TEST(ValidateCgroupPathTest, TakesPlainPathsOnly) {
  EXPECT_OK(ValidateCgroupPath("/tiny/0123"));
  EXPECT_OK(ValidateCgroupPath("/system.slice/a b:c..d"));
  const std::string long_name = "/" + std::string(256, 'x');
  std::string long_path;
  while (long_path.size() < 4096) long_path += "/abcdefgh";
  const absl::string_view bad[] = {"",        "/",          "tiny",   "../x",
                                   "/../x",   "/a/../../b", "/a/..",  "/a//b",
                                   "/a/",     "/./a",       "/a\nb",  absl::string_view("/a\0b", 4),
                                   long_name, long_path,    "/a/\x7f"};
  for (const absl::string_view path : bad) {
    EXPECT_THAT(ValidateCgroupPath(path), StatusIs(absl::StatusCode::kInvalidArgument)) << path;
  }
}

}  // namespace
}  // namespace tiny::cgroup
