#include "base/files.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/posix_status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

TEST(FilesTest, ReadsFilesWithoutASize) {
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile("/proc/self/stat"));
  EXPECT_THAT(text, HasSubstr("("));
}

TEST(FilesTest, ReadsRegularFilesOfAnySize) {
  TempDir dir;
  for (const size_t size : {0, 1, 4095, 4096, 4097, 8192, 100000}) {
    const std::string written(size, 'x');
    ASSERT_OK_AND_ASSIGN(const std::string text, ReadRegularFile(dir.Write("file", written)));
    EXPECT_EQ(text, written) << size;
  }
  EXPECT_THAT(ReadRegularFile(dir.Path("missing")), StatusIs(absl::StatusCode::kNotFound));
}

TEST(FilesTest, RefusesAFileOverTheLimit) {
  TempDir dir;
  EXPECT_THAT(ReadFile(dir.Write("big", std::string(100, 'x')), 99),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(ReadFile(dir.Path("big"), 100), testing::IsOk());
}

TEST(FilesTest, ReplacesWholeAndLeavesNoTemporary) {
  TempDir dir;
  dir.Write("state.json", "old");
  ASSERT_OK_AND_ASSIGN(const UniqueFd fd, OpenFile(dir.path(), O_RDONLY | O_DIRECTORY));
  ASSERT_OK(ReplaceFileAtomically(fd.get(), "state.json", "new", 0600));
  EXPECT_THAT(ListDirectory(dir.path()).value(), ElementsAre("state.json"));
  EXPECT_EQ(ReadFile(dir.Path("state.json")).value(), "new");
}

TEST(FilesTest, AFailedReplaceLeavesTheOldFileAlone) {
  TempDir dir;
  ASSERT_OK(MakeDirs(dir.Path("state.json"), 0755));  // rename(2) cannot replace a directory
  ASSERT_OK_AND_ASSIGN(const UniqueFd fd, OpenFile(dir.path(), O_RDONLY | O_DIRECTORY));
  EXPECT_EQ(GetErrno(ReplaceFileAtomically(fd.get(), "state.json", "new", 0600)), EISDIR);
  EXPECT_THAT(ListDirectory(dir.path()).value(), ElementsAre("state.json"));
}

TEST(FilesTest, RemoveTreeDoesNotFollowLinks) {
  TempDir dir;
  dir.Write("keep/file", "kept");
  dir.Write("tree/a/b", "x");
  ASSERT_EQ(symlink(dir.Path("keep").c_str(), dir.Path("tree/link").c_str()), 0);
  ASSERT_OK(RemoveTree(dir.Path("tree")));
  EXPECT_FALSE(PathExists(dir.Path("tree")));
  EXPECT_EQ(ReadFile(dir.Path("keep/file")).value(), "kept");
  EXPECT_OK(RemoveTree(dir.Path("tree")));
}

TEST(FilesTest, RemoveTreeTakesAnyDepth) {
  TempDir dir;
  ASSERT_OK(MakeDirs(dir.Path("tree/.deep-1/full"), 0755));
  dir.Write("tree/.deep-2", "in the way");
  ASSERT_OK_AND_ASSIGN(UniqueFd at, OpenFile(dir.Path("tree"), O_RDONLY | O_DIRECTORY));
  for (int level = 0; level < 5000; ++level) {
    ASSERT_EQ(mkdirat(at.get(), "d", 0755), 0);
    ASSERT_EQ(mkdirat(at.get(), "e", 0755), 0);
    ASSERT_OK_AND_ASSIGN(at, OpenFileAt(at.get(), "d", O_RDONLY | O_DIRECTORY));
  }
  at.Reset();
  rlimit files = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const rlimit few = {.rlim_cur = 200, .rlim_max = files.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const absl::Status removed = RemoveTree(dir.Path("tree"));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_OK(removed);
  EXPECT_FALSE(PathExists(dir.Path("tree")));
}

TEST(FilesTest, RemoveTreeStopsAtAMountPoint) {
  if (!testing::HavePrivilege()) GTEST_SKIP() << "needs root";
  testing::RunIsolated(CLONE_NEWNS, [] {
    TempDir dir;
    ASSERT_OK(MakeDirs(dir.Path("tree/mounted"), 0755));
    ASSERT_EQ(mount("tmpfs", dir.Path("tree/mounted").c_str(), "tmpfs", 0, nullptr), 0);
    dir.Write("tree/mounted/kept", "kept");
    EXPECT_EQ(GetErrno(RemoveTree(dir.Path("tree"))), EBUSY);
    EXPECT_EQ(ReadFile(dir.Path("tree/mounted/kept")).value(), "kept");
    ASSERT_EQ(umount(dir.Path("tree/mounted").c_str()), 0);
  });
}

TEST(FilesTest, MakeDirsRefusesAFileInTheWay) {
  TempDir dir;
  dir.Write("file", "");
  EXPECT_EQ(GetErrno(MakeDirs(dir.Path("file/below"), 0755)), ENOTDIR);
  EXPECT_EQ(GetErrno(MakeDirs(dir.Path("file"), 0755)), ENOTDIR);
  EXPECT_OK(MakeDirs(dir.Path("a/b/c"), 0755));
  EXPECT_OK(MakeDirs(dir.Path("a/b/c"), 0755));
}

}  // namespace
}  // namespace tiny
