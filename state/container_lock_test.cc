#include "state/container_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::state {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

TEST(FindLockHolderTest, FindsTheHolderAndNotWhoWaits) {
  struct stat file = {};
  file.st_dev = makedev(0xfe, 0x01);
  file.st_ino = 524291;
  const std::string locks =
      "1: POSIX  ADVISORY  WRITE 11 fe:01:524291 0 EOF\n"
      "2: FLOCK  ADVISORY  WRITE 12 fe:01:5242910 0 EOF\n"
      "3: FLOCK  ADVISORY  WRITE 13 fe:01:524291 0 EOF\n"
      "3: -> FLOCK  ADVISORY  WRITE 14 fe:01:524291 0 EOF\n";
  EXPECT_EQ(FindLockHolder(locks, file), 13);
  EXPECT_EQ(FindLockHolder("", file), 0);
  EXPECT_EQ(FindLockHolder("3: FLOCK ADVISORY WRITE x fe:01:524291 0 EOF\nnonsense\n", file), 0);
}

TEST(LockFileTest, TimesOutNamingTheHolderAndIsFreedByItsDeath) {
  const TempDir dir;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const int fd = open(dir.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (flock(fd, LOCK_EX) == 0 && write(ready[1], "x", 1) == 1) pause();
    _exit(1);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_OK_AND_ASSIGN(const UniqueFd fd, OpenFile(dir.path(), O_RDONLY));
  const absl::Status status = LockFile(fd.get(), "container x", absl::Milliseconds(20));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded,
                               HasSubstr(absl::StrCat("locked by process ", child))));
  EXPECT_THAT(GetHint(status), HasSubstr("end it"));
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_OK(LockFile(fd.get(), "container x", absl::ZeroDuration()));
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace tiny::state
