// The rarer things that a mount plan can ask for.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"
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

class MountVariants : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  }
  TempDir root_;
  TempDir data_;
};

// A child in a user namespace of its own, whose root is the host's user 100000, waits on a pipe.
struct UserNamespaceChild {
  pid_t pid = -1;
  UniqueFd go;
};

UserNamespaceChild ForkIntoUserNamespace(int flags, const std::function<int()>& body) {
  int ready[2];
  int go[2];
  EXPECT_EQ(pipe2(ready, O_CLOEXEC) + pipe2(go, O_CLOEXEC), 0);
  UserNamespaceChild child;
  child.pid = fork();
  if (child.pid == 0) {
    char byte = 0;
    if (unshare(CLONE_NEWUSER | flags) != 0) _exit(100);
    if (write(ready[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1) _exit(101);
    if (setresuid(0, 0, 0) != 0 || setresgid(0, 0, 0) != 0) _exit(102);
    const pid_t inner = fork();  // the first process of the pid namespace
    if (inner == 0) _exit(body());
    int status = 0;
    waitpid(inner, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 103);
  }
  char byte = 0;
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  for (const char* map : {"uid_map", "gid_map"}) {
    EXPECT_OK(WriteControlFile(absl::StrCat("/proc/", child.pid, "/", map), "0 100000 65536"));
  }
  for (const int fd : {ready[0], ready[1], go[0]}) close(fd);
  child.go.Reset(go[1]);
  return child;
}

int Finish(UserNamespaceChild& child) {
  EXPECT_EQ(write(child.go.get(), "x", 1), 1);
  int status = 0;
  EXPECT_EQ(waitpid(child.pid, &status, 0), child.pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// What a child has to say about its steps.
ChildResult* SharedResult() {
  return static_cast<ChildResult*>(mmap(nullptr, sizeof(ChildResult), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

TEST_F(MountVariants, UserNamespace) {
  ASSERT_EQ(chown(root_.path().c_str(), 100000, 100000), 0);
  ASSERT_EQ(chmod(data_.path().c_str(), 0700), 0);  // out of the child's own reach
  data_.Write("file", "content");
  MountPlan plan = DefaultPlan(root_.path());
  plan.user_namespace = true;
  plan.mounts.push_back(MakeMount("bind", data_.Path("file"), "/etc/file", {"bind", "ro"}));
  ASSERT_OK_AND_ASSIGN(const CompiledMountsPtr mounts, Compile(plan));
  ChildResult* shared = static_cast<ChildResult*>(mmap(
      nullptr, sizeof(ChildResult), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  UserNamespaceChild child = ForkIntoUserNamespace(kNamespaces, [&] {
    *shared = ApplyMountsInChild(mounts.get());
    if (shared->ok()) *shared = PivotRootInChild(mounts.get());
    if (!shared->ok()) return 1;
    if (StatOf("/dev/null").st_rdev != makedev(1, 3)) return 2;
    if (StatOf("/proc/keys").st_rdev != makedev(1, 3)) return 3;
    if (open("/dev/zero", O_RDWR) < 0) return 4;
    if (open("/proc/sys/kernel/core_pattern", O_WRONLY) >= 0) return 5;
    if (StatOf("/etc/file").st_uid != 65534) return 6;
    return 0;
  });
  EXPECT_EQ(Finish(child), 0) << shared->detail << ": " << strerror(shared->error_number);
  munmap(shared, sizeof(ChildResult));
}

TEST_F(MountVariants, OverlayInUserNamespace) {
  RunIsolated(CLONE_NEWNS, [&] {
    // Layers that the namespace's root can reach by their paths.
    ASSERT_EQ(mount("tmpfs", "/mnt", "tmpfs", 0, nullptr), 0);
    ASSERT_EQ(mkdir("/mnt/lower", 0755), 0);
    ASSERT_EQ(mknod("/mnt/lower/file", S_IFREG | 0644, 0), 0);
    ASSERT_EQ(chown("/mnt/lower", 100000, 100000), 0);
    ASSERT_EQ(chown("/mnt/lower/file", 100000, 100000), 0);
    MountPlan plan = DefaultPlan("");
    plan.root.lower_dirs = {"/mnt/lower"};
    plan.user_namespace = true;
    ASSERT_OK_AND_ASSIGN(const CompiledMountsPtr mounts, Compile(plan));
    ChildResult* shared = SharedResult();
    UserNamespaceChild child = ForkIntoUserNamespace(kNamespaces, [&] {
      *shared = ApplyMountsInChild(mounts.get());
      if (shared->ok()) *shared = PivotRootInChild(mounts.get());
      if (!shared->ok()) return 1;
      if (unlink("/file") != 0) return 3;
      return mkdir("/new", 0755) == 0 ? 0 : 4;
    });
    EXPECT_EQ(Finish(child), 0) << shared->detail << ": " << strerror(shared->error_number);
    munmap(shared, sizeof(ChildResult));
    EXPECT_TRUE(PathExists("/mnt/lower/file"));
  });
}

TEST_F(MountVariants, IdMappedBind) {
  data_.Write("file", "x");
  UserNamespaceChild child = ForkIntoUserNamespace(0, [] { return 0; });
  const UniqueFd user_namespace(
      open(absl::StrCat("/proc/", child.pid, "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root_.path());
    plan.mounts.push_back(MakeMount("bind", data_.path(), "/plain", {"rbind"}));
    plan.mounts.push_back(MakeMount("bind", data_.path(), "/mapped", {"rbind", "ro", "idmap"}));
    EXPECT_THAT(Compile(plan), StatusIs(absl::StatusCode::kInvalidArgument));
    plan.mounts.back().id_map_user_namespace = user_namespace.get();
    ASSERT_ENTERED(plan);
    EXPECT_EQ(StatOf("/plain/file").st_uid, 0);
    EXPECT_EQ(StatOf("/mapped/file").st_uid, 100000);
    EXPECT_EQ(open("/mapped/file", O_WRONLY), -1);
  });
  EXPECT_EQ(Finish(child), 0);
}

TEST_F(MountVariants, TmpfsBeginsWithWhatItCovers) {
  ASSERT_OK(MakeDirs(root_.Path("run/sub"), 0755));
  ASSERT_EQ(chmod(root_.Path("run").c_str(), 01777), 0);
  root_.Write("run/sub/file", std::string(100000, 'x'), 0640);
  ASSERT_EQ(chown(root_.Path("run/sub/file").c_str(), 5, 6), 0);
  ASSERT_EQ(symlink("/etc/shadow", root_.Path("run/link").c_str()), 0);
  ASSERT_EQ(mkfifo(root_.Path("run/fifo").c_str(), 0600), 0);
  ASSERT_EQ(chown(root_.Path("run/fifo").c_str(), 7, 8), 0);
  ASSERT_EQ(mknod(root_.Path("run/full").c_str(), S_IFCHR | 0604, makedev(1, 7)), 0);
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root_.path());
    plan.mounts.push_back(MakeMount("tmpfs", "tmpfs", "/run", {"tmpcopyup", "ro"}));
    ASSERT_ENTERED(plan);
    EXPECT_EQ(MountTable()["/run"], "tmpfs tmpfs ro,relatime");
    EXPECT_EQ(ReadFile("/run/sub/file").value(), std::string(100000, 'x'));
    EXPECT_EQ(StatOf("/run/sub/file").st_uid, 5);
    EXPECT_EQ(StatOf("/run/sub/file").st_mode, S_IFREG | 0640);
    EXPECT_EQ(StatOf("/run").st_mode, S_IFDIR | 01777);
    EXPECT_TRUE(S_ISLNK(StatOf("/run/link").st_mode));
    EXPECT_EQ(StatOf("/run/fifo").st_mode, S_IFIFO | 0600);
    EXPECT_EQ(StatOf("/run/fifo").st_gid, 8);
    EXPECT_EQ(StatOf("/run/full").st_mode, S_IFCHR | 0604);
    EXPECT_EQ(StatOf("/run/full").st_rdev, makedev(1, 7));
  });
}

TEST_F(MountVariants, Console) {
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root_.path());
    int master = -1;
    int slave = -1;
    plan.console_master = &master;
    plan.console_slave = &slave;
    ASSERT_ENTERED(plan);
    struct stat console = StatOf("/dev/console");
    struct stat terminal = {};
    ASSERT_EQ(fstat(slave, &terminal), 0);
    EXPECT_EQ(console.st_rdev, terminal.st_rdev);
    EXPECT_EQ(major(console.st_rdev), 136);
    EXPECT_EQ(StatOf("/dev/pts/0").st_rdev, terminal.st_rdev);
    ASSERT_EQ(write(slave, "hello", 5), 5);
    char text[16] = {};
    EXPECT_EQ(read(master, text, sizeof(text)), 5);
    EXPECT_STREQ(text, "hello");
  });
}

TEST_F(MountVariants, ReadonlyTmpfsTakesWhatIsMountedInIt) {
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root_.path());
    plan.mounts[1] = MakeMount("tmpfs", "tmpfs", "/dev", {"nosuid", "ro", "mode=755"});
    ASSERT_ENTERED(plan);
    EXPECT_EQ(MountTable()["/dev"], "tmpfs tmpfs ro,nosuid,relatime");
    EXPECT_EQ(mkdir("/dev/x", 0755), -1);
    EXPECT_EQ(errno, EROFS);
    EXPECT_EQ(mkdir("/dev/shm/x", 0755), 0);
    EXPECT_EQ(StatOf("/dev/null").st_rdev, makedev(1, 3));
  });
}

TEST_F(MountVariants, RecursiveReadonlyReachesSubmounts) {
  RunIsolated(kNamespaces, [&] {
    ASSERT_EQ(mkdir(data_.Path("sub").c_str(), 0755), 0);
    ASSERT_EQ(mount("tmpfs", data_.Path("sub").c_str(), "tmpfs", 0, nullptr), 0);
    MountPlan plan = DefaultPlan(root_.path());
    plan.mounts.push_back(MakeMount("bind", data_.path(), "/top", {"rbind", "ro"}));
    plan.mounts.push_back(MakeMount("bind", data_.path(), "/all", {"rbind", "rro"}));
    plan.mounts.push_back(MakeMount("bind", data_.path(), "/one", {"bind"}));
    ASSERT_ENTERED(plan);
    EXPECT_EQ(mkdir("/top/x", 0755), -1);
    EXPECT_EQ(mkdir("/top/sub/x", 0755), 0);
    EXPECT_EQ(mkdir("/all/sub/y", 0755), -1);
    EXPECT_EQ(errno, EROFS);
    EXPECT_FALSE(PathExists("/one/sub/x"));
  });
}

TEST_F(MountVariants, Propagation) {
  RunIsolated(CLONE_NEWNS, [&] {
    ASSERT_EQ(mount("tmpfs", data_.path().c_str(), "tmpfs", 0, nullptr), 0);
    ASSERT_EQ(mount(nullptr, data_.path().c_str(), nullptr, MS_SHARED, nullptr), 0);
    const pid_t child = fork();
    if (child == 0) {
      if (unshare(CLONE_NEWNS) != 0) _exit(1);
      MountPlan plan;
      plan.root.path = root_.path();
      plan.mounts = {MakeMount("proc", "proc", "/proc", {}),
                     MakeMount("bind", data_.path(), "/none", {"rbind"}),
                     MakeMount("bind", data_.path(), "/slave", {"rbind", "rslave"}),
                     MakeMount("bind", data_.path(), "/shared", {"rbind", "rshared"}),
                     MakeMount("tmpfs", "tmpfs", "/tmpfs", {"rshared"})};
      if (!Enter(plan).ok()) _exit(2);
      auto table = MountTable();
      if (table["/none"] != "tmpfs tmpfs rw,relatime") _exit(3);
      if (table["/slave"] != "tmpfs tmpfs rw,relatime slave") _exit(4);
      if (table["/shared"] != "tmpfs tmpfs rw,relatime shared") _exit(5);
      if (table["/tmpfs"] != "tmpfs tmpfs rw,relatime shared") _exit(6);
      if (mkdir("/shared/dir", 0755) != 0) _exit(7);
      _exit(mount("tmpfs", "/shared/dir", "tmpfs", 0, nullptr) == 0 ? 0 : 8);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    // What was asked for: a mount in the container's shared volume is one of the host's.
    EXPECT_EQ(MountTable().count(data_.Path("dir")), 1);
  });
}

TEST_F(MountVariants, PropagationOfTheRoot) {
  for (const unsigned long type : {MS_SHARED, MS_PRIVATE, MS_SLAVE}) {
    RunIsolated(CLONE_NEWNS, [&] {
      const std::string place = root_.Path("late");
      mkdir(place.c_str(), 0755);
      ASSERT_EQ(mount(root_.path().c_str(), root_.path().c_str(), nullptr, MS_BIND, nullptr), 0);
      ASSERT_EQ(mount(nullptr, root_.path().c_str(), nullptr, MS_SHARED, nullptr), 0);
      int ready[2];
      int mounted[2];
      ASSERT_EQ(pipe(ready) | pipe(mounted), 0);
      const pid_t child = fork();
      if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0) _exit(1);
        MountPlan plan;
        plan.root.path = root_.path();
        plan.root.propagation = {type, false};
        plan.mounts = {MakeMount("proc", "proc", "/proc", {}),
                       MakeMount("bind", data_.path(), "/shared", {"rbind", "rshared"}),
                       MakeMount("bind", data_.path(), "/private", {"rbind", "rprivate"})};
        if (!Enter(plan).ok()) _exit(2);
        char byte = 0;
        if (write(ready[1], &byte, 1) != 1 || read(mounted[0], &byte, 1) != 1) _exit(3);
        auto table = MountTable();
        const auto has = [&](const char* path, const char* word) {
          return table[path].find(word) != std::string::npos;
        };
        // A mount's own word counts, whatever the root's is.
        if (!has("/shared", "shared") || has("/private", "shared")) _exit(4);
        if (has("/", "shared") != (type == MS_SHARED)) _exit(5);
        if (has("/", "slave") != (type == MS_SLAVE)) _exit(6);
        _exit((table.count("/late") == 1) == (type == MS_SLAVE) ? 0 : 7);
      }
      char byte = 0;
      close(ready[1]);  // so that a child that has failed is seen
      EXPECT_EQ(read(ready[0], &byte, 1), 1);
      ASSERT_EQ(mount("tmpfs", place.c_str(), "tmpfs", 0, nullptr), 0);
      ASSERT_EQ(write(mounted[1], &byte, 1), 1);
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      EXPECT_EQ(WEXITSTATUS(status), 0) << type;
    });
  }
}

TEST_F(MountVariants, CopiedSymlinksAndFilesInDev) {
  ASSERT_EQ(symlink("/usr/share/zoneinfo/UTC", data_.Path("localtime").c_str()), 0);
  data_.Write("device", "x");
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root_.path());
    plan.mounts.push_back(
        MakeMount("bind", data_.Path("localtime"), "/etc/localtime", {"bind", "copy-symlink"}));
    plan.mounts.push_back(MakeMount("bind", data_.Path("device"), "/dev/a/b", {"bind"}));
    ASSERT_ENTERED(plan);
    char target[256] = {};
    ASSERT_GT(readlink("/etc/localtime", target, sizeof(target)), 0);
    EXPECT_STREQ(target, "/usr/share/zoneinfo/UTC");
    EXPECT_EQ(ReadFile("/dev/a/b").value(), "x");
  });
}

TEST_F(MountVariants, BoundDevIsLeftAlone) {
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root_.path());
    plan.mounts = {plan.mounts[0], MakeMount("bind", data_.path(), "/dev", {"rbind"})};
    ASSERT_ENTERED(plan);
    EXPECT_THAT(ListDirectory("/dev").value(), ::testing::IsEmpty());
  });
}

TEST_F(MountVariants, MoreMountsThanDescriptors) {
  RunIsolated(kNamespaces, [&] {
    const rlimit limit = {.rlim_cur = 700, .rlim_max = 700};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    MountPlan plan = DefaultPlan(root_.path());
    for (int i = 0; i < 300; ++i) {
      plan.mounts.push_back(
          MakeMount("bind", data_.path(), absl::StrCat("/volumes/", i), {"rbind", "ro"}));
    }
    for (int i = 0; i < 100; ++i) {
      plan.mounts.push_back(MakeMount("tmpfs", "tmpfs", absl::StrCat("/tmp/", i), {}));
      plan.mounts.push_back(MakeMount("tmpfs", "tmpfs", absl::StrCat("/tmp/", i, "/sub"), {}));
    }
    ASSERT_ENTERED(plan);
    EXPECT_EQ(MountTable().count("/volumes/299"), 1);
    EXPECT_EQ(MountTable().count("/tmp/99/sub"), 1);
  });
}

TEST_F(MountVariants, NoPivot) {
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root_.path());
    plan.root.no_pivot = true;
    ASSERT_ENTERED(plan);
    EXPECT_FALSE(PathExists(data_.path()));
    EXPECT_TRUE(PathExists("/proc/self"));
  });
}

TEST_F(MountVariants, ErrorsNameWhatFailed) {
  RunIsolated(kNamespaces, [&] {
    MountPlan plan = DefaultPlan(root_.path());
    plan.mounts.push_back(MakeMount("tmpfs", "tmpfs", "/x", {"size=rubbish"}));
    plan.mounts.push_back(MakeMount("tmpfs", "tmpfs", "/x/y", {}));
    const Applied applied = Enter(plan);
    EXPECT_EQ(applied.result.error_number, EINVAL);
    EXPECT_THAT(applied.result.detail, HasSubstr("mount tmpfs on /x"));
    EXPECT_THAT(applied.result.detail, HasSubstr("size"));
  });
  MountPlan plan = DefaultPlan(root_.path());
  plan.mounts.push_back(MakeMount("bind", data_.Path("none"), "/x", {"rbind"}));
  EXPECT_THAT(Compile(plan), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none on /x")));
  plan.mounts.back() = MakeMount("tmpfs", "tmpfs", "/x/../", {});
  EXPECT_THAT(Compile(plan), StatusIs(absl::StatusCode::kInvalidArgument));
  plan.mounts.back() = MakeMount("", "x", "/x", {});
  EXPECT_THAT(Compile(plan), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tiny::fs
