#include "oci/cli/rootless.h"

#include <cerrno>

#include "base/posix_status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::oci {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

Resources WithMemory(int64_t limit) {
  Resources resources;
  resources.memory.emplace().limit = limit;
  return resources;
}

TEST(FirstLimitTest, WhatIsNoLimitIsNone) {
  Resources resources = WithMemory(-1);
  resources.memory->swap = -1;
  resources.memory->disable_oom_killer = false;
  resources.cpu.emplace().quota = -1;
  resources.pids_limit = -1;
  resources.block_io.emplace();
  resources.network.emplace();
  resources.devices = {{.allow = false, .access = "rwm"}};
  EXPECT_EQ(FirstLimit(resources), "");
}

TEST(FirstLimitTest, NamesTheFieldOfTheConfiguration) {
  EXPECT_EQ(FirstLimit(WithMemory(1 << 20)), "memory.limit");
  Resources resources;
  resources.cpu.emplace().cpus = "0";
  EXPECT_EQ(FirstLimit(resources), "cpu.cpus");
  resources = {};
  resources.pids_limit = 5;
  EXPECT_EQ(FirstLimit(resources), "pids.limit");
  resources = {};
  resources.block_io.emplace().weight = 100;
  EXPECT_EQ(FirstLimit(resources), "blockIO");
  resources = {};
  resources.unified = {{"memory.high", "1"}};
  EXPECT_EQ(FirstLimit(resources), "unified");
}

TEST(GoWithoutCgroupTest, OnlyWithoutLimitsAndOnlyWhoIsRootless) {
  const absl::Status refused = PosixStatus(EACCES, "make cgroup /x");
  const security::Caller user(1000, "/proc/self");
  security::Caller root(0, "/proc/self");
  root.KnowAsMachineRoot();
  Globals globals;
  EXPECT_OK(GoWithoutCgroup(globals, user, {}, refused));
  EXPECT_EQ(GoWithoutCgroup(globals, root, {}, refused), refused);
  const absl::Status limited = GoWithoutCgroup(globals, user, WithMemory(1 << 20), refused);
  EXPECT_THAT(limited, StatusIs(absl::StatusCode::kPermissionDenied,
                                HasSubstr("linux.resources.memory.limit needs a cgroup: make")));
  EXPECT_THAT(GetHint(limited), HasSubstr("--systemd-cgroup"));
  globals.rootless = "true";
  EXPECT_OK(GoWithoutCgroup(globals, root, {}, refused));
  globals.rootless = "false";
  EXPECT_EQ(GoWithoutCgroup(globals, user, {}, refused), refused);
}

TEST(RootlessFlagTest, IsAYesANoOrNeither) {
  Globals globals;
  for (const char* value : {"auto", "true", "false"}) {
    globals.rootless = value;
    EXPECT_OK(CheckRootlessFlag(globals));
  }
  globals.rootless = "maybe";
  EXPECT_THAT(CheckRootlessFlag(globals), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tiny::oci
