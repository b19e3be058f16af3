// What a start may cost, as counts: they hardly vary, so a busy machine does not make the test
// fail, and whoever makes a start dearer has to say so here. docs/performance.md tells what they
// are for.
#include "bench/process_counts.h"
#include "bench/work_place.h"
#include "cgroup/hierarchy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::bench {
namespace {

using ::testing::Le;
using ::tiny::testing::HavePrivilege;

// What was measured and a twentieth.
struct Budget {
  int64_t system_calls;
  int64_t page_faults;
  int64_t forks;
  int64_t execs;
};

// With version 1 alone each device rule is a write, and with version 2 alone it is looked at which
// controllers the parent has: elsewhere than on hybrid machines a start makes up to 20 calls more.
bool IsHybrid() {
  const auto hierarchy = cgroup::Hierarchy::Detect();
  EXPECT_OK(hierarchy);
  return hierarchy.ok() && hierarchy->mode() == cgroup::Mode::kHybrid;
}

void ExpectWithin(const Budget& budget, const std::vector<std::string>& command) {
  ASSERT_OK(RunCommand(command));  // what is made once only: folders, a cache
  ASSERT_OK_AND_ASSIGN(const ProcessCounts counts, CountProcesses(command, "true"));
  EXPECT_EQ(counts.exit_code, 0);
  EXPECT_THAT(counts.system_calls, Le(budget.system_calls));
  EXPECT_THAT(counts.page_faults, Le(budget.page_faults));
  EXPECT_THAT(counts.forks, Le(budget.forks));
  EXPECT_THAT(counts.execs, Le(budget.execs));
  printf("%ld system calls, %ld page faults, %ld forks, %ld execs\n", counts.system_calls,
         counts.page_faults, counts.forks, counts.execs);
}

class BudgetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  }
};

TEST_F(BudgetTest, OciRun) {
  ASSERT_OK_AND_ASSIGN(const WorkPlace place, WorkPlace::Make());
  // One fork and two execs, of the init stub and of the program, are all that it takes.
  ExpectWithin({.system_calls = IsHybrid() ? 221 : 242, .page_faults = 100, .forks = 1, .execs = 2},
               place.TinyOci({"run", "--bundle", place.bundle(), "budget"}));
}

TEST_F(BudgetTest, RunWithoutNetwork) {
  ASSERT_OK_AND_ASSIGN(const WorkPlace place, WorkPlace::Make());
  // Beside the container there is its supervisor.
  ExpectWithin(
      {.system_calls = IsHybrid() ? 473 : 499, .page_faults = 238, .forks = 2, .execs = 2},
      place.Tiny({"run", "--rm", "--network", "none", "--rootfs", place.rootfs(), "true"}));
}

TEST_F(BudgetTest, Version) {
  ASSERT_OK_AND_ASSIGN(const WorkPlace place, WorkPlace::Make());
  ExpectWithin({.system_calls = 25, .page_faults = 65, .forks = 0, .execs = 0},
               place.Tiny({"version"}));
}

}  // namespace
}  // namespace tiny::bench
