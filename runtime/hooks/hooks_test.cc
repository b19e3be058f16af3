#include "runtime/hooks/hooks.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/files.h"
#include "base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

class HooksTest : public ::testing::Test {
 protected:
  oci::Hook Shell(const std::string& script) {
    return {.path = "/bin/sh", .args = {"sh", "-c", script, "sh", temp_.Path("out")}};
  }
  std::string Output() { return ReadFile(temp_.Path("out")).value_or("(none)"); }

  tiny::testing::TempDir temp_;
};

TEST_F(HooksTest, TheStateIsOnStandardInput) {
  const std::string state(100000, 's');
  EXPECT_OK(RunHooks("prestart", {Shell("cat > $1")}, state));
  EXPECT_EQ(Output(), state);
}

TEST_F(HooksTest, TheEnvironmentIsTheHooksOwn) {
  oci::Hook hook = Shell("echo \"$A-$HOME-$USER\" > $1");
  hook.env = {"A=b"};
  EXPECT_OK(RunHooks("prestart", {hook}, "{}"));
  EXPECT_EQ(Output(), "b--\n");
}

TEST_F(HooksTest, TheCallersDescriptorsAreNotTheHooks) {
  const UniqueFd inherited(fcntl(STDERR_FILENO, F_DUPFD, 9));
  ASSERT_TRUE(inherited);
  EXPECT_OK(RunHooks("prestart", {Shell("ls /proc/self/fd > $1")}, "{}"));
  EXPECT_EQ(Output(), "0\n1\n2\n3\n");  // 3 is the directory that ls reads
}

TEST_F(HooksTest, RunInTheirOrderUpToTheFirstFailure) {
  const absl::Status status =
      RunHooks("createRuntime",
               {Shell("echo 1 >> $1"), Shell("echo 2 >> $1; echo no bridge >&2; exit 3"),
                Shell("echo 3 >> $1")},
               "{}");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAborted, HasSubstr("code 3: no bridge")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("createRuntime hook /bin/sh"));
  EXPECT_EQ(Output(), "1\n2\n");
}

TEST_F(HooksTest, AllRunWhereFailuresMustNotMatter) {
  EXPECT_THAT(RunAllHooks("poststop", {Shell("echo 1 >> $1; exit 1"), Shell("echo 2 >> $1")}, "{}"),
              ElementsAre(HasSubstr("code 1")));
  EXPECT_EQ(Output(), "1\n2\n");
}

TEST_F(HooksTest, AHookOverItsTimeIsKilledWithItsChildren) {
  oci::Hook hook = Shell("sleep 1000 & sleep 1000");
  hook.timeout = 1;
  EXPECT_THAT(RunHooks("prestart", {hook}, "{}"),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("1 s")));
}

TEST_F(HooksTest, TheyAreInTheFolderWhereItIsThere) {
  temp_.Write("bundle/file", "");
  EXPECT_OK(RunHooks("prestart", {Shell("pwd > $1")}, "{}", temp_.Path("bundle")));
  EXPECT_EQ(Output(), temp_.Path("bundle") + "\n");
  EXPECT_THAT(RunAllHooks("poststop", {Shell("ls > $1")}, "{}", temp_.Path("bundle")),
              ElementsAre());
  EXPECT_EQ(Output(), "file\n");
  EXPECT_OK(RunHooks("prestart", {Shell("echo elsewhere > $1")}, "{}", temp_.Path("deleted")));
  EXPECT_EQ(Output(), "elsewhere\n");
}

TEST_F(HooksTest, AMissingProgramIsNamed) {
  EXPECT_THAT(RunHooks("prestart", {{.path = "/no/such/hook"}}, "{}"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/hook")));
}

}  // namespace
}  // namespace tiny::runtime
