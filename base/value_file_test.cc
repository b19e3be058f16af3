#include "base/value_file.h"

#include <string>

#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny {
namespace {

using testing::StatusIs;
using testing::TempDir;

TEST(ValueFileTest, ReadsAValueOfTheKernel) {
  ASSERT_OK_AND_ASSIGN(const std::string id, ReadValue("/proc/sys/kernel/random/boot_id"));
  EXPECT_EQ(id.size(), 37U);
}

TEST(ValueFileTest, RefusesWhatDoesNotFit) {
  TempDir dir;
  dir.Write("short", std::string(4095, 'x'));
  dir.Write("long", std::string(4096, 'x'));
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadValue(dir.Path("short")));
  EXPECT_EQ(text.size(), 4095U);
  EXPECT_THAT(ReadValue(dir.Path("long")), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(ReadValue(dir.Path("none")), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace tiny
