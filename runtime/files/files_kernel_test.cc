// Copies out of containers that run, and changes of overlays.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/process.h"
#include "fs/overlay.h"
#include "runtime/files/container_files.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;
using ::tiny::testing::TempDir;

TEST(OverlayFiles, Diff) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir dir;
  for (const char* name :
       {"lower", "lower/etc", "lower/gone", "lower/opaque", "lower/kept", "upper", "work"}) {
    ASSERT_EQ(mkdir(dir.Path(name).c_str(), 0755), 0);
  }
  for (const char* name : {"lower/etc/changed", "lower/etc/same", "lower/gone/file",
                           "lower/opaque/old", "lower/opaque/renewed", "lower/deleted"}) {
    dir.Write(name, "1");
  }
  const std::vector<std::string> lowers = {dir.Path("lower")};
  {
    ASSERT_OK_AND_ASSIGN(UniqueFd mount, fs::MountOverlayDetached({.lower_dirs = lowers,
                                                                   .upper_dir = dir.Path("upper"),
                                                                   .work_dir = dir.Path("work")}));
    const fs::RootedDir root(std::move(mount));
    ASSERT_OK(root.WriteFile("/etc/changed", "2", 0644));
    ASSERT_OK(root.WriteFile("/etc/added", "2", 0644));
    ASSERT_OK(root.Remove("/deleted"));
    ASSERT_OK(root.Remove("/gone"));
    ASSERT_OK(root.Remove("/opaque"));
    ASSERT_OK(root.MakeDirs("/opaque", 0755));
    ASSERT_OK(root.WriteFile("/opaque/renewed", "2", 0644));
    ASSERT_OK(root.MakeDirs("/new/dir", 0755));
  }
  // What is mounted on the lower layer is no part of the overlay.
  ASSERT_EQ(mount("tmpfs", dir.Path("lower/opaque").c_str(), "tmpfs", 0, nullptr), 0);
  ASSERT_OK_AND_ASSIGN(const UniqueFd upper, OpenFile(dir.Path("upper"), O_PATH | O_DIRECTORY));
  const absl::StatusOr<std::vector<Change>> changes = DiffUpper(upper.get(), lowers);
  ASSERT_EQ(umount(dir.Path("lower/opaque").c_str()), 0);
  ASSERT_OK(changes);
  std::vector<std::string> lines;
  for (const Change& change : *changes)
    lines.push_back(absl::StrCat(std::string(1, change.kind), " ", change.path));
  EXPECT_THAT(lines, ElementsAre("D /deleted", "C /etc", "A /etc/added", "C /etc/changed",
                                 "D /gone", "A /new", "A /new/dir", "C /opaque", "D /opaque/old",
                                 "C /opaque/renewed"));
}

struct stat StatOf(const std::string& path) {
  struct stat file = {};
  EXPECT_EQ(lstat(path.c_str(), &file), 0) << path;
  return file;
}

// Who fills a container does not get the caller's rights: neither by its files' bits, nor by a
// device that anybody may use.
TEST(CopiesOfRoot, SetUserIdBitsAndDevicesOfOthersAreTheCallersAlone) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir dir;
  dir.Write("root/tool", "x");
  ASSERT_EQ(mkdir(dir.Path("out").c_str(), 0755), 0);
  const std::string tool = dir.Path("root/tool");
  const std::string device = dir.Path("root/null");
  ASSERT_EQ(mknod(device.c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
  ASSERT_EQ(chmod(device.c_str(), 0666), 0);
  ASSERT_OK_AND_ASSIGN(const fs::RootedDir root, fs::RootedDir::Open(dir.Path("root")));
  ASSERT_OK(CopyOut(root, "/null", dir.Path("out/own"), {}));
  EXPECT_EQ(StatOf(dir.Path("out/own")).st_mode, S_IFCHR | 0666u);
  EXPECT_EQ(StatOf(dir.Path("out/own")).st_rdev, makedev(1, 3));
  for (const std::string& path : {tool, device}) ASSERT_EQ(chown(path.c_str(), 1000, 1000), 0);
  ASSERT_EQ(chmod(tool.c_str(), 06755), 0);
  ASSERT_OK(CopyOut(root, "/.", dir.Path("out"), {}));
  EXPECT_EQ(StatOf(dir.Path("out/tool")).st_mode, S_IFREG | 0755u);
  EXPECT_EQ(StatOf(dir.Path("out/null")).st_mode, S_IFCHR | 0600u);
  ASSERT_OK(CopyOut(root, "/.", dir.Path("out"), {.archive = true}));
  EXPECT_EQ(StatOf(dir.Path("out/tool")).st_mode, S_IFREG | 06755u);
  EXPECT_EQ(StatOf(dir.Path("out/null")).st_mode, S_IFCHR | 0666u);
  EXPECT_EQ(StatOf(dir.Path("out/null")).st_uid, 1000u);
  // What goes in is the caller's own.
  ASSERT_OK(CopyIn(dir.Path("out/tool"), root, "/made", {}));
  EXPECT_EQ(StatOf(dir.Path("root/made")).st_mode, S_IFREG | 06755u);
}

// A process with a root and a mount of its own, as a container's.
pid_t StartContainer(const std::string& root) {
  int ready[2];
  EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", (root + "/data").c_str(), "tmpfs", 0, nullptr) != 0 ||
        mknod((root + "/data/mounted").c_str(), S_IFREG | 0644, 0) != 0 ||
        chroot(root.c_str()) != 0 || chdir("/") != 0 || write(ready[1], "x", 1) != 1) {
      _exit(1);
    }
    // Exchanges a directory with a link to the host's root, without end.
    while (true) {
      syscall(SYS_renameat2, AT_FDCWD, "/swap", AT_FDCWD, "/link", RENAME_EXCHANGE);
    }
  }
  close(ready[1]);
  char byte = 0;
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  return pid;
}

TEST(RunningContainer, B01_CopiesWhileLinksAreExchanged) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir dir;
  for (const char* name : {"root", "root/data", "root/swap", "canary", "out"}) {
    ASSERT_EQ(mkdir(dir.Path(name).c_str(), 0755), 0);
  }
  const std::string root = dir.Path("root");
  const std::string canary = dir.Path("canary");
  dir.Write("canary/secret", "canary");
  // Within the root there is a folder with the canary's path, too: that is where the link leads.
  ASSERT_OK(MakeDirs(root + canary, 0755));
  dir.Write("root" + canary + "/secret", "inside");
  dir.Write("root/swap/secret", "inside");
  dir.Write("in", "planted");
  ASSERT_EQ(symlink(canary.c_str(), (root + "/link").c_str()), 0);
  const pid_t pid = StartContainer(root);
  ASSERT_OK_AND_ASSIGN(const UniqueFd pidfd, OpenPidfd(pid));
  ASSERT_OK_AND_ASSIGN(const fs::RootedDir container, OpenProcessRoot(pid, pidfd.get()));
  int copied = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string out = dir.Path(absl::StrCat("out/", i));
    if (CopyOut(container, "/swap/secret", out, {}).ok()) {
      ++copied;
      EXPECT_EQ(ReadFile(out).value(), "inside");
    }
    CopyOut(container, "/swap", out + "-tree", {}).IgnoreError();
    CopyIn(dir.Path("in"), container, absl::StrCat("/swap/planted-", i), {}).IgnoreError();
  }
  EXPECT_GT(copied, 0);
  EXPECT_THAT(ListDirectory(canary).value(), ElementsAre("secret"));
  EXPECT_EQ(ReadFile(canary + "/secret").value(), "canary");
  // What is mounted in the container is seen.
  EXPECT_OK(CopyOut(container, "/data/mounted", dir.Path("out/mounted"), {}));
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  EXPECT_FALSE(OpenProcessRoot(pid, pidfd.get()).ok());
}

}  // namespace
}  // namespace tiny::runtime
