#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "runtime/files/container_files.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

// A container's root with some files, a folder of the host, and a canary out of the root's reach.
class ContainerCopy : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"root", "root/etc", "root/dir", "root/dir/sub", "host", "canary"}) {
      ASSERT_EQ(mkdir(dir_.Path(name).c_str(), 0755), 0);
    }
    dir_.Write("canary/secret", "canary");
    dir_.Write("root/etc/file", "in", 0640);
    dir_.Write("root/dir/sub/deep", "deep");
    dir_.Write("host/file", "out");
    absl::StatusOr<fs::RootedDir> root = fs::RootedDir::Open(dir_.Path("root"));
    ASSERT_OK(root);
    root_ = std::make_unique<fs::RootedDir>(*std::move(root));
    in_.container_uid = getuid();
    in_.container_gid = getgid();
  }
  void TearDown() override {
    EXPECT_THAT(ListDirectory(dir_.Path("canary")).value(), ElementsAre("secret"));
    EXPECT_EQ(ReadFile(dir_.Path("canary/secret")).value(), "canary");
  }

  absl::Status Out(absl::string_view source, const std::string& host) {
    return CopyOut(*root_, source, dir_.Path(absl::StrCat("host/", host)), {});
  }
  absl::Status In(const std::string& host, absl::string_view destination) {
    return CopyIn(dir_.Path(absl::StrCat("host/", host)), *root_, destination, in_);
  }
  std::string Host(const std::string& name) { return ReadFile(dir_.Path("host/" + name)).value(); }
  std::string Root(const std::string& name) { return ReadFile(dir_.Path("root/" + name)).value(); }

  TempDir dir_;
  std::unique_ptr<fs::RootedDir> root_;
  CopyOptions in_;
};

TEST_F(ContainerCopy, FilesGoOntoFilesIntoDirectoriesAndToNewNames) {
  ASSERT_OK(Out("/etc/file", "new"));
  EXPECT_EQ(Host("new"), "in");
  ASSERT_OK(Out("etc/file", ""));  // a name of its own in an existing directory
  EXPECT_EQ(Host("file"), "in");
  ASSERT_OK(In("file", "/dir"));
  EXPECT_EQ(Root("dir/file"), "in");
  dir_.Write("host/file", "again");
  ASSERT_OK(In("file", "/dir/file"));
  EXPECT_EQ(Root("dir/file"), "again");
  struct stat file = {};
  ASSERT_EQ(stat(dir_.Path("host/new").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0640);
}

TEST_F(ContainerCopy, DirectoriesNestOrMerge) {
  ASSERT_OK(Out("/dir", "made"));  // becomes what is not there
  EXPECT_EQ(Host("made/sub/deep"), "deep");
  ASSERT_OK(Out("/dir", "made"));  // goes into what is
  EXPECT_EQ(Host("made/dir/sub/deep"), "deep");
  ASSERT_OK(Out("/dir/.", "made"));  // only its contents
  EXPECT_THAT(ListDirectory(dir_.Path("host/made")).value(), ElementsAre("dir", "sub"));
  ASSERT_OK(In("made/.", "/etc"));
  EXPECT_EQ(Root("etc/sub/deep"), "deep");
  EXPECT_EQ(Root("etc/file"), "in");
  ASSERT_OK(In("made", "/etc/new"));
  EXPECT_EQ(Root("etc/new/dir/sub/deep"), "deep");
}

TEST_F(ContainerCopy, TheRootItself) {
  ASSERT_OK(Out("/", "all"));
  EXPECT_EQ(Host("all/etc/file"), "in");
  ASSERT_OK(In("file", "/"));
  EXPECT_EQ(Root("file"), "out");
}

TEST_F(ContainerCopy, WhatCanNotBe) {
  EXPECT_THAT(Out("/none", "x"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Out("/etc/file", "none/x"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Out("/etc/file", "none/"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Out("/dir", "file"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(In("none", "/dir"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(In("file", "/none/x"), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_EQ(mkdir(dir_.Path("host/dir").c_str(), 0755), 0);
  EXPECT_THAT(In("dir", "/etc/file"), StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_EQ(mkdir(dir_.Path("root/dir/file").c_str(), 0755), 0);
  EXPECT_THAT(In("file", "/dir"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ContainerCopy, LinksAreCopiedOrFollowedWithinTheRoot) {
  ASSERT_EQ(symlink("/etc/file", dir_.Path("root/link").c_str()), 0);
  ASSERT_OK(Out("/link", "link"));
  char target[64] = {};
  ASSERT_GT(readlink(dir_.Path("host/link").c_str(), target, sizeof(target)), 0);
  EXPECT_STREQ(target, "/etc/file");
  ASSERT_OK(CopyOut(*root_, "/link", dir_.Path("host/followed"), {.follow_link = true}));
  EXPECT_EQ(Host("followed"), "in");
  // A destination that is a link stands for where it leads.
  ASSERT_OK(In("file", "/link"));
  EXPECT_EQ(Root("etc/file"), "out");
  ASSERT_EQ(symlink("dir/sub", dir_.Path("root/relative").c_str()), 0);
  ASSERT_OK(In("file", "/relative/"));
  EXPECT_EQ(Root("dir/sub/file"), "out");
  ASSERT_EQ(symlink("sub/later", dir_.Path("root/dir/dangling").c_str()), 0);
  ASSERT_OK(In("file", "/dir/dangling"));
  EXPECT_EQ(Root("dir/sub/later"), "out");
}

TEST_F(ContainerCopy, B01_LinksLeadNowhereElse) {
  const std::string canary = dir_.Path("canary");
  const std::string links[] = {canary,
                               canary + "/secret",
                               "../canary",
                               "../../../.." + canary,
                               "../canary/secret",
                               "/proc/self/root" + canary,
                               "loop"};
  for (const std::string& link : links) {
    SCOPED_TRACE(link);
    const std::string place = dir_.Path("root/loop");
    unlink(place.c_str());
    ASSERT_EQ(symlink(link.c_str(), place.c_str()), 0);
    for (const char* source : {"/loop/secret", "/loop/.", "/loop/", "/loop/../canary/secret"}) {
      EXPECT_FALSE(Out(source, "stolen").ok()) << source;
      EXPECT_FALSE(PathExists(dir_.Path("host/stolen")));
    }
    EXPECT_FALSE(CopyOut(*root_, "/loop", dir_.Path("host/stolen"), {.follow_link = true}).ok());
    In("file", "/loop").IgnoreError();
    In("file", "/loop/planted").IgnoreError();
    In("file", "/loop/secret").IgnoreError();
  }
  // A tree with such links is copied with the links as they are.
  ASSERT_EQ(symlink(canary.c_str(), dir_.Path("root/dir/away").c_str()), 0);
  ASSERT_OK(Out("/dir", "tree"));
  struct stat file = {};
  ASSERT_EQ(lstat(dir_.Path("host/tree/away").c_str(), &file), 0);
  EXPECT_TRUE(S_ISLNK(file.st_mode));
  // Nor do links that are in the way at the destination lead a tree away.
  ASSERT_EQ(symlink(canary.c_str(), dir_.Path("root/etc/tree").c_str()), 0);
  EXPECT_FALSE(In("tree", "/etc").ok());
}

struct stat StatOf(const std::string& path) {
  struct stat file = {};
  EXPECT_EQ(lstat(path.c_str(), &file), 0) << path;
  return file;
}

TEST_F(ContainerCopy, SetUserIdBitsStayWithTheirOwnerAndGoIn) {
  const std::string made = dir_.Path("root/etc/file");
  ASSERT_EQ(chmod(made.c_str(), 06755), 0);
  ASSERT_OK(Out("/etc/file", "own"));
  EXPECT_EQ(StatOf(dir_.Path("host/own")).st_mode & 07777, 06755);
  ASSERT_OK(In("own", "/dir"));
  EXPECT_EQ(StatOf(dir_.Path("root/dir/own")).st_mode & 07777, 06755);
}

TEST_F(ContainerCopy, FifosAreCopiedAsTheyAre) {
  ASSERT_EQ(mkfifo(dir_.Path("root/dir/fifo").c_str(), 0600), 0);
  ASSERT_OK(Out("/dir", "tree"));
  EXPECT_EQ(StatOf(dir_.Path("host/tree/fifo")).st_mode, S_IFIFO | 0600u);
  dir_.Write("root/dir/taken", "x");
  ASSERT_OK(In("tree/fifo", "/dir/taken"));
  EXPECT_EQ(StatOf(dir_.Path("root/dir/taken")).st_mode, S_IFIFO | 0600u);
}

TEST_F(ContainerCopy, ASocketIsLeftOutOfADirectoryAndRefusedAlone) {
  ASSERT_EQ(mknod(dir_.Path("root/dir/socket").c_str(), S_IFSOCK | 0600, 0), 0);
  ASSERT_OK(Out("/dir", "tree"));
  EXPECT_THAT(ListDirectory(dir_.Path("host/tree")).value(), ElementsAre("sub"));
  EXPECT_THAT(Out("/dir/socket", "x"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace tiny::runtime
