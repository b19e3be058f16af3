#include "security/caller.h"

#include <sys/stat.h>

#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::security {
namespace {

class CallerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(mkdir(process_.Path("ns").c_str(), 0755), 0);
    process_.Write("ns/user", "");  // a file, which has not the number of the machine's namespace
  }

  testing::TempDir process_;
};

TEST_F(CallerTest, RootOfAnotherNamespaceIsNotTheMachines) {
  const Caller caller(0, process_.path());
  EXPECT_FALSE(caller.IsUser());
  EXPECT_TRUE(caller.InUserNamespace());
  EXPECT_FALSE(caller.IsMachineRoot());
}

TEST(CallerOfOldKernelTest, WithoutUserNamespacesRootIsTheMachines) {
  const testing::TempDir empty;
  EXPECT_TRUE(Caller(0, empty.path()).IsMachineRoot());
  EXPECT_TRUE(Caller(0, empty.path()).MaySetGroups());
  EXPECT_TRUE(Caller(0, empty.path()).HasGid(5));
  EXPECT_FALSE(Caller(1000, empty.path()).IsMachineRoot());
  EXPECT_TRUE(Caller(1000, empty.path()).IsUser());
}

TEST_F(CallerTest, WhatIsKnownIsNotLookedAt) {
  Caller caller(0, process_.path());
  caller.KnowAsMachineRoot();
  EXPECT_TRUE(caller.IsMachineRoot());
}

TEST_F(CallerTest, GroupsAreThoseOfTheNamespace) {
  process_.Write("gid_map", "         0       1000          1\n         1     100000        100\n");
  process_.Write("setgroups", "deny\n");
  const Caller caller(0, process_.path());
  EXPECT_FALSE(caller.MaySetGroups());
  EXPECT_TRUE(caller.HasGid(0));
  EXPECT_TRUE(caller.HasGid(100));
  EXPECT_FALSE(caller.HasGid(101));
}

TEST(AllowsSetGroupsTest, OnlyDenyForbids) {
  EXPECT_TRUE(AllowsSetGroups("allow\n"));
  EXPECT_FALSE(AllowsSetGroups("deny\n"));
}

}  // namespace
}  // namespace tiny::security
