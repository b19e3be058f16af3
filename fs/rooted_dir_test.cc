#include "fs/rooted_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::fs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

// A root beside a folder that nothing done in the root may reach.
class RootedDirTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(mkdir(dir_.Path("root").c_str(), 0755), 0);
    ASSERT_EQ(mkdir(dir_.Path("canary").c_str(), 0755), 0);
    dir_.Write("canary/secret", "canary");
    absl::StatusOr<RootedDir> root = RootedDir::Open(dir_.Path("root"));
    ASSERT_OK(root);
    root_ = std::make_unique<RootedDir>(*std::move(root));
  }
  void TearDown() override {
    EXPECT_THAT(ListDirectory(dir_.Path("canary")).value(), ElementsAre("secret"));
    EXPECT_EQ(tiny::ReadFile(dir_.Path("canary/secret")).value(), "canary");
  }
  std::string In(absl::string_view path) const { return dir_.Path(absl::StrCat("root/", path)); }
  void Link(const std::string& target, absl::string_view path) const {
    ASSERT_EQ(symlink(target.c_str(), In(path).c_str()), 0) << path;
  }

  TempDir dir_;
  std::unique_ptr<RootedDir> root_;
};

TEST_F(RootedDirTest, MakesReadsWritesRemoves) {
  ASSERT_OK(root_->MakeDirs("/a/b/c", 0700));
  ASSERT_OK(root_->MakeDirs("/a/b/c/", 0755));
  ASSERT_OK(root_->WriteFile("/a/b/c/file", "one", 0644));
  ASSERT_OK(root_->WriteFile("a/b/c/file", "two", 0644));
  EXPECT_EQ(root_->ReadFile("/a/b/c/file", 100).value(), "two");
  EXPECT_THAT(root_->ReadFile("/a/b/c/file", 2), StatusIs(absl::StatusCode::kOutOfRange));
  ASSERT_OK(root_->CreateFile("/x/y", 0600));
  ASSERT_OK(root_->CreateFile("/a/b/c/file", 0600));
  EXPECT_EQ(root_->ReadFile("/a/b/c/file", 100).value(), "two");
  ASSERT_OK(root_->Symlink("/link", "/a/b"));
  EXPECT_EQ(root_->ReadFile("/link/c/file", 100).value(), "two");
  ASSERT_OK(root_->Remove("/link"));
  ASSERT_OK(root_->Remove("/a"));
  ASSERT_OK(root_->Remove("/a/b/c"));
  EXPECT_THAT(ListDirectory(In("")).value(), ElementsAre("x"));
}

TEST_F(RootedDirTest, NothingLeadsOut) {
  const std::string canary = dir_.Path("canary");
  Link(canary, "absolute");
  Link("../canary", "relative");
  Link("../../../../../../../../" + canary, "far");
  Link("loop", "loop");
  Link("/proc/self/root" + canary, "magic");
  Link("/proc/1/cwd", "cwd");
  for (const char* name : {"absolute", "relative", "far", "loop", "magic", "cwd"}) {
    SCOPED_TRACE(name);
    const std::string secret = absl::StrCat("/", name, "/secret");
    EXPECT_FALSE(root_->ReadFile(secret, 100).ok());
    EXPECT_FALSE(root_->OpenIn(name, O_PATH | O_DIRECTORY).ok());
    EXPECT_FALSE(root_->WriteFile(secret, "changed", 0644).ok());
    EXPECT_FALSE(root_->MakeDirs(absl::StrCat(name, "/made"), 0755).ok());
    EXPECT_FALSE(root_->CreateFile(absl::StrCat(name, "/made"), 0644).ok());
    EXPECT_FALSE(root_->Symlink(absl::StrCat(name, "/made"), "x").ok());
    root_->Remove(secret).IgnoreError();
    // The link itself can be replaced, and removed.
    EXPECT_OK(root_->WriteFile(name, "mine", 0644));
    EXPECT_EQ(root_->ReadFile(name, 100).value(), "mine");
    EXPECT_OK(root_->Remove(name));
  }
  EXPECT_FALSE(root_->ReadFile("/../canary/secret", 100).ok());
  EXPECT_THAT(ListDirectory(In("")).value(), IsEmpty());
}

TEST_F(RootedDirTest, AbsoluteLinksAreTheRootsOwn) {
  ASSERT_OK(root_->MakeDirs("/real", 0755));
  Link("/real", "link");
  ASSERT_OK(root_->WriteFile("/link/file", "x", 0644));
  EXPECT_EQ(tiny::ReadFile(In("real/file")).value(), "x");
  ASSERT_OK(root_->MakeDirs("/link/deeper/dir", 0755));
  EXPECT_TRUE(PathExists(In("real/deeper/dir")));
}

TEST_F(RootedDirTest, OnlyRegularFilesAreRead) {
  ASSERT_EQ(mkfifo(In("fifo").c_str(), 0644), 0);
  EXPECT_THAT(root_->ReadFile("/fifo", 100), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(root_->ReadFile("/", 100), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(root_->ReadFile("/none", 100), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RootedDirTest, RemoveLeavesTheTargetsOfLinks) {
  Link(dir_.Path("canary"), "link");
  ASSERT_OK(root_->MakeDirs("/dir", 0755));
  Link(dir_.Path("canary"), "dir/link");
  EXPECT_OK(root_->Remove("/dir"));
  EXPECT_OK(root_->Remove("/link"));
}

TEST_F(RootedDirTest, NamesThatAreNone) {
  for (const char* path : {"/", "", ".", "/a/..", "/.", "a/."}) {
    EXPECT_THAT(root_->WriteFile(path, "", 0644), StatusIs(absl::StatusCode::kInvalidArgument))
        << path;
    EXPECT_THAT(root_->Remove(path), StatusIs(absl::StatusCode::kInvalidArgument)) << path;
  }
  EXPECT_THAT(root_->OpenIn(absl::string_view("a\0b", 3), O_PATH),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(root_->OpenIn("/a", O_CREAT | O_WRONLY),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(GetErrno(root_->MakeDirs("/" + std::string(300, 'a'), 0755)), ENAMETOOLONG);
}

}  // namespace
}  // namespace tiny::fs
