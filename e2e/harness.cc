#include "e2e/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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
  // Nobody reads the output yet, without which the program may not take all of its input.
  if (input.size() > 65536) fcntl(in[1], F_SETPIPE_SZ, static_cast<int>(input.size()));
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
  oracle_ = std::make_unique<LeakOracle>(LeakOracle::Places{RootPath(), RunPath(), cgroup_parent_});
}

void TinyTest::TearDown() {
  if (oracle_ == nullptr) return;
  for (const std::string& leak : Leaks()) ADD_FAILURE() << "left behind: " << leak;
  oracle_->CleanUp();
}

std::vector<std::string> TinyTest::Leaks() const {
  // The last process of a detached container may be about to end, and the kernel takes its time
  // over a dead network namespace's interfaces.
  std::vector<std::string> leaks;
  WaitUntil(absl::Seconds(20), [&] {
    leaks = oracle_->Leaks();
    return leaks.empty();
  });
  return leaks;
}

std::vector<std::string> TinyTest::CommandLine(const std::vector<std::string>& args) const {
  std::vector<std::string> all = {Binary(), "--root", RootPath(), "--run-root", RunPath()};
  all.insert(all.end(), args.begin(), args.end());
  return all;
}

pid_t TinyTest::Spawn(const std::vector<std::string>& args) {
  return StartProcess(CommandLine(args), "");
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
  return RunProgram(CommandLine(args), input);
}

Result TinyTest::RunProgram(const std::vector<std::string>& words, const std::string& input) {
  return Finish(StartProcess(words, input));
}

std::vector<std::string> TinyTest::RunArgs(const std::vector<std::string>& args) const {
  std::vector<std::string> all = {"run", "--cgroup-parent", cgroup_parent_, "--rootfs", "/:O"};
  // A test's own --rootfs stands later, and wins; networks would add up.
  if (std::count(args.begin(), args.end(), "--network") == 0) {
    all.insert(all.end(), {"--network", "none"});
  }
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

pid_t TinyTest::SupervisorOf(const std::string& container) {
  pid_t pid = 0;
  EXPECT_TRUE(absl::SimpleAtoi(Inspect(container, "{{.State.SupervisorPid}}"), &pid));
  return pid;
}

bool TinyTest::Eventually(const std::vector<std::string>& args, const std::string& out) {
  return WaitUntil(absl::Seconds(20), [&] { return Tiny(args).out == out; });
}

}  // namespace tiny::e2e
