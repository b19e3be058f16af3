// The labels of security modules. tools/vm has a kernel with AppArmor and, started in another way,
// with SELinux and the policy of testdata/selinux.
#include <sys/mount.h>
#include <sys/stat.h>

#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
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

constexpr char kProgramLabel[] = "tiny_u:tiny_r:tiny_test_t:s0:c1,c2";
constexpr char kFilesLabel[] = "tiny_u:object_r:tiny_files_t:s0:c1,c2";

class LabelTest : public LaunchTest {
 protected:
  std::string ErrorOfRun() { return std::string(Run().status().message()); }

  // What the shell writes, or why it could not run.
  std::string OutputOrError() {
    const auto result = Run();
    return result.ok() ? result->first : std::string(result.status().message());
  }

  // False, too, where SELinux has another policy.
  static bool HasTestPolicy() {
    return WriteControlFile("/sys/fs/selinux/context", kProgramLabel).ok();
  }
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

TEST_F(LabelTest, ASelinuxLabelConfinesTheProgramOrIsRefused) {
  spec_.process->selinux_label = kProgramLabel;
  if (!HasTestPolicy()) {
    EXPECT_THAT(ErrorOfRun(), HasSubstr(kProgramLabel));
    return;
  }
  spec_.process->no_new_privileges = true;
  Shell("read label </proc/self/attr/current; echo $label; busybox cat /proc/keys; echo >/denied");
  ASSERT_OK_AND_ASSIGN(const auto result, Run());
  EXPECT_THAT(result.first, StartsWith(absl::StrCat(kProgramLabel, "\n")));
  EXPECT_THAT(result.first, HasSubstr(absl::StrCat("_ses.", request_.id)));
  EXPECT_THAT(result.first, HasSubstr("/denied: Permission denied"));
  EXPECT_NE(result.second, 0);

  spec_.process->selinux_label = "tiny_u:tiny_r:tiny_missing_t:s0";
  EXPECT_THAT(ErrorOfRun(), HasSubstr("tiny_missing_t"));
}

TEST_F(LabelTest, AMountLabelIsThatOfNewFileSystemsOrIsRefused) {
  spec_.linux_.mount_label = kFilesLabel;
  spec_.mounts.push_back({"/dev", "tmpfs", "tmpfs", {"mode=755"}, {}, {}});
  spec_.mounts.push_back({"/dev/pts", "devpts", "devpts", {}, {}, {}});
  spec_.mounts.push_back({"/dev/mqueue", "mqueue", "mqueue", {}, {}, {}});
  spec_.mounts.push_back({"/bin/copy", "tmpfs", "tmpfs", {"tmpcopyup"}, {}, {}});
  spec_.mounts.push_back({"/sys", "sysfs", "sysfs", {}, {}, {}});
  spec_.linux_.masked_paths = {"/sys/firmware", "/proc/irq"};
  if (!HasTestPolicy()) {
    EXPECT_THAT(ErrorOfRun(), HasSubstr(kFilesLabel));
    return;
  }
  Shell(absl::StrCat("busybox awk '/context=\"", kFilesLabel,
                     "\"/ {print $5}' /proc/self/mountinfo"));
  EXPECT_EQ(OutputOrError(), "/dev\n/dev/pts\n/bin/copy\n/sys/firmware\n/proc/irq\n");

  spec_.process->selinux_label = kProgramLabel;
  Shell("echo >/dev/file && busybox touch /dev/mqueue/queue && echo allowed");
  EXPECT_EQ(OutputOrError(), "allowed\n");
  spec_.linux_.namespaces.push_back({"user", ""});
  spec_.linux_.uid_mappings = spec_.linux_.gid_mappings = {{0, 100000, 65536}};
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  EXPECT_EQ(OutputOrError(), "allowed\n");

  spec_.process->selinux_label = "tiny_u:tiny_r:tiny_test_t:s0:c1";
  EXPECT_THAT(OutputOrError(), HasSubstr("/dev/file: Permission denied"));

  spec_.linux_.mount_label = "tiny_u:object_r:tiny_missing_t:s0";
  EXPECT_THAT(ErrorOfRun(), HasSubstr("tiny_missing_t"));
}

}  // namespace
}  // namespace tiny::runtime
