// Root file systems that were made to lead a container engine astray. The names P01, P04, ... are
// those of the advisories' classes in docs/security.md.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "absl/strings/match.h"
#include "fs/mount_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/isolated.h"
#include "testing/temp_dir.h"

namespace tiny::fs {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

// A root file system beside a canary, which must be the same after all that is done.
class HostileRoot : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
    for (const char* name : {"root", "canary", "canary/dir"}) {
      ASSERT_EQ(mkdir(dir_.Path(name).c_str(), 0755), 0);
    }
    for (const char* name : {"ptmx", "null", "resolv.conf", "secret"}) {
      dir_.Write(absl::StrCat("canary/", name), "canary");
    }
    before_ = Snapshot();
    mounts_ = ReadFile("/proc/self/mountinfo").value();
  }

  void TearDown() override {
    if (before_.empty()) return;
    EXPECT_EQ(Snapshot(), before_);
    EXPECT_EQ(ReadFile("/proc/self/mountinfo").value(), mounts_);
  }

  std::string Snapshot() const {
    std::string text;
    for (const char* name : {"canary", "canary/dir"}) {
      const std::vector<std::string> entries = ListDirectory(dir_.Path(name)).value();
      for (const std::string& entry : entries) {
        const std::string path = dir_.Path(absl::StrCat(name, "/", entry));
        const struct stat file = StatOf(path);
        absl::StrAppend(&text, path, " ", file.st_mode, " ", file.st_uid, " ", file.st_mtim.tv_sec,
                        ".", file.st_mtim.tv_nsec, " ", file.st_rdev, "\n");
        if (S_ISREG(file.st_mode)) absl::StrAppend(&text, ReadFile(path).value(), "\n");
      }
    }
    return text;
  }

  std::string Root() const { return dir_.Path("root"); }
  std::string Canary() const { return dir_.Path("canary"); }

  // Puts a symbolic link in the root, where something else may be.
  void Plant(const std::string& path, const std::string& target) const {
    const std::string place = Root() + path;
    ASSERT_OK(MakeDirs(place.substr(0, place.rfind('/')), 0755));
    ASSERT_EQ(symlink(target.c_str(), place.c_str()), 0) << place;
  }

  TempDir dir_;
  std::string before_;
  std::string mounts_;
};

bool AnyMountUnder(const std::string& directory) {
  for (const auto& [target, mount] : MountTable()) {
    if (absl::StartsWith(target, directory)) return true;
  }
  return false;
}

TEST_F(HostileRoot, P01_TargetsThatAreLinks) {
  dir_.Write("source", "mine");
  const std::string links[] = {
      Canary(), Canary() + "/secret", "../../../../../../.." + Canary(), "../canary",
      "loop",   "/none/at/all",       "/proc/self/root" + Canary(),      "/proc/1/cwd"};
  for (const char* target : {"/proc", "/sys", "/dev", "/dev/pts", "/dev/null", "/dev/console",
                             "/etc", "/etc/resolv.conf", "/run", "/volume"}) {
    for (const std::string& link : links) {
      SCOPED_TRACE(absl::StrCat(target, " -> ", link));
      ASSERT_OK(RemoveTree(Root()));
      ASSERT_EQ(mkdir(Root().c_str(), 0755), 0);
      Plant(target, link == "loop" ? target : link);
      RunIsolated(kNamespaces, [&] {
        MountPlan plan = DefaultPlan(Root());
        plan.mounts.push_back(MakeMount("tmpfs", "tmpfs", "/run/lock", {"nosuid"}));
        plan.mounts.push_back(
            MakeMount("bind", dir_.Path("source"), "/etc/resolv.conf", {"bind", "rw"}));
        plan.mounts.push_back(MakeMount("bind", Root(), "/volume/deep", {"rbind"}));
        plan.masked_paths.push_back("/etc/shadow");
        plan.readonly_paths.push_back("/volume");
        const Applied applied = Enter(plan);
        EXPECT_OK(applied.compiled);
        const bool system =
            absl::string_view(target) == "/proc" || absl::string_view(target) == "/sys";
        if (system) {
          EXPECT_FALSE(applied.ok());
          EXPECT_THAT(applied.result.detail, HasSubstr("ordinary directory"));
        }
        if (applied.ok()) {
          EXPECT_EQ(ReadFile("/etc/resolv.conf").value(), "mine");
        } else {
          EXPECT_FALSE(AnyMountUnder(Canary()));
        }
      });
      EXPECT_EQ(Snapshot(), before_);
    }
  }
}

// As /etc/resolv.conf is on a machine with systemd-resolved, copied without its /run.
TEST_F(HostileRoot, ALinkToNothingIsFollowedInTheRoot) {
  TempDir root;
  TempDir outside;
  const std::string source = outside.Write("resolv.conf", "nameserver 192.0.2.1\n");
  ASSERT_OK(MakeDirs(root.Path("etc"), 0755));
  for (const std::string& target :
       {std::string("../run/systemd/resolve/stub-resolv.conf"), std::string("/run/other/file"),
        outside.Path("planted"), std::string("../../../../../" + outside.Path("planted"))}) {
    unlink(root.Path("etc/resolv.conf").c_str());
    ASSERT_EQ(symlink(target.c_str(), root.Path("etc/resolv.conf").c_str()), 0);
    RunIsolated(kNamespaces, [&] {
      MountPlan plan = DefaultPlan(root.path());
      plan.mounts.push_back(MakeMount("bind", source, "/etc/resolv.conf", {"bind"}));
      ASSERT_ENTERED(plan);
      EXPECT_EQ(ReadFile("/etc/resolv.conf").value(), "nameserver 192.0.2.1\n") << target;
    });
    EXPECT_FALSE(PathExists(outside.Path("planted"))) << target;
  }
}

TEST_F(HostileRoot, P03_NothingCoversProcfs) {
  for (const char* target : {"/proc", "/proc/self/attr", "/proc/sys/kernel", "//proc/../proc/self",
                             "/proc/cpuinfo/x", "/proc/1"}) {
    MountPlan plan = DefaultPlan(Root());
    plan.mounts.push_back(MakeMount("bind", Canary(), target, {"rbind"}));
    EXPECT_THAT(Compile(plan), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("procfs")))
        << target;
    plan.mounts.back() = MakeMount("tmpfs", "tmpfs", target, {});
    EXPECT_THAT(Compile(plan), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("procfs")))
        << target;
  }
  // A link of the image's must not do what a path may not.
  Plant("/innocent", "/proc/self");
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(Root());
    plan.mounts.push_back(MakeMount("bind", Canary(), "/innocent/attr", {"rbind"}));
    const Applied applied = Enter(plan);
    EXPECT_FALSE(applied.ok());
    EXPECT_THAT(applied.result.detail, HasSubstr("procfs"));
  });
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(Root());
    plan.mounts.push_back(MakeMount("bind", Canary() + "/secret", "/proc/meminfo", {"bind", "ro"}));
    ASSERT_ENTERED(plan);
    EXPECT_EQ(ReadFile("/proc/meminfo").value(), "canary");
  });
}

TEST_F(HostileRoot, P04_ProcIsNoLink) {
  ASSERT_EQ(mkdir((Root() + "/elsewhere").c_str(), 0755), 0);
  Plant("/proc", "elsewhere");
  RunIsolated(kNamespaces, [&] {
    const Applied applied = Enter(DefaultPlan(Root()));
    EXPECT_EQ(applied.result.error_number, ELOOP);
    EXPECT_THAT(applied.result.detail, HasSubstr("ordinary directory"));
  });
  ASSERT_EQ(unlink((Root() + "/proc").c_str()), 0);
  dir_.Write("root/proc", "a file");
  RunIsolated(kNamespaces, [&] {
    const Applied applied = Enter(DefaultPlan(Root()));
    EXPECT_EQ(applied.result.error_number, ENOTDIR);
  });
}

// Exchanges root/swap and root/link, over and over, until killed.
pid_t StartSwapping(const std::string& root) {
  const std::string swap = root + "/swap";
  const std::string link = root + "/link";
  const pid_t pid = fork();
  if (pid != 0) return pid;
  for (;;) {
    syscall(SYS_renameat2, AT_FDCWD, swap.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
  }
}

TEST_F(HostileRoot, P05_P06_P19_TargetsThatAreExchanged) {
  ASSERT_OK(MakeDirs(Root() + "/swap", 0755));
  Plant("/link", "../../../../../../.." + Canary());
  RunIsolated(CLONE_NEWNS | CLONE_NEWPID, [&] {
    const pid_t swapper = StartSwapping(Root());
    int made = 0;
    for (int i = 0; i < 150; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0) _exit(3);
        MountPlan plan;
        plan.root.path = Root();
        plan.mounts.push_back(MakeMount("tmpfs", "tmpfs", absl::StrCat("/swap/made/", i), {}));
        plan.mounts.push_back(MakeMount("bind", Root(), "/swap/dir", {"bind"}));
        plan.masked_paths = {"/swap/secret", "/swap/dir"};
        plan.readonly_paths = {"/swap"};
        const absl::StatusOr<CompiledMountsPtr> mounts = Compile(plan);
        const bool applied = mounts.ok() && ApplyMountsInChild(mounts->get()).ok();
        _exit(AnyMountUnder(Canary()) ? 2 : applied ? 0 : 1);
      }
      int status = 0;
      waitpid(child, &status, 0);
      ASSERT_TRUE(WIFEXITED(status));
      ASSERT_LT(WEXITSTATUS(status), 2);
      if (WEXITSTATUS(status) == 0) ++made;
    }
    EXPECT_GT(made, 0);
    kill(swapper, SIGKILL);
    waitpid(swapper, nullptr, 0);
  });
}

TEST_F(HostileRoot, P07_MasksAreTheHostsNullDevice) {
  ASSERT_OK(MakeDirs(Root() + "/dev", 0755));
  const std::string null = Root() + "/dev/null";
  const std::function<void()> plants[] = {
      [] {},
      [&] { ASSERT_EQ(symlink("/proc/sys/kernel/core_pattern", null.c_str()), 0); },
      [&] { dir_.Write("root/dev/null", "not null"); },
      [&] { ASSERT_EQ(mknod(null.c_str(), S_IFCHR | 0666, makedev(1, 5)), 0); },
      [&] { ASSERT_EQ(mkfifo(null.c_str(), 0666), 0); },
  };
  const std::string core_pattern = ReadFile("/proc/sys/kernel/core_pattern").value();
  for (const auto& plant : plants) {
    unlink(null.c_str());
    plant();
    for (const bool with_devices : {false, true}) {
      RunIsolated(kNamespaces, [&] {
        MountPlan plan = DefaultPlan(Root());
        plan.mounts = {plan.mounts[0]};  // only /proc
        if (!with_devices) plan.devices.clear();
        const bool expected = !with_devices || !PathExists(null);
        const Applied applied = Enter(plan);
        EXPECT_EQ(applied.ok(), expected) << applied.result.detail;
        if (!applied.ok()) return;
        EXPECT_EQ(StatOf("/proc/keys").st_rdev, makedev(1, 3));
        EXPECT_EQ(ReadFile("/proc/timer_list").value(), "");
      });
    }
  }
  EXPECT_EQ(ReadFile("/proc/sys/kernel/core_pattern").value(), core_pattern);
}

TEST_F(HostileRoot, P10_DevIsNoLink) {
  Plant("/dev", Canary());
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(Root());
    plan.mounts = {plan.mounts[0]};
    EXPECT_FALSE(Enter(plan).ok());
  });
  ASSERT_EQ(unlink((Root() + "/dev").c_str()), 0);
  Plant("/dev", "../canary");
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(Root());
    plan.mounts = {plan.mounts[0]};
    plan.devices.clear();
    EXPECT_FALSE(Enter(plan).ok());
  });
}

TEST_F(HostileRoot, P21_NothingIsSeenOutside) {
  RunIsolated(CLONE_NEWNS, [&] {
    ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr), 0);
    const std::string before = ReadFile("/proc/self/mountinfo").value();
    MountPlan plan = DefaultPlan(Root());
    plan.mounts.push_back(MakeMount("bind", dir_.path(), "/data", {"rbind"}));
    MountPlan overlay = DefaultPlan("");
    overlay.root.lower_dirs = {Root()};
    MountPlan failing = plan;
    failing.mounts.push_back(MakeMount("nosuchfs", "x", "/x", {}));
    MountPlan shared = plan;
    shared.root.propagation = {.type = MS_SHARED, .recursive = true};
    for (const MountPlan* each : {&plan, &overlay, &failing, &shared}) {
      int pipes[2];
      ASSERT_EQ(pipe(pipes), 0);
      const pid_t child = fork();
      if (child == 0) {
        // A copy of a shared mount is one of its peers.
        const bool unshared = unshare(CLONE_NEWNS) == 0;
        const bool entered = unshared && Enter(*each).ok();
        if (write(pipes[1], "x", 1) != 1) _exit(4);
        pause();
        _exit(entered ? 0 : 1);
      }
      char byte = 0;
      ASSERT_EQ(read(pipes[0], &byte, 1), 1);
      EXPECT_EQ(ReadFile("/proc/self/mountinfo").value(), before);
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
      EXPECT_EQ(ReadFile("/proc/self/mountinfo").value(), before);
    }
  });
}

}  // namespace
}  // namespace tiny::fs
