#include "fs/mount_info.h"

#include "testing/status_matchers.h"

namespace tiny::fs {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::tiny::testing::StatusIs;

TEST(MountInfo, ReadsEveryField) {
  ASSERT_OK_AND_ASSIGN(
      const auto mounts,
      ParseMountInfo("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=x\n"
                     "37 36 0:21 / /a\\040b\\134 ro shared:7 unbindable - tmpfs  rw,size=64k\n"));
  ASSERT_EQ(mounts.size(), 2);
  EXPECT_EQ(mounts[0].id, 36);
  EXPECT_EQ(mounts[0].parent_id, 35);
  EXPECT_EQ(mounts[0].major, 98);
  EXPECT_EQ(mounts[0].root, "/mnt1");
  EXPECT_EQ(mounts[0].target, "/mnt2");
  EXPECT_EQ(mounts[0].options, "rw,noatime");
  EXPECT_EQ(mounts[0].master, 1);
  EXPECT_EQ(mounts[0].shared, 0);
  EXPECT_EQ(mounts[0].type, "ext3");
  EXPECT_EQ(mounts[0].super_options, "rw,errors=x");
  EXPECT_EQ(mounts[1].target, "/a b\\");
  EXPECT_EQ(mounts[1].shared, 7);
  EXPECT_TRUE(mounts[1].unbindable);
  EXPECT_EQ(mounts[1].source, "");
}

TEST(MountInfo, NoOptionalFieldsAndUnknownOnes) {
  ASSERT_OK_AND_ASSIGN(const auto mounts,
                       ParseMountInfo("1 0 0:1 / / rw - proc proc rw\n"
                                      "2 1 0:2 / /x rw propagate_from:2 new:9 - proc proc rw"));
  EXPECT_EQ(mounts.size(), 2);
  EXPECT_THAT(ParseMountInfo("").value(), IsEmpty());
}

TEST(MountInfo, BadLinesAreNamed) {
  for (const char* line :
       {"1", "x 0 0:1 / / rw - proc proc rw", "1 0 0-1 / / rw - proc proc rw",
        "1 0 0:1 / / rw proc proc rw x", "1 0 0:1 / / rw - proc proc",
        "1 0 0:1 / / rw shared:x - proc proc rw", "-1 0 0:1 / / rw - proc proc rw"}) {
    EXPECT_THAT(ParseMountInfo(line),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(line)));
  }
}

TEST(MountInfo, Unescape) {
  EXPECT_EQ(UnescapeMountPath("a\\040b\\011c\\012\\134"), "a b\tc\n\\");
  EXPECT_EQ(UnescapeMountPath("\\04"), "\\04");
  EXPECT_EQ(UnescapeMountPath("\\089\\777\\"), "\\089\\777\\");
}

}  // namespace
}  // namespace tiny::fs
