// Containers' file systems, made for real in a mount namespace of the test's own.
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/files.h"
#include "fs/mount_plan.h"
#include "fs/mount_test_util.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::fs {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

TEST(ApplyMounts, GoldenMountTable) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir root;
  RunIsolated(kNamespaces, [&] {
    ASSERT_ENTERED(DefaultPlan(root.path()));
    std::map<std::string, std::string> table = MountTable();
    table.erase("/");
    table.erase("/proc/acpi");  // not on every machine
    table.erase("/sys/firmware");
    table.erase("/proc/bus");
    const std::string null_mount = table["/proc/keys"];
    EXPECT_EQ(table["/proc/timer_list"], null_mount);
    table.erase("/proc/keys");
    table.erase("/proc/timer_list");
    const std::map<std::string, std::string> golden = {
        {"/dev", "tmpfs tmpfs rw,nosuid"},
        {"/dev/mqueue", "mqueue mqueue rw,nosuid,nodev,noexec,relatime"},
        {"/dev/pts", "devpts devpts rw,nosuid,noexec,relatime"},
        {"/dev/shm", "tmpfs shm rw,nosuid,nodev,noexec,relatime"},
        {"/proc", "proc proc rw,nosuid,nodev,noexec,relatime"},
        {"/proc/sys", "proc proc ro,nosuid,nodev,noexec,relatime"},
        {"/sys", "sysfs sysfs ro,nosuid,nodev,noexec,relatime"},
    };
    EXPECT_EQ(table, golden);
    EXPECT_EQ(StatOf("/dev").st_mode, S_IFDIR | 0755);
    EXPECT_EQ(StatOf("/dev/shm").st_mode, S_IFDIR | 01777);
  });
}

TEST(ApplyMounts, HostIsOutOfReach) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir root;
  TempDir outside;
  outside.Write("secret", "x");
  RunIsolated(kNamespaces, [&] {
    ASSERT_ENTERED(DefaultPlan(root.path()));
    EXPECT_FALSE(PathExists(outside.Path("secret")));
    EXPECT_FALSE(PathExists(absl::StrCat("/../../..", outside.Path("secret"))));
    char directory[4096];
    EXPECT_STREQ(getcwd(directory, sizeof(directory)), "/");
    const auto table = MountTable();
    for (const auto& [target, mount] : table) {
      EXPECT_FALSE(absl::StartsWith(target, outside.path())) << target;
    }
  });
}

// setns(2) goes to the topmost mount on the root of the namespace: the host's, if it were left
// there.
TEST(ApplyMounts, NothingIsLeftUnderneathOrAbove) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir root;
  root.Write("marker", "x");
  for (const bool overlay : {false, true}) {
    RunIsolated(kNamespaces, [&] {
      MountPlan plan = DefaultPlan(root.path());
      if (overlay) plan.root.lower_dirs = {root.path()};
      plan.masked_paths = {"/sys/devices/system/cpu/no-such-directory"};
      ASSERT_ENTERED(plan);
      const UniqueFd self(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
      ASSERT_EQ(setns(self.get(), CLONE_NEWNS), 0);
      EXPECT_TRUE(PathExists("/marker")) << "overlay: " << overlay;
    });
  }
}

TEST(ApplyMounts, DevicesLinksMasks) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir root;
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root.path());
    plan.devices.push_back({.path = "/dev/net/tun",
                            .mode = S_IFCHR | 0640,
                            .number = makedev(10, 200),
                            .uid = 7,
                            .gid = 8});
    plan.devices.push_back({.path = "/opt/fifo", .mode = S_IFIFO | 0600});
    ASSERT_ENTERED(plan);
    EXPECT_EQ(StatOf("/dev/null").st_rdev, makedev(1, 3));
    EXPECT_EQ(StatOf("/dev/null").st_mode, S_IFCHR | 0666);
    EXPECT_EQ(StatOf("/dev/tty").st_rdev, makedev(5, 0));
    EXPECT_EQ(StatOf("/dev/net/tun").st_mode, S_IFCHR | 0640);
    EXPECT_EQ(StatOf("/dev/net/tun").st_uid, 7);
    EXPECT_EQ(StatOf("/opt/fifo").st_mode, S_IFIFO | 0600);
    EXPECT_TRUE(S_ISLNK(StatOf("/dev/ptmx").st_mode));
    EXPECT_TRUE(PathExists("/dev/stdin"));
    EXPECT_EQ(open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0, true);

    EXPECT_EQ(StatOf("/proc/keys").st_rdev, makedev(1, 3));
    EXPECT_EQ(ReadFile("/proc/timer_list").value(), "");
    EXPECT_THAT(ListDirectory("/sys/firmware").value(), ::testing::IsEmpty());
    EXPECT_EQ(mkdir("/sys/firmware/x", 0700), -1);
    EXPECT_EQ(errno, EROFS);
    EXPECT_EQ(open("/proc/sys/kernel/core_pattern", O_WRONLY), -1);
    EXPECT_EQ(errno, EROFS);
  });
}

TEST(ApplyMounts, MaskedFilesAreReadonlyNullDevices) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir root;
  for (const bool bound : {false, true}) {
    SCOPED_TRACE(bound);
    RunIsolated(kNamespaces, [&] {
      MountPlan plan = DefaultPlan(root.path());
      if (bound) plan.mounts.push_back(MakeMount("bind", "/dev/null", "/dev/null", {"bind"}));
      ASSERT_ENTERED(plan);
      EXPECT_EQ(StatOf("/proc/keys").st_rdev, makedev(1, 3));
      EXPECT_EQ(chmod("/proc/keys", 0640), -1);
      EXPECT_EQ(errno, EROFS);
      EXPECT_EQ(chmod("/dev/null", 0666), 0);
    });
  }
}

TEST(ApplyMounts, ReadonlyPathsBesideAMountInProc) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir root;
  TempDir data;
  const std::string source = data.Write("uptime", "x");
  for (const bool with_mount : {false, true}) {
    SCOPED_TRACE(with_mount);
    RunIsolated(kNamespaces, [&] {
      MountPlan plan = DefaultPlan(root.path());
      if (with_mount) plan.mounts.push_back(MakeMount("bind", source, "/proc/uptime", {"bind"}));
      plan.readonly_paths = {"/proc/sys", "/proc/uptime"};
      ASSERT_ENTERED(plan);
      EXPECT_EQ(ReadFile("/proc/uptime").value() == "x", with_mount);
      std::map<std::string, std::string> table = MountTable();
      for (const char* path : {"/proc/sys", "/proc/uptime"}) {
        EXPECT_THAT(table[path], HasSubstr(" ro,")) << path;
      }
      EXPECT_THAT(table["/proc"], HasSubstr(" rw,"));
    });
  }
}

TEST(ApplyMounts, BindsAndReadonlyRoot) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir root;
  TempDir data;
  data.Write("file", "content");
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root.path());
    plan.root.readonly = true;
    plan.mounts.push_back(MakeMount("bind", data.path(), "/data/deep/er", {"rbind", "rw"}));
    plan.mounts.push_back(MakeMount("bind", data.path(), "/ro", {"rbind", "ro", "rprivate"}));
    plan.mounts.push_back(MakeMount("", data.Path("file"), "/etc/file", {"bind", "ro"}));
    ASSERT_ENTERED(plan);
    EXPECT_EQ(ReadFile("/etc/file").value(), "content");
    EXPECT_EQ(ReadFile("/ro/file").value(), "content");
    EXPECT_EQ(open("/ro/file", O_WRONLY), -1);
    EXPECT_EQ(errno, EROFS);
    EXPECT_EQ(open("/etc/file", O_WRONLY), -1);
    EXPECT_EQ(errno, EROFS);
    EXPECT_EQ(mkdir("/new", 0700), -1);
    EXPECT_EQ(errno, EROFS);
    EXPECT_EQ(mkdir("/data/deep/er/new", 0700), 0);
    EXPECT_EQ(mkdir("/dev/new", 0700), 0);
  });
  EXPECT_TRUE(PathExists(data.Path("new")));
}

// The tmpfs is made read-only when all is in it: by its own name, or below what came to cover it.
TEST(ApplyMounts, AReadonlyTmpfsWithMountsInIt) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir root;
  TempDir data;
  const auto make = [](const char* path) {
    const UniqueFd file(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return file ? 0 : errno;
  };
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root.path());
    for (const char* folder : {"/dev/seen", "/dev/covered"}) {
      plan.mounts.push_back(MakeMount("tmpfs", "tmpfs", folder, {"ro"}));
      plan.mounts.push_back(MakeMount("tmpfs", "tmpfs", absl::StrCat(folder, "/inner"), {}));
    }
    plan.mounts.push_back(MakeMount("bind", data.path(), "/dev/covered", {"bind"}));
    ASSERT_ENTERED(plan);
    EXPECT_EQ(make("/dev/seen/file"), EROFS);
    EXPECT_EQ(make("/dev/seen/inner/file"), 0);
    EXPECT_EQ(make("/dev/covered/file"), 0);
    ASSERT_EQ(umount2("/dev/covered", 0), 0);
    EXPECT_EQ(make("/dev/covered/file"), EROFS);
    EXPECT_EQ(make("/dev/covered/inner/file"), 0);
  });
}

TEST(ApplyMounts, OverlayOnTmpfsLeavesLowerAlone) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir root;
  root.Write("file", "lower");
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan("");
    plan.root.lower_dirs = {root.path()};
    ASSERT_ENTERED(plan);
    EXPECT_EQ(ReadFile("/file").value(), "lower");
    ASSERT_EQ(mkdir("/new", 0700), 0);
    ASSERT_EQ(unlink("/file"), 0);
  });
  EXPECT_EQ(ReadFile(root.Path("file")).value(), "lower");
  EXPECT_FALSE(PathExists(root.Path("new")));
}

TEST(ApplyMounts, ManyLayers) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  TempDir layers;
  for (const int count : {1, 2, 40, 127, 250}) {
    SCOPED_TRACE(count);
    RunIsolated(kNamespaces, [&] {
      MountPlan plan = DefaultPlan("");
      for (int i = 0; i < count; ++i) {
        const std::string layer = layers.Path(absl::StrCat("layer-", i));
        mkdir(layer.c_str(), 0755);
        layers.Write(absl::StrCat("layer-", i, "/own-", i), "x");
        layers.Write(absl::StrCat("layer-", i, "/shared"), absl::StrCat(i));
        plan.root.lower_dirs.push_back(layer);
      }
      ASSERT_ENTERED(plan);
      EXPECT_EQ(ReadFile("/shared").value(), "0");
      EXPECT_TRUE(PathExists(absl::StrCat("/own-", count - 1)));
    });
  }
}

}  // namespace
}  // namespace tiny::fs
