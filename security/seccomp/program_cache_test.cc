#include "security/seccomp/program_cache.h"

#include <linux/filter.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::security {
namespace {

using ::testing::SizeIs;

constexpr char kText[] = R"({"defaultAction": "SCMP_ACT_ALLOW"})";

KnownProgram Sample() {
  Program program = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, 7)};
  return {.program = std::move(program), .flags = 2};
}

bool IsSample(const std::optional<KnownProgram>& known) {
  const KnownProgram sample = Sample();
  return known.has_value() && known->flags == sample.flags &&
         known->program.size() == sample.program.size() &&
         std::memcmp(known->program.data(), sample.program.data(),
                     sample.program.size() * sizeof(sock_filter)) == 0;
}

class ProgramCacheTest : public ::testing::Test {
 protected:
  std::vector<std::string> Files() {
    return ListDirectory(directory_).value_or(std::vector<std::string>());
  }

  tiny::testing::TempDir temp_;
  const std::string directory_ = temp_.Path("cache");
};

TEST_F(ProgramCacheTest, WhatIsKeptIsFound) {
  EXPECT_FALSE(FindProgram(kText, directory_).has_value());
  KeepProgram(kText, Sample(), directory_);
  EXPECT_TRUE(IsSample(FindProgram(kText, directory_)));
  EXPECT_THAT(Files(), SizeIs(1));
}

TEST_F(ProgramCacheTest, EveryDifferenceIsADifferentFile) {
  const std::string text = kText;
  KeepProgram(text, Sample(), directory_);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] ^= 1;
    EXPECT_FALSE(FindProgram(other, directory_).has_value()) << i;
    KeepProgram(other, Sample(), directory_);
  }
  EXPECT_FALSE(FindProgram(text.substr(1), directory_).has_value());
  EXPECT_THAT(Files(), SizeIs(text.size() + 1));
}

TEST_F(ProgramCacheTest, ItDoesNotGrowWithoutEnd) {
  for (size_t i = 0; i <= kMostPrograms; ++i) {
    KeepProgram(absl::StrCat(kText, i), Sample(), directory_);
  }
  EXPECT_THAT(Files(), SizeIs(1));
  EXPECT_TRUE(IsSample(FindProgram(absl::StrCat(kText, kMostPrograms), directory_)));
}

TEST_F(ProgramCacheTest, WhatIsDamagedIsNotFound) {
  KeepProgram(kText, Sample(), directory_);
  const std::string path = absl::StrCat("cache/", Files()[0]);
  ASSERT_OK_AND_ASSIGN(const std::string good, ReadFile(temp_.Path(path)));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    temp_.Write(path, bad);
    ASSERT_FALSE(FindProgram(kText, directory_).has_value()) << "byte " << i;
  }
  for (size_t length = 0; length < good.size(); ++length) {
    temp_.Write(path, absl::string_view(good).substr(0, length));
    ASSERT_FALSE(FindProgram(kText, directory_).has_value()) << "length " << length;
  }
  KeepProgram(kText, Sample(), directory_);
  EXPECT_TRUE(IsSample(FindProgram(kText, directory_)));
}

TEST_F(ProgramCacheTest, AFolderThatCantBeWrittenIsNoError) {
  temp_.Write("file", "");
  KeepProgram(kText, Sample(), temp_.Path("file/cache"));
  EXPECT_FALSE(FindProgram(kText, temp_.Path("file/cache")).has_value());
}

}  // namespace
}  // namespace tiny::security
