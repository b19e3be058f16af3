// What a start may cost, as counts: they hardly vary, so a busy machine does not make the test
// fail, and whoever makes a start dearer has to say so here. docs/performance.md tells what they
// are for.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "bench/process_counts.h"
#include "bench/work_place.h"
#include "cgroup/hierarchy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "state/store.h"
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

// With version 1 alone each device rule is a write: elsewhere a start makes 20 to 30 calls less.
bool IsVersion1Alone() {
  const auto hierarchy = cgroup::Hierarchy::Detect();
  EXPECT_OK(hierarchy);
  return hierarchy.ok() && hierarchy->mode() == cgroup::Mode::kLegacy;
}

// Standard output is /dev/null meanwhile: how much a terminal takes at once is not the command's.
class Silence {
 public:
  Silence() : output_(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)) {
    const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    dup2(null.get(), STDOUT_FILENO);
  }
  ~Silence() { dup2(output_.get(), STDOUT_FILENO); }

 private:
  UniqueFd output_;
};

absl::StatusOr<ProcessCounts> Count(const std::vector<std::string>& command) {
  const Silence silence;
  RETURN_IF_ERROR(RunCommand(command).status());  // what is made once only: folders, a cache
  ASSIGN_OR_RETURN(ProcessCounts counts, CountProcesses(command, "true"));
  // Elsewhere the vDSO answers it; not so on a machine whose clock it can't read.
  counts.system_calls -= counts.by_number[SYS_clock_gettime];
  return counts;
}

void ExpectWithin(const Budget& budget, const std::vector<std::string>& command) {
  ASSERT_OK_AND_ASSIGN(const ProcessCounts counts, Count(command));
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
    ASSERT_OK_AND_ASSIGN(const auto hierarchy, cgroup::Hierarchy::Detect());
    std::vector<std::string> trees;
    if (!hierarchy.unified().empty()) trees.push_back(hierarchy.unified());
    for (const cgroup::LegacyTree& tree : hierarchy.legacy()) trees.push_back(tree.mount_point);
    for (const std::string& tree : trees) {
      for (const char* parent : {"/tiny", "/tiny-oci"}) {
        if (!PathExists(tree + parent)) new_parents_.push_back(tree + parent);
      }
    }
  }

  void TearDown() override {
    for (const std::string& parent : new_parents_) rmdir(parent.c_str());
  }

 private:
  // Cgroups that the first container on a machine makes, and which stay.
  std::vector<std::string> new_parents_;
};

TEST_F(BudgetTest, OciRun) {
  ASSERT_OK_AND_ASSIGN(const WorkPlace place, WorkPlace::Make());
  // The container's process, a thread that makes its network namespace meanwhile, and two execs, of
  // the init stub and of the program, are all that it takes.
  ExpectWithin(
      {.system_calls = IsVersion1Alone() ? 224 : 200, .page_faults = 110, .forks = 2, .execs = 2},
      place.TinyOci({"run", "--bundle", place.bundle(), "budget"}));
}

TEST_F(BudgetTest, RunWithoutNetwork) {
  ASSERT_OK_AND_ASSIGN(const WorkPlace place, WorkPlace::Make());
  // Beside the container there is its supervisor.
  ExpectWithin(
      {.system_calls = IsVersion1Alone() ? 481 : 452, .page_faults = 245, .forks = 3, .execs = 2},
      place.Tiny({"run", "--rm", "--network", "none", "--rootfs", place.rootfs(), "true"}));
}

// Records of containers that have ended, as `tiny run true` leaves them.
absl::Status AddEnded(const WorkPlace& place, int count) {
  ASSIGN_OR_RETURN(const state::StateStore store, state::StateStore::Open(place.Path("state")));
  for (int i = 0; i < count; ++i) {
    state::ContainerConfig config;
    config.image = config.rootfs = place.rootfs();
    config.command = {"true"};
    config.env = {"PATH=/bin", "A=1", "B=2"};
    config.labels = {{"app", "web"}};
    ASSIGN_OR_RETURN(state::LockedContainer container, store.Create(std::move(config)));
    state::ContainerState ended;
    ended.status = state::Status::kExited;
    ended.started_at = ended.finished_at = absl::Now();
    ended.cgroup_path = absl::StrCat("/tiny/", container.id().value());
    RETURN_IF_ERROR(container.CommitState(std::move(ended)));
  }
  return absl::OkStatus();
}

TEST_F(BudgetTest, PsOverAThousand) {
  ASSERT_OK_AND_ASSIGN(const WorkPlace place, WorkPlace::Make());
  ASSERT_OK(AddEnded(place, 1000));
  // Each file is opened, read and closed: the state of all, and the config of those that are shown.
  // A list is never in memory whole but as the lines that are printed.
  ExpectWithin({.system_calls = 3 * 1000 + 60, .page_faults = 118, .forks = 0, .execs = 0},
               place.Tiny({"ps"}));
  ExpectWithin({.system_calls = 6 * 1000 + 60, .page_faults = 355, .forks = 0, .execs = 0},
               place.Tiny({"ps", "-a"}));
}

TEST_F(BudgetTest, Version) {
  ASSERT_OK_AND_ASSIGN(const WorkPlace place, WorkPlace::Make());
  ExpectWithin({.system_calls = 25, .page_faults = 65, .forks = 0, .execs = 0},
               place.Tiny({"version"}));
}

}  // namespace
}  // namespace tiny::bench
