#include "fs/clean_path.h"

#include "testing/status_matchers.h"

namespace tiny::fs {
namespace {

using ::tiny::testing::StatusIs;

TEST(CleanPath, MakesPathsPlain) {
  const struct {
    const char* path;
    const char* clean;
  } kCases[] = {
      {"/", "/"},     {"/a", "/a"}, {"a//b/./c/../d/", "/a/b/d"}, {"/../../x", "/x"},
      {"/a/..", "/"}, {"..", "/"},  {"/a/b/../../..", "/"},       {"/..a/...", "/..a/..."},
  };
  for (const auto& test : kCases) EXPECT_EQ(CleanPath(test.path).value(), test.clean) << test.path;
}

TEST(CleanPath, RefusesWhatIsNoPath) {
  EXPECT_THAT(CleanPath(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CleanPath(absl::string_view("/a\0b", 4)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CleanPath(std::string(5000, 'a')), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(CleanPath, Beneath) {
  EXPECT_TRUE(IsBeneath("/proc/sys", "/proc"));
  EXPECT_TRUE(IsBeneath("/proc", "/"));
  EXPECT_FALSE(IsBeneath("/proc", "/proc"));
  EXPECT_FALSE(IsBeneath("/process", "/proc"));
  EXPECT_FALSE(IsBeneath("/", "/"));
}

}  // namespace
}  // namespace tiny::fs
