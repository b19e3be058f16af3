// The labels of security modules. tools/vm has a kernel with AppArmor.
#include <sys/mount.h>

#include <string>

#include "absl/cleanup/cleanup.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/launch/launch_test_fixture.h"
#include "security/lsm.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class LabelTest : public LaunchTest {
 protected:
  std::string ErrorOfRun() { return std::string(Run().status().message()); }
};

TEST_F(LabelTest, AnAppArmorProfileConfinesTheProgramOrIsRefused) {
  spec_.process->apparmor_profile = "tiny-test";
  if (!security::AppArmorActive()) {
    EXPECT_THAT(ErrorOfRun(), HasSubstr("tiny-test: this kernel has no AppArmor"));
    return;
  }
  dir_.Write("policy/file", "");
  const std::string folder = dir_.Path("policy");
  ASSERT_EQ(mount("securityfs", folder.c_str(), "securityfs", 0, nullptr), 0);
  const absl::Cleanup unmount = [&] { umount2(folder.c_str(), MNT_DETACH); };
  ASSERT_OK_AND_ASSIGN(const std::string profile, ReadFile("testdata/apparmor/tiny-test.bin"));
  ASSERT_OK(WriteControlFile(folder + "/apparmor/.load", profile));
  const absl::Cleanup unload = [&] {
    EXPECT_OK(WriteControlFile(folder + "/apparmor/.remove", "tiny-test"));
  };

  Shell("read label </proc/self/attr/current; echo $label; echo >/allowed && echo >/denied");
  ASSERT_OK_AND_ASSIGN(const auto result, Run());
  EXPECT_THAT(result.first, StartsWith("tiny-test (enforce)\n"));
  EXPECT_THAT(result.first, HasSubstr("/denied: Permission denied"));
  EXPECT_NE(result.second, 0);

  spec_.process->apparmor_profile = "tiny-missing";
  const auto missing = Run();
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.status().message(), HasSubstr("tiny-missing"));
}

}  // namespace
}  // namespace tiny::runtime
