#include "e2e/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/unique_fd.h"
#include "cgroup/cgroup.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

constexpr absl::Duration kLimit = absl::Seconds(60);

std::string Binary() {
  static const std::string* const path =
      new std::string(std::filesystem::absolute("cli/tiny").string());
  return *path;
}

struct Child {
  UniqueFd out;
  UniqueFd err;
};
std::map<pid_t, Child>& Children() {
  static auto* const children = new std::map<pid_t, Child>;
  return *children;
}

int ShellStatus(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

pid_t StartProcess(const std::vector<std::string>& args, const std::string& input) {
  int out[2];
  int err[2];
  int in[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0 || pipe2(in, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "pipe2";
    return -1;
  }
  std::vector<char*> argv;
  for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    execv(argv[0], argv.data());
    _exit(99);
  }
  for (const int fd : {in[0], out[1], err[1]}) close(fd);
  EXPECT_OK(WriteAll(in[1], input, "stdin"));
  close(in[1]);
  Children()[pid] = {UniqueFd(out[0]), UniqueFd(err[0])};
  return pid;
}

// What a detached supervisor holds open of stdout must not keep this from ending, so it goes by the
// process's end and not by that of the file.
void Drain(int fd, std::string& text) {
  char buffer[65536];
  pollfd poller = {fd, POLLIN, 0};
  while (poll(&poller, 1, 0) > 0) {
    const ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count <= 0) return;
    text.append(buffer, static_cast<size_t>(count));
  }
}

std::vector<std::string> Lines(const std::string& path) {
  return absl::StrSplit(ReadFile(path).value_or(""), '\n', absl::SkipEmpty());
}

std::vector<std::string> MountPoints() {
  std::vector<std::string> result;
  for (const std::string& line : Lines("/proc/self/mountinfo")) {
    const std::vector<std::string> fields = absl::StrSplit(line, ' ');
    result.push_back(absl::StrCat(fields[3], " on ", fields[4]));
  }
  return result;
}

// The bridge stays, as in Docker.
std::vector<std::string> NetworkLinks() {
  std::vector<std::string> result;
  for (const std::string& line : Lines("/proc/net/dev")) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
    const std::string name(absl::StripAsciiWhitespace(parts[0]));
    if (parts.size() == 2 && !absl::StartsWith(name, "td")) result.push_back(name);
  }
  return result;
}

std::vector<std::string> Processes() {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = 0;
    const std::string name = entry.path().filename().string();
    if (!absl::SimpleAtoi(name, &pid) || pid == getpid()) continue;
    std::string command = ReadFile(absl::StrCat("/proc/", pid, "/cmdline")).value_or("");
    std::replace(command.begin(), command.end(), '\0', ' ');
    if (PathExists(absl::StrCat("/proc/", pid))) {
      result.push_back(absl::StrCat("process ", pid, " ", command));
    }
  }
  return result;
}

void ReapOrphans() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

void AddFiles(const std::string& root, std::vector<std::string>& leaks) {
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root, error)) {
    const std::string path = entry.path().string();
    const std::string name = entry.path().filename().string();
    // What is made once and stays: the locks and the description of the default network.
    const bool stays = entry.is_directory() || absl::EndsWith(name, "lock") ||
                       absl::StrContains(path, "/networks/") || absl::StartsWith(name, "events");
    if (!stays) leaks.push_back(absl::StrCat("file ", path));
    if (entry.is_directory() && entry.path().parent_path().filename() == "containers") {
      leaks.push_back(absl::StrCat("record ", path));
    }
  }
}

}  // namespace

void PrintTo(const Result& result, std::ostream* stream) {
  *stream << "exit code " << result.code << "\nstdout: " << result.out
          << "\nstderr: " << result.err;
}

bool IsClearError(const Result& result, int code, const std::string& text, std::string* why) {
  const std::vector<std::string> lines = absl::StrSplit(result.err, '\n', absl::SkipEmpty());
  if (result.code != code) *why = absl::StrCat("the exit code is ", result.code);
  if (!result.out.empty()) *why = "there is output on stdout";
  if (lines.empty() || lines.size() > 2) {
    *why = absl::StrCat("stderr has ", lines.size(), " lines");
  } else if (!absl::StartsWith(lines[0], "tiny: ")) {
    *why = "stderr does not begin with \"tiny: \"";
  } else if (lines.size() == 2 && !absl::StartsWith(lines[1], "hint: ")) {
    *why = "the second line is not a hint";
  } else if (!absl::StrContains(lines[0], text)) {
    *why = absl::StrCat("the first line does not have \"", text, "\"");
  }
  return why->empty();
}

bool WaitUntil(absl::Duration limit, const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + limit;
  while (!condition()) {
    if (absl::Now() > end) return false;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return true;
}

void TinyTest::SetUp() {
  if (!testing::HavePrivilege()) GTEST_SKIP() << "needs root";
  dir_ = std::make_unique<testing::TempDir>();
  cgroup_parent_ = absl::StrCat("/tiny-e2e-", absl::ToUnixNanos(absl::Now()));
  mounts_ = MountPoints();
  links_ = NetworkLinks();
}

void TinyTest::TearDown() {
  if (dir_ == nullptr) return;
  // The last process of a detached container may be about to end.
  WaitUntil(absl::Seconds(5), [&] { return Leaks().empty(); });
  for (const std::string& leak : Leaks()) ADD_FAILURE() << "left behind: " << leak;
  for (const std::string& process : Processes()) {
    pid_t pid = 0;
    const std::vector<std::string> words = absl::StrSplit(process, ' ');
    if (absl::SimpleAtoi(words[1], &pid)) kill(pid, SIGKILL);
  }
  const auto hierarchy = cgroup::Hierarchy::Detect();
  auto parent = cgroup::Cgroup::Open(*hierarchy, cgroup_parent_);
  if (parent.ok()) {
    EXPECT_OK(parent->Remove());
  }
  ReapOrphans();
}

std::vector<std::string> TinyTest::Leaks() {
  ReapOrphans();
  std::vector<std::string> leaks = Processes();
  for (const std::string& mount : MountPoints()) {
    if (std::count(mounts_.begin(), mounts_.end(), mount) == 0) leaks.push_back("mount " + mount);
  }
  for (const std::string& link : NetworkLinks()) {
    if (std::count(links_.begin(), links_.end(), link) == 0) leaks.push_back("link " + link);
  }
  const auto hierarchy = cgroup::Hierarchy::Detect();
  std::vector<std::string> trees = {hierarchy->unified()};
  for (const auto& tree : hierarchy->legacy()) trees.push_back(tree.mount_point);
  for (const std::string& tree : trees) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(tree + cgroup_parent_, error)) {
      if (entry.is_directory()) leaks.push_back("cgroup " + entry.path().string());
    }
  }
  AddFiles(RootPath(), leaks);
  AddFiles(RunPath(), leaks);
  return leaks;
}

pid_t TinyTest::Spawn(const std::vector<std::string>& args) {
  std::vector<std::string> all = {Binary(), "--root", RootPath(), "--run-root", RunPath()};
  all.insert(all.end(), args.begin(), args.end());
  return StartProcess(all, "");
}

Result TinyTest::Finish(pid_t pid) {
  Result result;
  Child& child = Children()[pid];
  int status = 0;
  const bool ended = WaitUntil(kLimit, [&] {
    Drain(child.out.get(), result.out);
    Drain(child.err.get(), result.err);
    return waitpid(pid, &status, WNOHANG) == pid;
  });
  if (!ended) {
    ADD_FAILURE() << "tiny did not end within " << absl::FormatDuration(kLimit);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  Drain(child.out.get(), result.out);
  Drain(child.err.get(), result.err);
  Children().erase(pid);
  result.code = ShellStatus(status);
  return result;
}

Result TinyTest::Tiny(const std::vector<std::string>& args, const std::string& input) {
  std::vector<std::string> all = {Binary(), "--root", RootPath(), "--run-root", RunPath()};
  all.insert(all.end(), args.begin(), args.end());
  return Finish(StartProcess(all, input));
}

std::vector<std::string> TinyTest::RunArgs(const std::vector<std::string>& args) const {
  std::vector<std::string> all = {"run",  "--cgroup-parent", cgroup_parent_, "--network",
                                  "none", "--rootfs",        "/:O"};
  // A test's own --rootfs or --network stands later, and wins.
  all.insert(all.end(), args.begin(), args.end());
  return all;
}

Result TinyTest::Run(const std::vector<std::string>& args) { return Tiny(RunArgs(args)); }

std::string TinyTest::Detached(const std::vector<std::string>& args) {
  std::vector<std::string> all = {"-d"};
  all.insert(all.end(), args.begin(), args.end());
  const Result result = Run(all);
  EXPECT_EQ(result.code, 0) << result.err;
  return std::string(absl::StripAsciiWhitespace(result.out));
}

std::string TinyTest::Inspect(const std::string& container, const std::string& format) {
  const Result result = Tiny({"inspect", "--format", format, container});
  EXPECT_EQ(result.code, 0) << result.err;
  return std::string(absl::StripAsciiWhitespace(result.out));
}

bool TinyTest::Eventually(const std::vector<std::string>& args, const std::string& out) {
  return WaitUntil(absl::Seconds(20), [&] { return Tiny(args).out == out; });
}

}  // namespace tiny::e2e
