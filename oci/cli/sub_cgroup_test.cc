#include "oci/cli/sub_cgroup.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::oci {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using ::tiny::testing::StatusIs;

constexpr absl::string_view kUnified = "31 25 0:26 / /u rw - cgroup2 cgroup2 rw\n";
constexpr absl::string_view kHybrid =
    "32 31 0:29 / /cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /memory rw - cgroup cgroup rw,memory\n"
    "36 31 0:33 / /pids rw - cgroup cgroup rw,pids\n"
    "41 31 0:38 / /u rw - cgroup2 cgroup2 rw\n";

class SubCgroupTest : public ::testing::Test {
 protected:
  SubCgroupTest() {
    dir_.Write("u/cgroup.controllers", "");
    for (const char* tree : {"u", "cpu", "memory"}) {
      for (const char* cgroup : {"/c/tasks", "/c/sub/tasks"})
        dir_.Write(absl::StrCat(tree, cgroup), "");
    }
    dir_.Write("memory/c/only/deep/tasks", "");
  }

  absl::StatusOr<SubCgroup> Find(const std::vector<std::string>& arguments,
                                 absl::string_view mounts = kHybrid,
                                 const std::string& container = "/c") {
    ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy,
                     cgroup::Hierarchy::FromMountInfo(mounts, dir_.path()));
    return FindSubCgroup(hierarchy, container, arguments);
  }

  void ExpectInvalid(const std::vector<std::string>& arguments, const char* message,
                     absl::string_view mounts = kHybrid) {
    EXPECT_THAT(Find(arguments, mounts),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }

  std::vector<std::string> Paths(const std::vector<UniqueFd>& files) {
    std::vector<std::string> paths;
    for (const UniqueFd& file : files) {
      char target[4096];
      const ssize_t size =
          readlink(absl::StrCat("/proc/self/fd/", file.get()).c_str(), target, sizeof(target));
      paths.emplace_back(target, size > 0 ? static_cast<size_t>(size) : 0);
    }
    return paths;
  }

  tiny::testing::TempDir dir_;
};

TEST_F(SubCgroupTest, OfAllTreesThatTheContainerIsIn) {
  for (const absl::string_view mounts : {kHybrid, kUnified}) {
    for (const char* argument : {"sub", "/sub", "./sub/"}) {
      ASSERT_OK_AND_ASSIGN(const SubCgroup found, Find({argument}, mounts));
      EXPECT_EQ(found.path, "/c/sub");
      EXPECT_THAT(found.tasks, IsEmpty());
    }
    ASSERT_OK_AND_ASSIGN(const SubCgroup own, Find({"/"}, mounts));
    EXPECT_EQ(own.path, "/c");
  }
}

TEST_F(SubCgroupTest, OfTheControllersNamed) {
  ASSERT_OK_AND_ASSIGN(const SubCgroup found, Find({"memory:/only/deep", "cpu,cpuacct:sub"}));
  EXPECT_EQ(found.path, "/c");
  EXPECT_THAT(Paths(found.tasks), UnorderedElementsAre(dir_.Path("memory/c/only/deep/tasks"),
                                                       dir_.Path("cpu/c/sub/tasks")));
}

TEST_F(SubCgroupTest, OneThatIsMissingIsNamedWithItsTree) {
  EXPECT_THAT(Find({"only/deep"}), StatusIs(absl::StatusCode::kNotFound,
                                            HasSubstr("no cgroup only/deep in " + dir_.Path("u"))));
  EXPECT_THAT(Find({"cpu:only"}), StatusIs(absl::StatusCode::kNotFound,
                                           HasSubstr("no cgroup only in " + dir_.Path("cpu"))));
  EXPECT_THAT(Find({"pids:/"}), StatusIs(absl::StatusCode::kNotFound,
                                         HasSubstr("has no cgroup in " + dir_.Path("pids"))));
  EXPECT_THAT(Find({"/"}, kHybrid, ""),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has no cgroup")));
}

TEST_F(SubCgroupTest, WhatIsWrongIsSaid) {
  ExpectInvalid({"../d"}, "not a sub cgroup path");
  ExpectInvalid({"memory:sub/../../d"}, "not a sub cgroup path");
  ExpectInvalid({"whaaat:/"}, "unknown controller \"whaaat\"");
  ExpectInvalid({":sub"}, "unknown controller \"\"");
  ExpectInvalid({"sub", "memory:sub"}, "sub is for all controllers");
  ExpectInvalid({"memory:sub", "sub"}, "sub is for all controllers");
  ExpectInvalid({"cpu:sub", "cpuacct:/"}, "several paths for cpuacct");
  ExpectInvalid({"memory:sub"}, "version 2 has one tree", kUnified);
}

}  // namespace
}  // namespace tiny::oci
