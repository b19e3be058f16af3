// How cgroups and their processes end.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "cgroup/cgroup.h"
#include "cgroup/cgroup_test_fixture.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

TEST_F(CgroupKernelTest, KillReachesChildCgroups) {
  ASSERT_OK_AND_ASSIGN(Cgroup outer, Create({}));
  ASSERT_OK_AND_ASSIGN(Cgroup inner, Create({}, "/one/inner/deep"));
  Child child(inner, SleepForEver);
  ASSERT_OK_AND_ASSIGN(const std::vector<pid_t> pids, outer.Pids());
  EXPECT_THAT(pids, ElementsAre(child.pid()));
  ASSERT_OK(outer.Kill());
  EXPECT_EQ(child.Wait(), 128 + SIGKILL);
  EXPECT_OK(outer.Remove());
}

TEST_F(CgroupKernelTest, DestroyKillsAndRemovesWhatUpdateHasAddedToo) {
  EXPECT_OK(Cgroup::Destroy(hierarchy_, parent_ + "/none"));
  EXPECT_THAT(Cgroup::Destroy(hierarchy_, parent_ + "/../one"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  for (const bool lives : {false, true}) {
    ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create({}));
    Child child(cgroup, [lives] { return lives ? SleepForEver() : 0; });
    ASSERT_OK_AND_ASSIGN(Cgroup other, Cgroup::Open(hierarchy_, cgroup.path()));
    Resources resources;
    resources.pids_limit = 100;
    const Hierarchy own_trees = cgroup.OwnTrees();
    EXPECT_TRUE(Cgroup::IsAllIn(own_trees, cgroup.path()));
    ASSERT_OK(other.Update(resources));
    EXPECT_EQ(Cgroup::IsAllIn(own_trees, cgroup.path()), v2());
    if (!lives) {
      EXPECT_EQ(child.Wait(), 0);
    }
    EXPECT_EQ(Cgroup::RemoveEmpty(own_trees, cgroup.path()), !lives && v2());
    EXPECT_OK(Cgroup::Destroy(hierarchy_, cgroup.path()));
    for (const std::string& path : Directories("/one")) EXPECT_FALSE(PathExists(path)) << path;
    if (lives) {
      EXPECT_EQ(child.Wait(), 128 + SIGKILL);
    }
  }
}

TEST_F(CgroupKernelTest, WhoMadeItRemovesWhatAnUpdateByOthersHasAdded) {
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create({}));
  ASSERT_OK_AND_ASSIGN(Cgroup other, Cgroup::Open(hierarchy_, cgroup.path()));
  Resources resources;
  resources.pids_limit = 100;
  ASSERT_OK(other.Update(resources));
  EXPECT_OK(cgroup.Remove());
  for (const std::string& path : Directories("/one")) EXPECT_FALSE(PathExists(path)) << path;
}

TEST_F(CgroupKernelTest, OneThatIsWholeAndEmptyGoesAtOnce) {
  ASSERT_OK_AND_ASSIGN(const Cgroup cgroup, Create({}));
  {
    const Child child(cgroup, SleepForEver);
    EXPECT_FALSE(Cgroup::RemoveEmpty(cgroup.OwnTrees(), cgroup.path()));
  }
  EXPECT_TRUE(Cgroup::RemoveEmpty(cgroup.OwnTrees(), cgroup.path()));
  for (const std::string& path : Directories("/one")) EXPECT_FALSE(PathExists(path)) << path;
  EXPECT_FALSE(Cgroup::RemoveEmpty(cgroup.OwnTrees(), cgroup.path()));
  EXPECT_FALSE(Cgroup::IsAllIn(cgroup.OwnTrees(), cgroup.path()));
}

TEST_F(CgroupKernelTest, ProcessesMayBeLeftAlone) {
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create({}));
  {
    ASSERT_OK_AND_ASSIGN(const Cgroup beneath, Create({}, "/one/more"));
    const Child another(beneath, SleepForEver);
    EXPECT_THAT(Cgroup::Destroy(hierarchy_, cgroup.path(), Cgroup::Remaining::kLeftAlone),
                StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("is still in use")));
    EXPECT_FALSE(another.HasEnded());
  }
  EXPECT_OK(cgroup.Remove(Cgroup::Remaining::kLeftAlone));
}

TEST_F(CgroupKernelTest, AForeignProcessIsReportedAndNotKilled) {
  if (v2()) return;  // there one directory has all
  Resources resources;
  resources.pids_limit = 5;
  ASSERT_OK_AND_ASSIGN(Cgroup cgroup, Create(resources));
  const LegacyTree* pids = hierarchy_.FindLegacy("pids");
  ASSERT_NE(pids, nullptr);
  const pid_t foreign = fork();
  if (foreign == 0) SleepForEver();
  const std::string procs = absl::StrCat(pids->mount_point, parent_, "/one/cgroup.procs");
  ASSERT_OK(WriteControlFile(procs, absl::StrCat(foreign)));
  EXPECT_THAT(cgroup.Remove(Cgroup::Remaining::kLeftAlone),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr(absl::StrCat(foreign))));
  ASSERT_OK(Create(resources, "/one/more"));
  EXPECT_THAT(Cgroup::Destroy(hierarchy_, cgroup.path()),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr(absl::StrCat(foreign))));
  EXPECT_EQ(kill(foreign, 0), 0);
  kill(foreign, SIGKILL);
  waitpid(foreign, nullptr, 0);
  EXPECT_OK(cgroup.Remove());
}

}  // namespace
}  // namespace tiny::cgroup
