#include "cgroup/missing_controller.h"

#include "base/posix_status.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cgroup {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

constexpr absl::string_view kProcCgroups =
    "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
    "cpu\t0\t1\t1\n"
    "blkio\t7\t1\t1\n"
    "memory\t0\t1\t0\n"
    "hugetlb\t0\t1\t1\n";

TEST(ExplainMissingControllerTest, NotDelegated) {
  const absl::Status status = ExplainMissingController(
      {"cpu", Mode::kUnified, "/sys/fs/cgroup/user.slice/user-1000.slice", false}, kProcCgroups);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               "no cpu controller (cgroup v2): "
                               "/sys/fs/cgroup/user.slice/user-1000.slice/cgroup.controllers "
                               "lacks it"));
  EXPECT_THAT(GetHint(status),
              AllOf(HasSubstr("+cpu to /sys/fs/cgroup/user.slice/cgroup.subtree_control"),
                    HasSubstr("Delegate=yes")));
}

TEST(ExplainMissingControllerTest, DisabledAtBoot) {
  const absl::Status status =
      ExplainMissingController({"memory", Mode::kUnified, "/sys/fs/cgroup", true}, kProcCgroups);
  EXPECT_THAT(GetHint(status), HasSubstr("cgroup_enable=memory"));
}

TEST(ExplainMissingControllerTest, TakenByVersion1) {
  const absl::Status status =
      ExplainMissingController({"io", Mode::kHybrid, "/sys/fs/cgroup/unified", true}, kProcCgroups);
  EXPECT_THAT(status.message(), HasSubstr("cgroup hybrid"));
  EXPECT_THAT(GetHint(status), HasSubstr("unmount"));
}

TEST(ExplainMissingControllerTest, NotMounted) {
  const absl::Status status =
      ExplainMissingController({"hugetlb", Mode::kHybrid, "", false}, kProcCgroups);
  EXPECT_THAT(status.message(), HasSubstr("not mounted"));
  EXPECT_THAT(GetHint(status),
              HasSubstr("mount -t cgroup -o hugetlb cgroup /sys/fs/cgroup/hugetlb"));
}

TEST(ExplainMissingControllerTest, NotInTheKernel) {
  for (const absl::string_view text : {kProcCgroups, absl::string_view()}) {
    const absl::Status status = ExplainMissingController({"rdma", Mode::kLegacy, "", false}, text);
    EXPECT_THAT(GetHint(status), HasSubstr("built without"));
  }
}

}  // namespace
}  // namespace tiny::cgroup
