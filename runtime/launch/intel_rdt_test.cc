#include "runtime/launch/intel_rdt.h"

#include <sys/stat.h>

#include "base/files.h"
#include "base/posix_status.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

// A folder that looks like resctrl, but for what the kernel does by itself: a class that is made
// has its files already.
class IntelRdtTest : public ::testing::Test {
 protected:
  std::string root() const { return folder_.path(); }
  void MakeClass(const std::string& name, const std::string& schemata) {
    ASSERT_EQ(mkdir(folder_.Path(name).c_str(), 0755), 0);
    folder_.Write(name + "/schemata", schemata);
    folder_.Write(name + "/tasks", "");
  }
  std::string Read(const std::string& name) { return *ReadFile(folder_.Path(name)); }

  testing::TempDir folder_;
};

TEST_F(IntelRdtTest, AClassThatWasMadeBeforeIsJoined) {
  MakeClass("gold", "L3:0=7ff;1=7ff\n");
  ASSERT_OK(ApplyIntelRdt({.clos_id = "gold"}, "c1", 42, root()));
  EXPECT_EQ(Read("gold/tasks"), "42");
  EXPECT_EQ(Read("gold/schemata"), "L3:0=7ff;1=7ff\n");  // never written without a schema
  ASSERT_OK(RemoveIntelRdt({.clos_id = "gold"}, "c1", root()));
  EXPECT_TRUE(PathExists(folder_.Path("gold")));
}

TEST_F(IntelRdtTest, AClassThatIsMissingIsAnErrorWithoutASchema) {
  EXPECT_THAT(ApplyIntelRdt({.clos_id = "gold"}, "c1", 42, root()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("linux.intelRdt.closID")));
  EXPECT_FALSE(PathExists(folder_.Path("gold")));
}

TEST_F(IntelRdtTest, AnExistingClassMustHaveTheSchemata) {
  MakeClass("gold", "    MB:0= 20;1= 70\n    L3:0=0007f0;1=00001f\n");
  ASSERT_OK(ApplyIntelRdt(
      {.clos_id = "gold", .l3_cache_schema = "L3:0=7F0", .mem_bw_schema = "MB:1=70;0=20"}, "c1", 42,
      root()));
  EXPECT_EQ(Read("gold/tasks"), "42");
  EXPECT_THAT(ApplyIntelRdt({.clos_id = "gold", .mem_bw_schema = "MB:0=30"}, "c1", 43, root()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("other schemata")));
  EXPECT_EQ(Read("gold/tasks"), "42");
}

// Here the kernel would put the files into the new folder: without them the write fails, and so it
// is seen that the folder is made, and goes again.
TEST_F(IntelRdtTest, AClassOfItsOwnIsMadeAndNotLeftWhereItFails) {
  EXPECT_THAT(ApplyIntelRdt({.l3_cache_schema = "L3:0=f"}, "c1", 42, root()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("c1/schemata")));
  EXPECT_FALSE(PathExists(folder_.Path("c1")));
  folder_.Write("info", "");
  EXPECT_THAT(ApplyIntelRdt({}, "c1", 42, root()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("c1/tasks")));
  EXPECT_TRUE(PathExists(folder_.Path("c1")));
  ASSERT_OK(RemoveIntelRdt({}, "c1", root()));
  EXPECT_FALSE(PathExists(folder_.Path("c1")));
}

TEST_F(IntelRdtTest, MonitoringHasAGroupOfItsOwn) {
  MakeClass("gold", "");
  ASSERT_EQ(mkdir(folder_.Path("gold/mon_groups").c_str(), 0755), 0);
  ASSERT_EQ(mkdir(folder_.Path("gold/mon_groups/c1").c_str(), 0755), 0);
  folder_.Write("gold/mon_groups/c1/tasks", "");
  ASSERT_OK(ApplyIntelRdt({.clos_id = "gold", .enable_monitoring = true}, "c1", 42, root()));
  EXPECT_EQ(Read("gold/mon_groups/c1/tasks"), "42");
}

TEST_F(IntelRdtTest, AnUpdateWritesTheSchemataOfTheClass) {
  MakeClass("gold", "L3:0=f\n");
  ASSERT_OK(UpdateIntelRdt({.clos_id = "gold", .mem_bw_schema = "MB:0=20"}, "c1", root()));
  EXPECT_EQ(Read("gold/schemata"), "MB:0=20\n");
  EXPECT_THAT(UpdateIntelRdt({.mem_bw_schema = "MB:0=20"}, "c1", root()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("c1/schemata")));
}

TEST(SchemataOfTest, MemoryBandwidthHasItsOwnField) {
  EXPECT_EQ(SchemataOf({}), "");
  EXPECT_EQ(SchemataOf({.l3_cache_schema = "L3:0=7f0\nMB:0=10"}), "L3:0=7f0\nMB:0=10\n");
  EXPECT_EQ(SchemataOf({.l3_cache_schema = "L3:0=7f0\nMB:0=10",
                        .mem_bw_schema = "MB:0=20",
                        .schemata = {"L2:0=f", "MB:0=30"}}),
            "L3:0=7f0\nMB:0=20\nL2:0=f\nMB:0=30\n");
}

TEST(FindResctrlTest, WithoutOneThereIsAHint) {
  const absl::StatusOr<std::string> root = FindResctrl();
  if (root.ok()) {
    EXPECT_TRUE(PathExists(*root + "/schemata"));
  } else {
    EXPECT_THAT(root, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(GetHint(root.status()), HasSubstr("mount -t resctrl"));
  }
}

}  // namespace
}  // namespace tiny::runtime
