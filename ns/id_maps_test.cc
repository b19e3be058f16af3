#include "ns/id_maps.h"

#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::ns {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

TEST(IdMapsTest, FormatsALineForEachRange) {
  EXPECT_EQ(FormatIdMap(IdMap{{0, 100000, 65536}, {65536, 0, 1}}), "0 100000 65536\n65536 0 1\n");
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
