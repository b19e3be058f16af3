#include "ns/id_maps.h"

#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::ns {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

TEST(IdMapsTest, ParsesWhatTheKernelPrints) {
  ASSERT_OK_AND_ASSIGN(const IdMap map,
                       ParseIdMap("         0     100000      65536\n 65536 0 1\n"));
  EXPECT_EQ(map, (IdMap{{0, 100000, 65536}, {65536, 0, 1}}));
  EXPECT_EQ(FormatIdMap(map), "0 100000 65536\n65536 0 1\n");
}

TEST(IdMapsTest, RefusesDamagedLines) {
  for (const char* text : {"0 1", "0 1 2 3", "a 1 2", "0 1 4294967296", "0 -1 2"}) {
    EXPECT_THAT(ParseIdMap(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bad id mapping")))
        << text;
  }
}

TEST(IdMapsTest, ValidatesRanges) {
  EXPECT_OK(ValidateIdMap(IdMap{{0, 1000, 1}, {1, 100000, 65536}}));
  EXPECT_OK(ValidateIdMap(IdMap{{0, 0, 4294967295u}}));
  const struct {
    IdMap map;
    const char* message;
  } kBad[] = {
      {{}, "no id mapping"},
      {{{0, 0, 0}}, "size 0"},
      {{{1, 0, 4294967295u}}, "runs over the last id"},
      {{{0, 0, 10}, {5, 100, 10}}, "overlap inside"},
      {{{0, 0, 10}, {100, 9, 10}}, "overlap outside"},
      {IdMap(kMaxIdRanges + 1, IdRange{0, 0, 1}), "more than"},
  };
  for (const auto& bad : kBad) {
    EXPECT_THAT(ValidateIdMap(bad.map),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad.message)));
  }
}

}  // namespace
}  // namespace tiny::ns
