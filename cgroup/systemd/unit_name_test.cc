#include "cgroup/systemd/unit_name.h"

#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::systemd {
namespace {

using testing::StatusIs;

std::string UnitOf(absl::string_view path) {
  const absl::StatusOr<UnitName> name = UnitOfCgroupsPath(path, "c1", "system.slice");
  return name.ok() ? name->slice + " " + name->unit : std::string(name.status().message());
}

TEST(UnitOfCgroupsPathTest, SlicePrefixAndName) {
  EXPECT_EQ(UnitOf("machine.slice:libpod:0123"), "machine.slice libpod-0123.scope");
  EXPECT_EQ(UnitOf("user-1000.slice:a:b"), "user-1000.slice a-b.scope");
  EXPECT_EQ(UnitOf(":docker:"), "system.slice docker-c1.scope");
  EXPECT_EQ(UnitOf("-:a:b"), "-.slice a-b.scope");
  EXPECT_EQ(UnitOf("::only"), "system.slice only.scope");
  EXPECT_EQ(UnitOf(""), "system.slice tiny-c1.scope");
}

TEST(UnitOfCgroupsPathTest, OtherFormsAreRefused) {
  for (const char* path : {"/a/b", "a.slice:b", "a.slice:b:c:d", "user.slice/x.slice:a:b", "a:b:c",
                           "--a.slice:b:c", "a-.slice:b:c", "a.slice:b:c/d", "a.slice:b:c.slice"}) {
    EXPECT_THAT(UnitOfCgroupsPath(path, "c1", "system.slice").status(),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << path;
  }
}

}  // namespace
}  // namespace tiny::systemd
