// That the leak oracle sees each kind of thing that can be left behind.
#include "e2e/leak_oracle.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "e2e/harness.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class LeakOracleTest : public TinyTest {};

TEST_F(LeakOracleTest, SeesAProcess) {
  const pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  EXPECT_THAT(oracle().Leaks(), ElementsAre(StartsWith(absl::StrCat("process ", pid, " "))));
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  EXPECT_THAT(Leaks(), IsEmpty());
}

TEST_F(LeakOracleTest, SeesAMount) {
  const testing::TempDir dir;
  ASSERT_EQ(mount("tmpfs", dir.path().c_str(), "tmpfs", 0, nullptr), 0);
  EXPECT_THAT(oracle().Leaks(), ElementsAre("mount / on " + dir.path()));
  ASSERT_EQ(umount(dir.path().c_str()), 0);
}

TEST_F(LeakOracleTest, SeesFilesOfItsFolders) {
  ASSERT_OK(MakeDirs(RootPath() + "/volumes/v", 0755));
  ASSERT_OK(MakeDirs(RootPath() + "/containers/c", 0755));
  ASSERT_OK(MakeDirs(RunPath() + "/leases/addresses/bridge", 0755));
  std::filesystem::create_symlink("nowhere", RunPath() + "/leases/addresses/bridge/10.10.0.2");
  EXPECT_THAT(oracle().Leaks(), ::testing::UnorderedElementsAre(
                                    StartsWith("volume "), StartsWith("record "),
                                    "file " + RunPath() + "/leases/addresses/bridge/10.10.0.2"));
  ASSERT_OK(RemoveTree(RootPath()));
  ASSERT_OK(RemoveTree(RunPath()));
}

TEST_F(LeakOracleTest, SeesTemporaryFiles) {
  for (const char* path : {"/dev/shm/tiny-planted", "/tmp/tiny-planted", "/var/tmp/tiny-planted"}) {
    ASSERT_OK(OpenFile(path, O_CREAT | O_WRONLY, 0600));
    EXPECT_THAT(oracle().Leaks(), ElementsAre(absl::StrCat("file ", path)));
    unlink(path);
  }
}

TEST_F(LeakOracleTest, SeesSharedMemory) {
  const int id = shmget(IPC_PRIVATE, 4096, 0600);
  ASSERT_GE(id, 0);
  EXPECT_THAT(oracle().Leaks(), ElementsAre(StartsWith("shm ")));
  shmctl(id, IPC_RMID, nullptr);
}

TEST_F(LeakOracleTest, SeesACgroupInAnyHierarchy) {
  const auto mounts = ReadFile("/proc/self/mountinfo");
  int hierarchies = 0;
  for (const absl::string_view line : absl::StrSplit(*mounts, '\n', absl::SkipEmpty())) {
    if (!absl::StrContains(line, " - cgroup")) continue;
    const std::vector<std::string> fields = absl::StrSplit(line, ' ');
    const std::string path = fields[4] + cgroup_parent() + "/planted";
    ASSERT_OK(MakeDirs(path, 0755));
    EXPECT_THAT(oracle().Leaks(), ElementsAre("cgroup " + path));
    rmdir(path.c_str());
    ++hierarchies;
  }
  EXPECT_GT(hierarchies, 0);
}

TEST_F(LeakOracleTest, SeesAllOfARunningContainer) {
  const std::string id =
      Detached({"--network", "bridge", "-p", "8080:80", "-v", "/anonymous", "sleep", "1000"});
  const std::vector<std::string> leaks = oracle().Leaks();
  EXPECT_THAT(leaks, Contains(HasSubstr("sleep 1000")));
  EXPECT_THAT(leaks, Contains(HasSubstr("tiny-supervisor")));
  EXPECT_THAT(leaks, Contains("record " + RootPath() + "/containers/" + id));
  EXPECT_THAT(leaks, Contains(StartsWith("volume ")));
  EXPECT_THAT(leaks, Contains(HasSubstr("attach.sock")));
  EXPECT_THAT(leaks, Contains(HasSubstr("/leases/addresses/bridge/")));
  EXPECT_THAT(leaks, Contains(HasSubstr("/leases/ports/")));
  EXPECT_THAT(leaks, Contains("nft set dnat4_any has 1 elements"));
  EXPECT_THAT(leaks, Contains(StartsWith("link ")));
  EXPECT_THAT(leaks, Contains(::testing::AllOf(StartsWith("cgroup "), HasSubstr(id))));
  EXPECT_EQ(Tiny({"rm", "-f", "-v", id}).code, 0);
}

TEST_F(LeakOracleTest, ASupervisorKeepsNoFileOfWhatItDid) {
  const std::string id = Detached({"-i", "sh", "-c", "while :; do sleep 0.1; done"});
  const pid_t pid = SupervisorOf(id);
  EXPECT_EQ(Tiny({"exec", id, "true"}).code, 0);
  const std::vector<std::string> before = OpenFilesOf(pid);
  ASSERT_THAT(before, Contains("socket"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Tiny({"exec", id, "true"}).code, 0);
    EXPECT_EQ(Tiny({"exec", "-d", id, "true"}).code, 0);
    EXPECT_EQ(Tiny({"pause", id}).code, 0);
    EXPECT_EQ(Tiny({"unpause", id}).code, 0);
    EXPECT_EQ(Tiny({"update", "--pids-limit", "100", id}).code, 0);
    const pid_t client = Spawn({"attach", "--no-stdin", id});
    kill(client, SIGKILL);
    Finish(client);
  }
  EXPECT_TRUE(WaitUntil(absl::Seconds(20), [&] { return OpenFilesOf(pid) == before; }))
      << ::testing::PrintToString(OpenFilesOf(pid)) << " after "
      << ::testing::PrintToString(before);
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

}  // namespace
}  // namespace tiny::e2e
