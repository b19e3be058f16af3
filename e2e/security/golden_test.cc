// What a container is by default, against tables: a change to any line must be meant. The names of
// the tests are the rows of docs/security.md.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <regex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "e2e/security/fixture.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kEtcFile[] = " (rw|ro),\\S*relatime private 644 0:0";
constexpr char kMask[] = " tmpfs ro,nosuid private 666 0:0";  // its own /dev/null
constexpr char kEmpty[] = " tmpfs ro,nosuid,nodev,noexec,relatime private 1777 0:0";
constexpr char kReadonlyProc[] = " proc ro,nosuid,nodev,noexec,relatime private 555 0:0";

// Target and what mountinfo, mode and owner must say of it, as a regular expression.
const std::map<std::string, std::string>& Mounts() {
  static const auto* const mounts = new std::map<std::string, std::string>{
      {"/", " \\S+ (rw|ro),\\S*relatime private 755 0:0"},
      {"/proc", " proc rw,nosuid,nodev,noexec,relatime private 555 0:0"},
      {"/dev", " tmpfs rw,nosuid private 755 0:0"},
      {"/dev/pts", " devpts rw,nosuid,noexec,relatime private 755 0:0"},
      {"/dev/console", " devpts rw,nosuid,noexec,relatime private 620 0:5"},
      {"/dev/shm", " tmpfs rw,nosuid,nodev,noexec,relatime private 1777 0:0"},
      {"/dev/mqueue", " mqueue rw,nosuid,nodev,noexec,relatime private 1777 0:0"},
      {"/sys", " sysfs ro,nosuid,nodev,noexec,relatime private 555 0:0"},
      {"/sys/fs/cgroup", " (tmpfs|cgroup2) ro,nosuid,nodev,noexec,relatime private [57]55 0:0"},
      {"/sys/fs/cgroup/*", " cgroup2? ro,nosuid,nodev,noexec,relatime private [57]55 0:0"},
      {"/etc/resolv.conf", std::string(" \\S+") + kEtcFile},
      {"/etc/hostname", std::string(" \\S+") + kEtcFile},
      {"/etc/hosts", std::string(" \\S+") + kEtcFile},
      {"/proc/interrupts", kMask},
      {"/proc/kcore", kMask},
      {"/proc/keys", kMask},
      {"/proc/latency_stats", kMask},
      {"/proc/sched_debug", kMask},
      {"/proc/timer_list", kMask},
      {"/proc/timer_stats", kMask},
      {"/proc/acpi", kEmpty},
      {"/proc/asound", kEmpty},
      {"/proc/scsi", kEmpty},
      {"/sys/firmware", kEmpty},
      {"/sys/fs/selinux", kEmpty},
      {"/sys/devices/virtual/powercap", kEmpty},
      {"/sys/devices/system/cpu/*", kEmpty},
      {"/proc/bus", kReadonlyProc},
      {"/proc/fs", kReadonlyProc},
      {"/proc/irq", kReadonlyProc},
      {"/proc/sys", kReadonlyProc},
      {"/proc/sysrq-trigger", " proc ro,nosuid,nodev,noexec,relatime private 200 0:0"},
  };
  return *mounts;
}

std::string RowOf(const std::string& target) {
  for (const char* many : {"/sys/fs/cgroup/", "/sys/devices/system/cpu/"}) {
    if (absl::StartsWith(target, many)) return absl::StrCat(many, "*");
  }
  return target;
}

using Golden = SecurityTest;

// The whole text is of that regular expression.
MATCHER_P(Matches, pattern, "") { return std::regex_match(std::string(arg), std::regex(pattern)); }

TEST_F(Golden, P20_Mounts) {
  for (const std::vector<std::string>& flags : {std::vector<std::string>{},
                                                {"-t"},
                                                {"--read-only"},
                                                {"-t", "--read-only"},
                                                {"--user", "1000"},
                                                {"--cgroupns", "host"}}) {
    SCOPED_TRACE(absl::StrJoin(flags, " "));
    const bool read_only = flags.size() > 0 && flags.back() == "--read-only";
    std::vector<std::string> args = flags;
    args.insert(args.end(), {"probe", "mounts"});
    const Result result = RunRoot(args);
    ASSERT_EQ(result.code, 0) << result.err;
    std::vector<std::string> missing;
    std::map<std::string, std::string> found;
    for (auto [target, rest] : Table(result.out)) {
      if (rest.back() == '\r') rest.pop_back();  // the terminal's
      found[RowOf(target)] = rest;
      const auto row = Mounts().find(RowOf(target));
      ASSERT_NE(row, Mounts().end()) << target << " is not in the table";
      EXPECT_TRUE(std::regex_match(" " + rest, std::regex(row->second))) << target << " " << rest;
    }
    EXPECT_TRUE(absl::StrContains(found["/"], read_only ? " ro" : " rw")) << found["/"];
    EXPECT_EQ(found.count("/dev/console"), flags.size() > 0 && flags[0] == "-t" ? 1U : 0U);
    // What exists on this machine must be covered; the rest can't be.
    for (const auto& [target, row] : Mounts()) {
      if (target.back() != '*' && target != "/dev/console" && PathExists(target)) {
        EXPECT_EQ(found.count(target), 1U) << target;
      }
    }
  }
}

TEST_F(Golden, P02_WhatTakesWritesIsKnown) {
  const Result result = RunRoot({"probe", "writable", "/proc", "/sys"});
  ASSERT_EQ(result.code, 0) << result.err;
  // Those that the container's own namespaces answer for, or that need a capability it lacks.
  const std::vector<std::string> allowed = {"/proc/mtrr", "/proc/slabinfo", "/proc/pressure/cpu",
                                            "/proc/pressure/io", "/proc/pressure/memory"};
  for (const std::string& path :
       std::vector<std::string>(absl::StrSplit(result.out, '\n', absl::SkipEmpty()))) {
    EXPECT_THAT(allowed, ::testing::Contains(path));
  }
}

// The null device is the host's where something is masked, and was where stdin is nothing.
TEST_F(Golden, P07_TheHostsNullDeviceKeepsItsMode) {
  struct stat before;
  ASSERT_EQ(stat("/dev/null", &before), 0);
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  const std::vector<std::string> change = {
      "sh", "-c", "chmod 600 /proc/keys; chown 1 /proc/keys; chmod 600 /proc/self/fd/0"};
  std::vector<std::string> args = {"exec", id};
  args.insert(args.end(), change.begin(), change.end());
  Tiny(args);
  RunRoot(change);
  struct stat after;
  ASSERT_EQ(stat("/dev/null", &after), 0);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_uid, before.st_uid);
  chmod("/dev/null", before.st_mode & 07777);
  EXPECT_EQ(chown("/dev/null", before.st_uid, before.st_gid), 0);
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(Golden, P02_MaskedPathsAreEmpty) {
  const Result result = RunRoot({"sh", "-c",
                                 "for f in kcore keys latency_stats sched_debug timer_list "
                                 "timer_stats interrupts; do [ -e /proc/$f ] || continue; "
                                 "stat -c '%n %t:%T' /proc/$f; cat /proc/$f; done; "
                                 "for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware "
                                 "/sys/devices/virtual/powercap; do ls -A $d 2>/dev/null; done"});
  for (const auto& [path, rest] : Table(result.out)) {
    EXPECT_EQ(rest, "1:3") << path;
  }
  EXPECT_THAT(result.out, HasSubstr("/proc/keys 1:3\n"));
}

TEST_F(Golden, P22_P16_WhatOnlyTheHostMay) {
  const std::string node = Root() + "/tmp/node";
  for (const char* seccomp : {"seccomp=builtin", "seccomp=unconfined"}) {
    SCOPED_TRACE(seccomp);
    const bool confined = absl::string_view(seccomp) == "seccomp=builtin";
    const std::vector<std::string> flags =
        confined ? std::vector<std::string>{}
                 : std::vector<std::string>{"--security-opt", "seccomp=unconfined"};
    std::vector<std::string> args = flags;
    args.insert(args.end(), {"probe", "forbidden"});
    const Result result = RunRoot(args);
    ASSERT_EQ(result.code, 0) << result.err;
    std::map<std::string, std::string> tried = Table(result.out);
    for (const char* device : {"open-disk", "open-mem"}) EXPECT_EQ(tried[device], "EPERM");
    EXPECT_EQ(tried["open-null"], "ok");
    for (const char* device :
         {"/dev/kmsg", "/dev/mem", "/dev/fuse", "/dev/loop0", "/dev/net/tun"}) {
      EXPECT_EQ(tried[device], "ENOENT") << device;
    }
    for (const char* mount : {"memory", "devices", "pids", "freezer", "unified", "umount-proc",
                              "umount-mask", "remount-sys", "remount-readonly"}) {
      EXPECT_EQ(tried[mount], "EPERM") << mount;
    }
    // In a user namespace of its own it may mount a cgroup tree, which has no release agent there.
    EXPECT_THAT(tried["new-namespaces"],
                confined ? Matches("EPERM") : Matches("EPERM|ENOENT|EACCES|EINVAL|EBUSY|ENODEV"));
    if (confined) {
      for (const char* call : {"alg", "vsock", "keyctl"}) EXPECT_EQ(tried[call], "EPERM") << call;
    }
    for (const auto& [path, answer] : tried) {
      const bool host_file = absl::StartsWith(path, "/proc/") || absl::StartsWith(path, "/sys/");
      if (host_file) {
        EXPECT_THAT(answer, Matches("EROFS|ENOENT|EACCES")) << path;
      }
    }
  }
}

TEST_F(Golden, P22_DeviceNodes) {
  const Result result = RunRoot({"sh", "-c", "cd /dev && stat -c '%n %F %a %t:%T %N' *"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(result.out, '\n', absl::SkipEmpty())),
              ElementsAre(HasSubstr("fd symbolic link 777 0:0 'fd' -> '/proc/self/fd'"),
                          HasSubstr("full character special file 666 1:7"),
                          HasSubstr("mqueue directory 1777"),
                          HasSubstr("null character special file 666 1:3"),
                          HasSubstr("ptmx symbolic link 777 0:0 'ptmx' -> 'pts/ptmx'"),
                          HasSubstr("pts directory 755"),
                          HasSubstr("random character special file 666 1:8"),
                          HasSubstr("shm directory 1777"),
                          HasSubstr("stderr symbolic link 777 0:0 'stderr' -> '/proc/self/fd/2'"),
                          HasSubstr("stdin symbolic link 777 0:0 'stdin' -> '/proc/self/fd/0'"),
                          HasSubstr("stdout symbolic link 777 0:0 'stdout' -> '/proc/self/fd/1'"),
                          HasSubstr("tty character special file 666 5:0"),
                          HasSubstr("urandom character special file 666 1:9"),
                          HasSubstr("zero character special file 666 1:5")));
}

// Descriptors that the caller leaks: files, folders, sockets.
class Leaky : public SecurityTest {
 protected:
  void SetUp() override {
    SecurityTest::SetUp();
    if (!testing::HavePrivilege()) return;
    for (int i = 0; i < 20; ++i) {
      fds_.push_back(open("/", O_RDONLY | O_DIRECTORY));  // NOLINT: meant to leak
      fds_.push_back(open(Canary().c_str(), O_PATH));     // NOLINT
      fds_.push_back(socket(AF_UNIX, SOCK_STREAM, 0));    // NOLINT
    }
  }
  void TearDown() override {
    for (const int fd : fds_) close(fd);
    SecurityTest::TearDown();
  }
  std::vector<int> fds_;
};

TEST_F(Leaky, E03_TheProgramHasThreeDescriptors) {
  EXPECT_THAT(RunRoot({"probe", "fds", "1"}), Succeeds("0 char\n1 pipe\n2 pipe\n"));
  EXPECT_THAT(RunRoot({"-i", "probe", "fds", "1"}), Succeeds("0 pipe\n1 pipe\n2 pipe\n"));
  EXPECT_THAT(RunRoot({"-t", "probe", "fds", "1"}), Succeeds("0 char\r\n1 char\r\n2 char\r\n"));
  EXPECT_THAT(RunRoot({"--init", "probe", "fds"}), Succeeds("0 char\n1 pipe\n2 pipe\n"));
  EXPECT_THAT(RunOci({"probe", "fds", "1"}), Succeeds("0 pipe\n1 pipe\n2 pipe\n"));
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  EXPECT_THAT(Tiny({"exec", id, "probe", "fds"}), Succeeds(HasSubstr("0 char\n1 pipe\n2 pipe\n")));
  EXPECT_EQ(Tiny({"exec", id, "probe", "fds", "1"}).out, "0 char\n1 pipe\n2 pipe\n");
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(Leaky, P11_AWorkingFolderOutsideIsRefused) {
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  for (const int fd : {3, 4, 5, 7, 10, 40}) {
    const std::string cwd = absl::StrCat("/proc/self/fd/", fd);
    Plant("/link", cwd);
    for (const std::string& folder : {cwd, std::string("/link")}) {
      for (const Result& result :
           {RunRoot({"-w", folder, "ls", "-a"}), Tiny({"exec", "-w", folder, id, "ls", "-a"}),
            RunOci({"ls", "-a"}, [&](nlohmann::json& c) { c["process"]["cwd"] = folder; })}) {
        EXPECT_NE(result.code, 0) << folder;
        EXPECT_THAT(result.out, Not(HasSubstr("bin"))) << folder;
        EXPECT_THAT(result.out, Not(HasSubstr("secret"))) << folder;
      }
    }
  }
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

std::string Caps(const std::string& inheritable, const std::string& permitted,
                 const std::string& bounding) {
  return absl::StrCat("CapInh:\t", inheritable, "\nCapPrm:\t", permitted, "\nCapEff:\t", permitted,
                      "\nCapBnd:\t", bounding, "\nCapAmb:\t0000000000000000\n");
}

TEST_F(Golden, E04_Capabilities) {
  constexpr char kNone[] = "0000000000000000";
  constexpr char kDefault[] = "00000000a80425fb";
  const std::vector<std::string> show = {"grep", "Cap", "/proc/self/status"};
  const auto run = [&](std::vector<std::string> flags) {
    flags.insert(flags.end(), show.begin(), show.end());
    return RunRoot(flags);
  };
  EXPECT_THAT(run({}), Succeeds(Caps(kNone, kDefault, kDefault)));
  EXPECT_THAT(run({"-u", "1000"}), Succeeds(Caps(kNone, kNone, kDefault)));
  EXPECT_THAT(run({"--cap-drop", "ALL"}), Succeeds(Caps(kNone, kNone, kNone)));
  EXPECT_THAT(run({"--cap-add", "SYS_PTRACE"}),
              Succeeds(Caps(kNone, "00000000a80c25fb", "00000000a80c25fb")));
  EXPECT_THAT(run({"--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE", "-u", "1000"}),
              Succeeds(Caps(kNone, kNone, "0000000000000400")));
  EXPECT_EQ(run({"--cap-add", "NO_SUCH"}).code, 125);
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  const auto exec = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "exec");
    words.push_back(id);
    words.insert(words.end(), show.begin(), show.end());
    return Tiny(words);
  };
  EXPECT_THAT(exec({}), Succeeds(Caps(kNone, kDefault, kDefault)));
  EXPECT_THAT(exec({"-u", "1000"}), Succeeds(Caps(kNone, kNone, kDefault)));
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(Golden, E10_TheEnvironmentIsItsOwn) {
  setenv("TINY_E2E_SECRET", kToken, 1);
  const std::string expected =
      "HOME=/root\nHOSTNAME=box\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/"
      "bin\n";
  const Result result = RunRoot({"-h", "box", "cat", "/proc/self/environ"});
  std::vector<std::string> lines = absl::StrSplit(result.out, '\0', absl::SkipEmpty());
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(absl::StrJoin(lines, "\n") + "\n", expected);
  for (const char* bad : {"=x", "", "A\nB"}) {
    const Result refused = RunRoot({"-e", bad, "env"});
    EXPECT_THAT(refused.out, Not(HasSubstr(kToken))) << bad;
  }
  const std::string id = Detached({"--rootfs", Root(), "-h", "box", "sleep", "1000"});
  EXPECT_THAT(Tiny({"exec", id, "env"}).out, Not(HasSubstr(kToken)));
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
  unsetenv("TINY_E2E_SECRET");
}

// The sessions of the host's users hold keys: neither the program nor what exec adds has them.
TEST_F(Golden, E15_TheSessionKeyringIsItsOwn) {
  constexpr int kJoinSession = 1;
  constexpr int kSessionKeyring = -3;
  ASSERT_GE(syscall(SYS_keyctl, kJoinSession, "tiny-e2e"), 0);
  const long key = syscall(SYS_add_key, "user", "tiny-e2e-key", "x", 1, kSessionKeyring);
  ASSERT_GE(key, 0);
  const std::string number = absl::StrCat(key);
  const std::string expected = "search ENOKEY\nread EACCES\n";
  const std::vector<std::string> unconfined = {"--security-opt", "seccomp=unconfined", "--rootfs",
                                               Root()};
  std::vector<std::string> args = unconfined;
  args.insert(args.end(), {"--rm", "probe", "keys", number});
  EXPECT_THAT(Run(args), Succeeds(expected));
  args = unconfined;
  args.insert(args.end(), {"sleep", "1000"});
  const std::string id = Detached(args);
  EXPECT_THAT(Tiny({"exec", id, "probe", "keys", number}), Succeeds(expected));
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
  EXPECT_THAT(RunOci({"probe", "keys", number}), Succeeds(expected));
}

TEST_F(Golden, RlimitsAreTheCallersAndCoresAreNot) {
  const Result result = RunRoot({"cat", "/proc/self/limits"});
  EXPECT_EQ(result.out, ReadFile("/proc/self/limits").value());
  EXPECT_THAT(RunRoot({"--ulimit", "nofile=100:200", "sh", "-c", "ulimit -n; ulimit -Hn"}),
              Succeeds("100\n200\n"));
}

}  // namespace
}  // namespace tiny::e2e
