// On plain folders, which behave as cgroups do but for EBUSY.
#include "cgroup/directory.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "cgroup/cgroup.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::tiny::testing::IsOk;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

TEST(DirectoryTest, StaysBeneathItsRoot) {
  TempDir dir;
  ASSERT_OK(MakeDirs(dir.Path("root"), 0755));
  ASSERT_OK(MakeDirs(dir.Path("outside"), 0755));
  ASSERT_EQ(symlink("../outside", dir.Path("root/link").c_str()), 0);
  ASSERT_OK_AND_ASSIGN(const Directory root, OpenRoot(dir.Path("root")));
  for (const char* path : {"../outside", "link", "link/x", "a/../../outside/x", "link/../../x"}) {
    EXPECT_THAT(OpenBeneath(root, path), Not(IsOk())) << path;
    EXPECT_THAT(MakeBeneath(root, path), Not(IsOk())) << path;
  }
  EXPECT_THAT(ListDirectory(dir.Path("outside")).value(), IsEmpty());
}

TEST(DirectoryTest, MakesAndOpens) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(const Directory root, OpenRoot(dir.path()));
  EXPECT_THAT(OpenBeneath(root, "/a/b"), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const Directory made, MakeBeneath(root, "/a/b"));
  EXPECT_EQ(made.path, dir.Path("a/b"));
  EXPECT_OK(MakeBeneath(root, "/a/b"));
  EXPECT_OK(OpenBeneath(root, "/a/b"));
}

TEST(DirectoryTest, ListsProcessesOfATree) {
  TempDir dir;
  dir.Write("a/cgroup.procs", "7\n3\n0\n");
  dir.Write("a/b/cgroup.procs", "5\n3\n");
  ASSERT_OK(MakeDirs(dir.Path("a/c"), 0755));
  ASSERT_OK_AND_ASSIGN(const Directory a, OpenRoot(dir.Path("a")));
  ASSERT_OK_AND_ASSIGN(const std::vector<pid_t> own, ReadPids(a));
  EXPECT_THAT(own, ElementsAre(7, 3));
  ASSERT_OK_AND_ASSIGN(const std::vector<pid_t> all, ReadPidsOfTree(a));
  EXPECT_THAT(all, ElementsAre(3, 5, 7));
}

TEST(DirectoryTest, RemovesBottomUp) {
  TempDir dir;
  ASSERT_OK(MakeDirs(dir.Path("a/b/c"), 0755));
  ASSERT_OK(MakeDirs(dir.Path("a/d"), 0755));
  ASSERT_OK_AND_ASSIGN(const Directory root, OpenRoot(dir.path()));
  EXPECT_OK(RemoveCgroups(root, "a"));
  EXPECT_FALSE(PathExists(dir.Path("a")));
  EXPECT_OK(RemoveCgroups(root, "a"));
}

// Cgroup::Create on folders that stand for version 1 trees, which have no files made for them: a
// limit's file is missing, and nothing stays behind.
TEST(CgroupFixtureTest, AFailedCreateLeavesOnlyParents) {
  TempDir dir;
  ASSERT_OK(MakeDirs(dir.Path("freezer"), 0755));
  ASSERT_OK(MakeDirs(dir.Path("pids"), 0755));
  ASSERT_OK_AND_ASSIGN(const Hierarchy hierarchy,
                       Hierarchy::FromMountInfo("1 1 0:1 / /freezer rw - cgroup cgroup rw,freezer\n"
                                                "2 1 0:1 / /pids rw - cgroup cgroup rw,pids\n",
                                                dir.path()));
  Resources resources;
  resources.pids_limit = 5;
  const absl::Status status = Cgroup::Create(hierarchy, "/tiny/x", resources).status();
  EXPECT_EQ(GetErrno(status), ENOENT);
  EXPECT_THAT(GetHint(status), ::testing::HasSubstr("pids.max"));
  EXPECT_FALSE(PathExists(dir.Path("freezer/tiny/x")));
  EXPECT_FALSE(PathExists(dir.Path("pids/tiny/x")));
  EXPECT_OK(Cgroup::Create(hierarchy, "/tiny/x", {}));
  EXPECT_TRUE(PathExists(dir.Path("freezer/tiny/x")));
  EXPECT_FALSE(PathExists(dir.Path("pids/tiny/x"))) << "no limit, no directory";
}

TEST(CgroupFixtureTest, BadPathsMakeNothing) {
  TempDir dir;
  ASSERT_OK(MakeDirs(dir.Path("freezer"), 0755));
  ASSERT_OK_AND_ASSIGN(
      const Hierarchy hierarchy,
      Hierarchy::FromMountInfo("1 1 0:1 / /freezer rw - cgroup cgroup rw,freezer\n", dir.path()));
  for (const char* path : {"/../x", "x", "/a/../../../x", "/", ""}) {
    EXPECT_THAT(Cgroup::Create(hierarchy, path, {}), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(Cgroup::Open(hierarchy, path), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(ListDirectory(dir.path()).value(), ElementsAre("freezer"));
  EXPECT_THAT(ListDirectory(dir.Path("freezer")).value(), IsEmpty());
}

// A version 2 tree that was delegated: EnableControllers asks for what is offered, and names the
// first cgroup that offers too little.
TEST(CgroupFixtureTest, AMissingControllerOfVersion2) {
  TempDir dir;
  dir.Write("sys/fs/cgroup/cgroup.controllers", "memory cpu\n");
  dir.Write("sys/fs/cgroup/cgroup.subtree_control", "memory cpu\n");
  dir.Write("sys/fs/cgroup/slice/cgroup.controllers", "memory\n");
  dir.Write("sys/fs/cgroup/slice/cgroup.subtree_control", "");
  dir.Write("sys/fs/cgroup/slice/cgroup.type", "domain\n");
  ASSERT_OK_AND_ASSIGN(
      const Hierarchy hierarchy,
      Hierarchy::FromMountInfo("1 1 0:1 / /sys/fs/cgroup rw - cgroup2 none rw\n", dir.path()));
  Resources resources;
  resources.cpu_quota = 10000;
  const absl::Status status = Cgroup::Create(hierarchy, "/slice/x", resources).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               ::testing::HasSubstr("sys/fs/cgroup/slice/cgroup.controllers")));
  EXPECT_THAT(GetHint(status), ::testing::HasSubstr("Delegate=yes"));
  EXPECT_FALSE(PathExists(dir.Path("sys/fs/cgroup/slice/x")));
}

}  // namespace
}  // namespace tiny::cgroup
