// What the kernel tests of mount plans share.
#ifndef TINY_FS_MOUNT_TEST_UTIL_H_
#define TINY_FS_MOUNT_TEST_UTIL_H_

#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "fs/mount_info.h"
#include "fs/mount_plan.h"
#include "testing/status_matchers.h"

namespace tiny::fs {

inline constexpr int kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET;

inline Mount MakeMount(const std::string& type, const std::string& source,
                       const std::string& target, const std::vector<std::string>& options) {
  return {.type = type,
          .source = source,
          .target = target,
          .options = ParseMountOptions(options).value()};
}

// What an OCI engine asks for.
inline MountPlan DefaultPlan(const std::string& root) {
  MountPlan plan;
  plan.root.path = root;
  plan.mounts = {
      MakeMount("proc", "proc", "/proc", {"nosuid", "noexec", "nodev"}),
      MakeMount("tmpfs", "tmpfs", "/dev", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      MakeMount("devpts", "devpts", "/dev/pts",
                {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      MakeMount("tmpfs", "shm", "/dev/shm",
                {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      MakeMount("mqueue", "mqueue", "/dev/mqueue", {"nosuid", "noexec", "nodev"}),
      MakeMount("sysfs", "sysfs", "/sys", {"nosuid", "noexec", "nodev", "ro"}),
  };
  plan.devices = DefaultDevices();
  plan.masked_paths = {"/proc/acpi", "/proc/keys", "/proc/timer_list", "/proc/no-such-file",
                       "/sys/firmware"};
  plan.readonly_paths = {"/proc/bus", "/proc/sys", "/proc/no-such-file"};
  return plan;
}

struct Applied {
  absl::Status compiled;
  ChildResult result;
  bool ok() const { return compiled.ok() && result.ok(); }
};

inline Applied Enter(const MountPlan& plan) {
  Applied applied;
  absl::StatusOr<CompiledMountsPtr> mounts = Compile(plan);
  applied.compiled = mounts.status();
  if (!mounts.ok()) return applied;
  applied.result = ApplyMountsInChild(mounts->get());
  if (applied.result.ok()) applied.result = PivotRootInChild(mounts->get());
  return applied;
}

#define ASSERT_ENTERED(plan)                                                       \
  do {                                                                             \
    const Applied applied = Enter(plan);                                           \
    ASSERT_OK(applied.compiled);                                                   \
    ASSERT_TRUE(applied.result.ok())                                               \
        << applied.result.detail << ": " << strerror(applied.result.error_number); \
  } while (false)

inline struct stat StatOf(const std::string& path) {
  struct stat file = {};
  EXPECT_EQ(lstat(path.c_str(), &file), 0) << path;
  return file;
}

// "type options source propagation" of what is mounted on each target; the last one wins.
inline std::map<std::string, std::string> MountTable() {
  std::map<std::string, std::string> table;
  const absl::StatusOr<std::string> text = ReadFile("/proc/self/mountinfo");
  EXPECT_OK(text);
  const absl::StatusOr<std::vector<MountInfo>> mounts = ParseMountInfo(*text);
  EXPECT_OK(mounts);
  for (const MountInfo& mount : *mounts) {
    table[mount.target] =
        absl::StrCat(mount.type, " ", mount.source, " ", mount.options,
                     mount.shared != 0 ? " shared" : "", mount.master != 0 ? " slave" : "");
  }
  return table;
}

}  // namespace tiny::fs

#endif  // TINY_FS_MOUNT_TEST_UTIL_H_
