// What is left of the network when tiny's processes are killed at any moment, and that tiny itself
// executes nothing for it.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "e2e/network_fixture.h"

namespace tiny::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Clients ("tiny") and supervisors ("tiny-supervisor").
std::vector<pid_t> TinyProcesses() {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    const std::string name = ReadFile(absl::StrCat("/proc/", pid, "/comm")).value_or("");
    if (absl::StartsWith(name, "tiny")) pids.push_back(pid);
  }
  return pids;
}

std::vector<std::string> LeasesIn(const std::string& run_root) {
  std::vector<std::string> leases;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(run_root + "/leases", error)) {
    if (entry.is_symlink()) leases.push_back(entry.path().string());
  }
  return leases;
}

std::vector<std::string> VethsOfTheHost() {
  std::vector<std::string> veths;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net")) {
    const std::string name = entry.path().filename().string();
    if (absl::StartsWith(name, "tv")) veths.push_back(name);
  }
  return veths;
}

TEST_F(NetworkTest, AKillAtAnyMomentOfAStartLeavesNothing) {
  EXPECT_EQ(Tiny({"network", "create", "back"}).code, 0);
  const std::vector<std::string> start =
      RunArgs({"-d", "--name", "victim", "--network", "back", "-p", "8080:80", "-p", "5353:53/udp",
               "sleep", "1000"});
  const absl::Time before = absl::Now();
  EXPECT_EQ(Tiny(start).code, 0);
  const absl::Duration whole = absl::Now() - before;
  RemoveContainers();
  constexpr int kKills = 40;
  for (int i = 0; i < kKills; ++i) {
    const pid_t client = Spawn(start);
    absl::SleepFor(whole * i / kKills);
    // The client, its supervisor, or both in one go.
    for (const pid_t pid : TinyProcesses()) {
      if (i % 3 == 2 || (pid == client) == (i % 3 == 0)) kill(pid, SIGKILL);
    }
    Finish(client);
    // A supervisor whose client is dead may still be about to record its container.
    EXPECT_TRUE(WaitUntil(absl::Seconds(20), [&] {
      // The killed ones that have no parent left are this process's to reap.
      while (waitpid(-1, nullptr, WNOHANG) > 0) {
      }
      RemoveContainers();
      return Tiny({"ps", "-aq"}).out.empty() && TinyProcesses().empty();
    })) << i;
    EXPECT_TRUE(WaitUntil(absl::Seconds(20), [] { return VethsOfTheHost().empty(); })) << i;
    EXPECT_THAT(LeasesIn(RunPath()), IsEmpty()) << i;
  }
  // And what they held can be had.
  EXPECT_EQ(Tiny(start).code, 0);
  EXPECT_EQ(AddressOf("victim"), "10.10.1.2");
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "back"}).code, 0);
}

TEST_F(NetworkTest, AContainerKilledWithItsSupervisorIsSweptByTheNextCommand) {
  Sleeper("bridge", {"--name", "victim", "-p", "8080:80"});
  const std::string pid = Inspect("victim", "{{.State.Pid}}");
  pid_t init = 0;
  ASSERT_TRUE(absl::SimpleAtoi(pid, &init));
  EXPECT_EQ(kill(SupervisorOf("victim"), SIGKILL), 0);
  EXPECT_EQ(kill(init, SIGKILL), 0);
  EXPECT_THAT(LeasesIn(RunPath()), SizeIs(2));
  EXPECT_TRUE(WaitUntil(absl::Seconds(20), [&] {
    (void)Tiny({"ps"});
    return LeasesIn(RunPath()).empty();
  }));
}

// The programs that a command and all that it starts execute outside of containers, itself first.
std::vector<std::string> ProgramsOf(const std::vector<std::string>& argv) {
  const auto own = std::filesystem::read_symlink("/proc/self/ns/mnt");
  std::vector<std::string> programs;
  const pid_t first = fork();
  if (first == 0) {
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    execv(words[0], words.data());
    _exit(99);
  }
  int status = 0;
  EXPECT_EQ(waitpid(first, &status, 0), first);
  constexpr long kOptions = PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                            PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  EXPECT_EQ(ptrace(PTRACE_SETOPTIONS, first, nullptr, kOptions), 0);
  ptrace(PTRACE_CONT, first, nullptr, nullptr);
  std::set<pid_t> traced = {first};
  while (!traced.empty()) {
    const pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0 && errno == ECHILD) break;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (pid == first) {
        EXPECT_EQ(status, 0);
      }
      traced.erase(pid);
      continue;
    }
    // A new one reports itself by a stop of its own.
    const bool is_new = traced.insert(pid).second;
    const int event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) {
      std::error_code error;
      const std::string folder = absl::StrCat("/proc/", pid);
      if (std::filesystem::read_symlink(folder + "/ns/mnt", error) == own) {
        programs.push_back(std::filesystem::read_symlink(folder + "/exe", error).filename());
      }
    }
    const int signal = WSTOPSIG(status);
    const bool pass_on = event == 0 && signal != SIGTRAP && !(is_new && signal == SIGSTOP);
    ptrace(PTRACE_CONT, pid, nullptr, static_cast<long>(pass_on ? signal : 0));
  }
  return programs;
}

TEST_F(NetworkTest, NoProgramIsExecutedForTheNetwork) {
  Sleeper("bridge", {"--name", "web", "-p", "8080:80", "--dns", "192.0.2.2"});
  const std::vector<std::vector<std::string>> kCommands = {
      {"network", "create", "--ipv6", "back"},
      RunArgs({"--rm", "--network", "back", "-p", "8081:80", "-p", "5353:53/udp", "true"}),
      {"network", "connect", "back", "web"},
      {"port", "add", "web", "8082:82"},
      {"port", "rm", "web", "8082:82"},
      {"network", "inspect", "back"},
      {"network", "ls"},
      {"network", "disconnect", "back", "web"},
      {"network", "reload"},
      {"network", "rm", "back"},
  };
  for (const std::vector<std::string>& command : kCommands) {
    EXPECT_THAT(ProgramsOf(CommandLine(command)), ElementsAre("tiny")) << command[1];
  }
  // It would see one.
  EXPECT_THAT(ProgramsOf({"/bin/sh", "-c", "/bin/true; exec /bin/true"}), SizeIs(3));
}

}  // namespace
}  // namespace tiny::e2e
