#include "security/seccomp/program_cache.h"

#include <linux/seccomp.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::security {
namespace {

using ::testing::SizeIs;

Policy SamplePolicy() {
  Policy policy;
  policy.default_action = SECCOMP_RET_ERRNO | EPERM;
  policy.rules.push_back({{"read", "write"}, SECCOMP_RET_ALLOW, {}});
  policy.rules.push_back({{"socket"}, SECCOMP_RET_ALLOW, {{0, Comparison::kNotEqual, 40, 0}}});
  return policy;
}

bool Same(const Program& a, const Program& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(a[0])) == 0;
}

class ProgramCacheTest : public ::testing::Test {
 protected:
  std::vector<std::string> Files() {
    const auto files = ListDirectory(directory_);
    return files.ok() ? *files : std::vector<std::string>{};
  }

  tiny::testing::TempDir temp_;
  const std::string directory_ = temp_.Path("cache");
};

TEST_F(ProgramCacheTest, SecondUseReadsWhatTheFirstWrote) {
  ASSERT_OK_AND_ASSIGN(const Program compiled, CompilePolicy(SamplePolicy()));
  ASSERT_OK_AND_ASSIGN(const Program first, CompilePolicyCached(SamplePolicy(), directory_));
  EXPECT_TRUE(Same(first, compiled));
  ASSERT_THAT(Files(), SizeIs(1));

  const std::string path = absl::StrCat(directory_, "/", Files()[0]);
  ASSERT_OK_AND_ASSIGN(const std::string content, ReadFile(path));
  ASSERT_OK_AND_ASSIGN(const Program second, CompilePolicyCached(SamplePolicy(), directory_));
  EXPECT_TRUE(Same(second, compiled));
  ASSERT_OK_AND_ASSIGN(const std::string unchanged, ReadFile(path));
  EXPECT_EQ(content, unchanged);
}

TEST_F(ProgramCacheTest, EveryDifferenceIsADifferentFile) {
  std::vector<Policy> policies(7, SamplePolicy());
  policies[1].default_action = SECCOMP_RET_ERRNO | ENOSYS;
  policies[2].rules[0].syscalls.push_back("open");
  policies[3].rules[1].arguments[0].value = 41;
  policies[4].rules[1].arguments[0].op = Comparison::kEqual;
  policies[5].newer_is_enosys = true;
  policies[6].rules[0].action = SECCOMP_RET_LOG;
  for (const Policy& policy : policies) {
    ASSERT_OK_AND_ASSIGN(const Program compiled, CompilePolicy(policy));
    for (int use = 0; use < 2; ++use) {
      ASSERT_OK_AND_ASSIGN(const Program cached, CompilePolicyCached(policy, directory_));
      EXPECT_TRUE(Same(cached, compiled));
    }
  }
  EXPECT_THAT(Files(), SizeIs(7));
}

TEST_F(ProgramCacheTest, DamageIsNoticedAndMended) {
  ASSERT_OK_AND_ASSIGN(const Program compiled, CompilePolicyCached(SamplePolicy(), directory_));
  const std::string path = absl::StrCat("cache/", Files()[0]);
  ASSERT_OK_AND_ASSIGN(const std::string good, ReadFile(temp_.Path(path)));
  for (size_t i = 0; i < good.size(); i += 7) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    temp_.Write(path, bad);
    ASSERT_OK_AND_ASSIGN(const Program again, CompilePolicyCached(SamplePolicy(), directory_));
    ASSERT_TRUE(Same(again, compiled)) << "byte " << i;
    ASSERT_OK_AND_ASSIGN(const std::string mended, ReadFile(temp_.Path(path)));
    ASSERT_EQ(mended, good);
  }
  for (size_t length = 0; length < good.size(); length += 13) {
    temp_.Write(path, absl::string_view(good).substr(0, length));
    ASSERT_OK_AND_ASSIGN(const Program again, CompilePolicyCached(SamplePolicy(), directory_));
    ASSERT_TRUE(Same(again, compiled)) << "length " << length;
  }
}

TEST_F(ProgramCacheTest, AFolderThatCantBeWrittenIsNoError) {
  temp_.Write("file", "");
  EXPECT_OK(CompilePolicyCached(SamplePolicy(), temp_.Path("file/cache")));
}

}  // namespace
}  // namespace tiny::security
