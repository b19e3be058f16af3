#include "fs/mount_options.h"

#include <sys/mount.h>

#include "testing/status_matchers.h"

namespace tiny::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::tiny::testing::StatusIs;

MountOptions Parse(const std::vector<std::string>& options) {
  const absl::StatusOr<MountOptions> parsed = ParseMountOptions(options);
  EXPECT_OK(parsed);
  return parsed.ok() ? *parsed : MountOptions();
}

TEST(MountOptions, SplitsAttributesFromData) {
  const MountOptions options =
      Parse({"nosuid", "noexec", "strictatime", "mode=755", "size=64k", "sync"});
  EXPECT_EQ(options.set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_STRICTATIME);
  EXPECT_EQ(options.clear, MOUNT_ATTR__ATIME);
  EXPECT_THAT(options.data, ElementsAre("mode=755", "size=64k", "sync"));
  EXPECT_FALSE(options.bind);
}

TEST(MountOptions, ALaterOneOverrides) {
  EXPECT_EQ(Parse({"ro", "rw"}).set, 0);
  EXPECT_EQ(Parse({"ro", "rw"}).clear, MOUNT_ATTR_RDONLY);
  EXPECT_EQ(Parse({"rw", "ro"}).set, MOUNT_ATTR_RDONLY);
  EXPECT_EQ(Parse({"rw", "ro"}).clear, 0);
  EXPECT_EQ(Parse({"noatime", "relatime"}).set, 0);
  EXPECT_EQ(Parse({"noatime", "relatime"}).clear, MOUNT_ATTR__ATIME);
  EXPECT_EQ(Parse({"relatime", "noatime"}).set, MOUNT_ATTR_NOATIME);
}

TEST(MountOptions, BindsAndPropagation) {
  const MountOptions options = Parse({"rbind", "rro", "rslave", "idmap"});
  EXPECT_TRUE(options.bind);
  EXPECT_TRUE(options.recursive);
  EXPECT_EQ(options.recursive_set, MOUNT_ATTR_RDONLY);
  EXPECT_EQ(options.set, 0);
  EXPECT_EQ(options.propagation, (Propagation{MS_SLAVE, true}));
  EXPECT_EQ(options.id_mapping, IdMapping::kMount);
  EXPECT_EQ(Parse({"bind", "private"}).propagation, (Propagation{MS_PRIVATE, false}));
  EXPECT_THAT(ParseMountOptions({"bind", "ridmap"}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(MountOptions, WordsThatBeginWithR) {
  // "rw", "relatime" and "rnosuid" are three different things.
  EXPECT_EQ(Parse({"rw"}).recursive_clear, 0);
  EXPECT_EQ(Parse({"rrw"}).recursive_clear, MOUNT_ATTR_RDONLY);
  EXPECT_EQ(Parse({"rnosuid"}).recursive_set, MOUNT_ATTR_NOSUID);
  EXPECT_THAT(Parse({"rubbish"}).data, ElementsAre("rubbish"));
  EXPECT_THAT(Parse({"defaults", "nofail", ""}).data, IsEmpty());
}

TEST(MountOptions, SpecialOnes) {
  EXPECT_TRUE(Parse({"tmpcopyup"}).copy_up);
  EXPECT_FALSE(Parse({"tmpcopyup", "notmpcopyup"}).copy_up);
  EXPECT_TRUE(Parse({"copy-symlink"}).copy_symlink);
  EXPECT_THAT(ParseMountOptions({std::string("a\0b", 3)}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(MountOptions, PropagationNames) {
  EXPECT_EQ(ParsePropagation("rshared").value(), (Propagation{MS_SHARED, true}));
  EXPECT_EQ(ParsePropagation("unbindable").value(), (Propagation{MS_UNBINDABLE, false}));
  EXPECT_THAT(ParsePropagation("rro"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParsePropagation(""), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(MountOptions, MountFlags) {
  EXPECT_EQ(ToMountFlags(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV),
            MS_RDONLY | MS_NOSUID | MS_NODEV);
  EXPECT_EQ(ToMountFlags(MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME), MS_NOATIME | MS_NODIRATIME);
  EXPECT_EQ(ToMountFlags(MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_NOSYMFOLLOW),
            static_cast<unsigned long>(MS_STRICTATIME | MS_NOSYMFOLLOW));
}

}  // namespace
}  // namespace tiny::fs
