#include "oci/cli/idmap_option.h"

#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;
using Range = std::tuple<uint32_t, uint32_t, uint32_t>;

Spec WithOption(const std::string& option) {
  Spec spec;
  spec.linux_.uid_mappings = {{0, 100000, 1000}, {1000, 5000, 10}};
  spec.linux_.gid_mappings = {{0, 200000, 1000}};
  Mount& mount = spec.mounts.emplace_back();
  mount.destination = "/data";
  mount.options = {"rbind", option, "ro"};
  return spec;
}

std::vector<Range> Ranges(const std::vector<IdMapping>& mappings) {
  std::vector<Range> ranges;
  for (const IdMapping& map : mappings) {
    ranges.emplace_back(map.container_id, map.host_id, map.size);
  }
  return ranges;
}

TEST(IdmapOptionTest, BecomesTheMappingsOfTheMount) {
  Spec spec = WithOption("idmap=uids=0-1000-10#20-30-5;gids=0-2000-10");
  ASSERT_OK(ApplyIdmapOptions(spec));
  const Mount& mount = spec.mounts[0];
  EXPECT_THAT(mount.options, ElementsAre("rbind", "idmap", "ro"));
  EXPECT_THAT(Ranges(mount.uid_mappings), ElementsAre(Range{0, 1000, 10}, Range{20, 30, 5}));
  EXPECT_THAT(Ranges(mount.gid_mappings), ElementsAre(Range{0, 2000, 10}));
}

TEST(IdmapOptionTest, ARangeMayBeOfTheContainersIds) {
  Spec spec = WithOption("ridmap=uids=@0-1002-3;gids=@7-5-1");
  ASSERT_OK(ApplyIdmapOptions(spec));
  EXPECT_THAT(spec.mounts[0].options, ElementsAre("rbind", "ridmap", "ro"));
  EXPECT_THAT(Ranges(spec.mounts[0].uid_mappings), ElementsAre(Range{0, 5002, 3}));
  EXPECT_THAT(Ranges(spec.mounts[0].gid_mappings), ElementsAre(Range{7, 200005, 1}));
}

TEST(IdmapOptionTest, WithoutAValueItIsTheContainers) {
  Spec spec = WithOption("idmap");
  ASSERT_OK(ApplyIdmapOptions(spec));
  EXPECT_THAT(spec.mounts[0].options, ElementsAre("rbind", "idmap", "ro"));
  EXPECT_TRUE(spec.mounts[0].uid_mappings.empty());
}

TEST(IdmapOptionTest, WhatIsMalformedIsRefusedByName) {
  for (const char* option :
       {"idmap=", "idmap=uids=0-0-1", "idmap=gids=0-0-1", "idmap=uids=0-0-0;gids=0-0-1",
        "idmap=uids=0-0;gids=0-0-1", "idmap=uids=0-x-1;gids=0-0-1", "idmap=pids=0-0-1",
        "idmap=uids=4294967295-0-1;gids=0-0-1", "idmap=uids=0-0-1;gids=@0-995-10",
        "idmap=uids=0--1-1;gids=0-0-1", "idmap=uids=@0-5000-1;gids=0-0-1"}) {
    Spec spec = WithOption(option);
    EXPECT_THAT(ApplyIdmapOptions(spec),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("/data: idmap=")))
        << option;
  }
  Spec twice = WithOption("idmap=uids=0-0-1;gids=0-0-1");
  twice.mounts[0].uid_mappings = {{0, 1, 1}};
  EXPECT_THAT(ApplyIdmapOptions(twice),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("/data: idmap=")));
}

}  // namespace
}  // namespace tiny::oci
