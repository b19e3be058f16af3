// Races, made certain: the runtime is stopped before each of its system calls in turn, and there
// the world changes, or the call fails.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "e2e/security/fixture.h"
#include "e2e/security/stepper.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Windows : public SecurityTest {
 protected:
  void Exchange(const std::string& a, const std::string& b) {
    ASSERT_EQ(
        renameat2(AT_FDCWD, (Root() + a).c_str(), AT_FDCWD, (Root() + b).c_str(), RENAME_EXCHANGE),
        0);
  }

  // Runs `words` with a and b exchanged before the first of its calls that touches files, before
  // the second, and so on, up to that which executes the program; `check` sees each result.
  void ForEachWindow(const std::vector<std::string>& words, const std::string& a,
                     const std::string& b, const std::function<void(const Result&)>& check) {
    const std::string canary = Snapshot();
    int windows = 1;
    int completed = 0;
    for (int window = 0; window < windows; ++window) {
      int calls = 0;
      bool exchanged = false;
      bool program = false;
      const Result result = RunStepped(words, [&](Call& call) {
        if (program || !TouchesFiles(call)) return;
        program = call.descendant && call.number == SYS_execve;
        if (calls++ != window) return;
        Exchange(a, b);
        exchanged = true;
      });
      windows = std::max(windows, calls);
      if (exchanged) Exchange(a, b);
      if (result.code == 0) ++completed;
      SCOPED_TRACE(absl::StrCat("window ", window, " of ", windows));
      check(result);
      ASSERT_EQ(Snapshot(), canary);
      RunProgram(Oci({"delete", "--force", words.back()}));
    }
    EXPECT_GT(windows, 5);
    EXPECT_GT(completed, 0);
  }
};

void RemoveMounts(nlohmann::json& config, const std::string& prefix) {
  nlohmann::json kept = nlohmann::json::array();
  for (const auto& mount : config["mounts"]) {
    if (!absl::StartsWith(mount["destination"].get<std::string>(), prefix)) kept.push_back(mount);
  }
  config["mounts"] = kept;
}

TEST_F(Windows, P05_P06_P19_Targets) {
  ASSERT_OK(MakeDirs(Root() + "/swap/dir", 0755));
  Plant("/link", absl::StrCat("../../../../../../..", Canary()));
  const auto mounts = [this](nlohmann::json& config) {
    config["mounts"].push_back({{"destination", "/swap/dir"},
                                {"type", "bind"},
                                {"source", Root() + "/tmp"},
                                {"options", {"rbind"}}});
    config["mounts"].push_back({{"destination", "/swap/made/deep"}, {"type", "tmpfs"}});
    config["linux"]["maskedPaths"] = {"/swap/secret", "/swap/dir", "/proc/keys"};
    config["linux"]["readonlyPaths"] = {"/swap", "/proc/sys"};
  };
  ForEachWindow(Bundle({"stat", "-c", "%t:%T", "/proc/keys"}, mounts), "/swap", "/link",
                [this](const Result& result) {
                  EXPECT_THAT(result.code, AnyOf(0, 1, 125)) << result.err;
                  if (result.code == 0) {
                    EXPECT_EQ(result.out, "1:3\n");
                  }
                  RemoveTree(Root() + "/swap/made").IgnoreError();
                });
}

TEST_F(Windows, P07_TheNullDeviceOfTheRoot) {
  const std::string before = ReadFile("/proc/sys/kernel/core_pattern").value();
  ASSERT_OK(MakeDirs(Root() + "/dev", 0755));
  ASSERT_EQ(mknod((Root() + "/dev/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  Plant("/link", "/proc/sys/kernel/core_pattern");
  ForEachWindow(Bundle({"stat", "-c", "%t:%T", "/proc/keys"},
                       [](nlohmann::json& config) { RemoveMounts(config, "/dev"); }),
                "/dev/null", "/link", [](const Result& result) {
                  if (result.code == 0) {
                    EXPECT_EQ(result.out, "1:3\n");
                  }
                });
  EXPECT_EQ(ReadFile("/proc/sys/kernel/core_pattern").value(), before);
}

TEST_F(Windows, P08_P10_TheDevicesOfTheRoot) {
  ASSERT_OK(MakeDirs(Root() + "/dev", 0755));
  Plant("/link", absl::StrCat("../../../../../../..", Canary()));
  ForEachWindow(Bundle({"true"}, [](nlohmann::json& config) { RemoveMounts(config, "/dev"); }),
                "/dev", "/link",
                [](const Result& result) { EXPECT_THAT(result.code, AnyOf(0, 1, 125, 127)); });
}

// The contents of all files there, links not followed.
std::string RegularFilesIn(const std::string& path) {
  namespace stdfs = std::filesystem;
  std::string text;
  const stdfs::file_type type = stdfs::symlink_status(path).type();
  if (type == stdfs::file_type::regular) text = ReadFile(path).value();
  if (type != stdfs::file_type::directory) return text;
  for (const auto& entry : stdfs::directory_iterator(path)) {
    absl::StrAppend(&text, RegularFilesIn(entry.path().string()));
  }
  return text;
}

// Whatever a container exchanges under cp's hands, it gets and gives its own files only.
TEST_F(Windows, B01_Copies) {
  ASSERT_OK(MakeDirs(Root() + "/swap", 0755));
  ASSERT_OK(MakeDirs(Root() + Canary(), 0755));
  WriteIn("/swap/secret", "inside\n");
  WriteIn(Canary() + "/secret", "inside\n");
  Plant("/link", Canary());
  const std::string in = Path("in");
  ASSERT_EQ(RunProgram({"/bin/busybox", "touch", in}).code, 0);
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  const std::string canary = Snapshot();
  for (const std::vector<std::string>& words :
       {CommandLine({"cp", absl::StrCat(id, ":/swap"), Path("out")}),
        CommandLine({"cp", absl::StrCat(id, ":/swap/secret"), Path("out")}),
        CommandLine({"cp", in, absl::StrCat(id, ":/swap/planted")})}) {
    int windows = 1;
    for (int window = 0; window < windows; ++window) {
      int calls = 0;
      bool exchanged = false;
      const Result result = RunStepped(words, [&](Call& call) {
        const bool looks = TouchesFiles(call) || call.number == SYS_openat ||
                           call.number == SYS_newfstatat || call.number == SYS_getdents64;
        // From where it looks into the container.
        if (!looks || (calls == 0 && call.number != SYS_openat2)) return;
        if (calls++ != window) return;
        Exchange("/swap", "/link");
        exchanged = true;
      });
      if (exchanged) Exchange("/swap", "/link");
      windows = std::max(windows, calls);
      EXPECT_THAT(result.code, AnyOf(0, 1));
      EXPECT_THAT(RegularFilesIn(Path("out")), Not(HasSubstr(kToken)));
      ASSERT_EQ(Snapshot(), canary) << "window " << window;
      ASSERT_OK(RemoveTree(Path("out")));
    }
    EXPECT_GT(windows, 3);
  }
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

// The pid of a process in its own, innermost namespace; 0 where that is this process's.
int InnerPid(pid_t pid) {
  const std::string status =
      ReadFile(absl::StrCat("/proc/", pid, "/status")).value_or("NSpid:\t0\n");
  const size_t at = status.find("NSpid:");
  const std::string line = status.substr(at, status.find('\n', at) - at);
  const std::vector<std::string> pids = absl::StrSplit(line, '\t', absl::SkipEmpty());
  return pids.size() > 2 ? atoi(pids.back().c_str()) : 0;
}

TEST_F(Windows, E02_AProcessThatJoinsIsOutOfReach) {
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  const std::map<std::string, std::string> own =
      Table(Tiny({"exec", id, "probe", "process", "1"}).out);
  EXPECT_EQ(own.at("exe"), "ok");
  EXPECT_EQ(own.at("mem"), "ok");
  int looked = 0;
  std::set<uint64_t> seen;
  bool program = false;
  const Result result = RunStepped(CommandLine({"exec", id, "true"}), [&](Call& call) {
    const int pid = call.descendant && !program ? InnerPid(call.pid) : 0;
    program = program || (pid > 0 && call.number == SYS_execve);
    if (pid == 0 || !seen.insert(call.number).second) return;
    ++looked;
    const Result probe = Tiny({"exec", id, "probe", "process", absl::StrCat(pid)});
    EXPECT_EQ(probe.code, 0) << probe.err;
    for (const auto& [what, answer] : Table(probe.out)) {
      EXPECT_THAT(answer, AnyOf("EACCES", "EPERM")) << what << " before call " << call.number;
    }
  });
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_GT(looked, 5);
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

// There a container's root with CAP_SYS_PTRACE may trace whatever does not keep itself from it, up
// to the exec of the stub, whose memory is the user namespace's own.
TEST_F(Windows, E02_NorIsItInReachInAUserNamespace) {
  const std::string root = "/tmp/root";  // as Bazel's folder is private
  std::filesystem::copy(
      Root(), root,
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  // Its own root may make none in the host's folder.
  for (const char* folder : {"/dev", "/proc", "/sys"}) ASSERT_OK(MakeDirs(root + folder, 0755));
  std::vector<std::string> words = Bundle({"sleep", "1000"}, [&root](nlohmann::json& config) {
    config["root"]["path"] = root;
    config["linux"]["namespaces"].push_back({{"type", "user"}});
    for (const char* ids : {"uidMappings", "gidMappings"}) {
      config["linux"][ids] = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
    }
    for (const char* set : {"bounding", "effective", "permitted"}) {
      config["process"]["capabilities"][set] = {"CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_KILL",
                                                "CAP_AUDIT_WRITE", "CAP_NET_BIND_SERVICE"};
    }
  });
  const std::string id = words.back();
  words.insert(words.end() - 1, "--detach");
  words.insert(words.begin(),
               {"/bin/busybox", "sh", "-c", "\"$@\" > /dev/null 2> /tmp/errors", "sh"});
  ASSERT_EQ(RunProgram(words).code, 0) << ReadFile("/tmp/errors").value_or("");
  const std::map<std::string, std::string> sleeper =
      Table(RunProgram(Oci({"exec", id, "probe", "process", "1"})).out);
  EXPECT_EQ(sleeper.at("mem"), "ok");
  int looked = 0;
  std::set<uint64_t> seen;
  bool stub = false;
  const Result result = RunStepped(Oci({"exec", id, "true"}), [&](Call& call) {
    const int pid = call.descendant && !stub ? InnerPid(call.pid) : 0;
    stub = stub || (pid > 0 && call.number == SYS_execveat);
    if (pid == 0 || !seen.insert(call.number).second) return;
    ++looked;
    const Result probe = RunProgram(Oci({"exec", id, "probe", "process", absl::StrCat(pid)}));
    EXPECT_EQ(probe.code, 0) << probe.err;
    for (const auto& [what, answer] : Table(probe.out)) {
      EXPECT_THAT(answer, AnyOf("EACCES", "EPERM")) << what << " before call " << call.number;
    }
  });
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_GT(looked, 2);
  EXPECT_EQ(RunProgram(Oci({"delete", "--force", id})).code, 0);
  ASSERT_OK(RemoveTree(root));
}

TEST_F(Windows, E01_TheStubIsASealedCopy) {
  const std::string binary = CommandLine({})[0];
  constexpr size_t kLimit = 256 << 20;  // far more than is shipped, for what sanitizers add
  const std::string before = ReadFile(binary, kLimit).value();
  int looked = 0;
  for (const std::vector<std::string>& words :
       {CommandLine(RootArgs({"true"})), Bundle({"true"}), Bundle({"/proc/self/exe"}),
        CommandLine(RootArgs({"/proc/self/exe"})), CommandLine(RootArgs({"/script"}))}) {
    WriteIn("/script", "#!/proc/self/exe\n", 0755);
    RunStepped(words, [&](Call& call) {
      if (!call.descendant || call.number != SYS_execve) return;
      const std::string exe = absl::StrCat("/proc/", call.pid, "/exe");
      char target[256] = {};
      ASSERT_GT(readlink(exe.c_str(), target, sizeof(target) - 1), 0);
      if (!absl::StrContains(target, "memfd")) return;  // the program's own
      const int fd = open(exe.c_str(), O_RDONLY | O_CLOEXEC);
      constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
      EXPECT_EQ(fcntl(fd, F_GET_SEALS) & kSeals, kSeals);
      EXPECT_LT(open(exe.c_str(), O_RDWR | O_CLOEXEC), 0);
      close(fd);
      ++looked;
    });
  }
  EXPECT_GE(looked, 5);
  EXPECT_EQ(ReadFile(binary, kLimit).value(), before);
}

TEST_F(Windows, E01_NoExecutableOfTheHostIsSeenInside) {
  const std::string id = Detached({"--rootfs", Root(), "probe", "overwrite"});
  EXPECT_TRUE(WaitUntil(absl::Seconds(20), [&] { return Tiny({"logs", id}).out != ""; }));
  for (int i = 0; i < 15; ++i) EXPECT_EQ(Tiny({"exec", id, "true"}).code, 0);
  EXPECT_EQ(Tiny({"logs", id}).out, "watching\n");
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

}  // namespace
}  // namespace tiny::e2e
