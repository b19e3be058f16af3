// What the host, its terminals and its other users are safe from.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/unique_fd.h"
#include "e2e/security/fixture.h"
#include "e2e/security/stepper.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Host = SecurityTest;

constexpr uid_t kNobody = 65534;

// Runs a program as that user, or on a terminal.
Result RunIn(const std::vector<std::string>& words, const std::function<void()>& prepare) {
  const UniqueFd output(memfd_create("output", MFD_CLOEXEC));
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(output.get(), 1);
    dup2(output.get(), 2);
    prepare();
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(errno);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  lseek(output.get(), 0, SEEK_SET);
  return {.code = WEXITSTATUS(status), .err = ReadFd(output.get(), "output").value()};
}

void BecomeNobody() {
  if (setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0) {
    _exit(98);
  }
}

TEST_F(Host, E05_UsersAreWhatTheySay) {
  WriteIn("/etc/passwd", "root:x:0:0::/root:/bin/sh\n1000:x:0:0::/:/bin/sh\nuser:x:7:8::/:/\n");
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  const std::map<std::string, std::string> users = {{"0", "0 0\n"},
                                                    {"user", "7 8\n"},
                                                    {"1000", "1000 0\n"},
                                                    {"7", "7 8\n"},
                                                    {"5:6", "5 6\n"},
                                                    {"user:9", "7 9\n"},
                                                    {"4294967294", "4294967294 0\n"},
                                                    {"4294967295", ""},
                                                    {"4294967296", ""},
                                                    {"18446744073709551616", ""},
                                                    {"-1", ""},
                                                    {"+1", ""},
                                                    {"0x0", ""},
                                                    {" 0", ""},
                                                    {"root ", ""},
                                                    {"1:", "1 0\n"},
                                                    {"nobody-here", ""},
                                                    {"0:4294967295", ""},
                                                    {"1e1", ""},
                                                    {"root:-1", ""},
                                                    {"../0", ""},
                                                    {"0\n", ""}};
  for (const auto& [user, ids] : users) {
    const Result ran = RunRoot({"-u", user, "sh", "-c", "echo $(id -u) $(id -g)"});
    const Result added = Tiny({"exec", "-u", user, id, "sh", "-c", "echo $(id -u) $(id -g)"});
    EXPECT_EQ(ran.out, ids) << user;
    EXPECT_EQ(added.out, ids) << user;
    EXPECT_EQ(ran.code, ids.empty() ? 125 : 0) << user;
    EXPECT_EQ(added.code == 0, !ids.empty()) << user;
  }
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

// A file that a group is kept from is not read by leaving the group out.
TEST_F(Host, E06_GroupsAreAllThere) {
  WriteIn("/kept", "kept\n", 0604);
  ASSERT_EQ(chown((Root() + "/kept").c_str(), 0, 1001), 0);
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  for (const char* user : {"user", "1000", "1000:1001", "5:1001"}) {
    EXPECT_EQ(RunRoot({"-u", user, "cat", "/kept"}).code, 1) << user;
    EXPECT_EQ(Tiny({"exec", "-u", user, id, "cat", "/kept"}).code, 1) << user;
  }
  EXPECT_EQ(RunRoot({"-u", "5:5", "--group-add", "extra", "cat", "/kept"}).code, 1);
  EXPECT_THAT(RunRoot({"-u", "5:5", "cat", "/kept"}), Succeeds("kept\n"));
  EXPECT_THAT(RunRoot({"-u", "user", "id", "-G"}), Succeeds("1000 1001\n"));
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(Host, E07_NoCodeOfTheContainersRunsOutsideOfIt) {
  const std::string evil = "#!/bin/sh\ntouch /marker\n";
  for (const char* file : {"/lib/x86_64-linux-gnu/libnss_files.so.2", "/etc/ld.so.preload",
                           "/lib64/ld-linux-x86-64.so.2", "/usr/bin/xz", "/usr/bin/tar",
                           "/usr/bin/ps", "/bin/tar", "/bin/ps", "/etc/nsswitch.conf"}) {
    ASSERT_OK(MakeDirs(std::filesystem::path(Root() + file).parent_path().string(), 0755));
    WriteIn(file, evil, 0755);
  }
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"cp", absl::StrCat(id, ":/etc"), Path("out")},
           {"cp", Root() + "/etc/passwd", absl::StrCat(id, ":/tmp")},
           {"top", id},
           {"exec", "-u", "user", id, "/bin/true"}}) {
    int programs = 0;
    bool inside = false;
    const Result result = RunStepped(CommandLine(words), [&](Call& call) {
      if (call.number == SYS_execve && call.descendant) inside = true;
      if (call.number == SYS_execve || call.number == SYS_execveat) ++programs;
      if (inside || (call.number != SYS_openat && call.number != SYS_openat2)) return;
      const std::string path = call.Text(1);
      const bool library = absl::StrContains(path, ".so") || absl::StrContains(path, "nsswitch");
      EXPECT_FALSE(library && path[0] == '/') << path;
    });
    EXPECT_EQ(result.code, 0) << result.err;
    // tiny itself; for exec the stub and the program.
    EXPECT_EQ(programs, words[0] == "exec" ? 3 : 1) << words[0];
  }
  EXPECT_FALSE(PathExists(Root() + "/marker"));
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

// Runs `words` on a terminal of its own; what was typed into it meanwhile, as its owner sees it.
std::string TypedInto(const std::vector<std::string>& words, std::string* output) {
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  grantpt(master);
  unlockpt(master);
  const int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios settings;
  tcgetattr(slave, &settings);
  cfmakeraw(&settings);
  tcsetattr(slave, TCSANOW, &settings);
  const pid_t pid = fork();
  if (pid == 0) {
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; ++fd) dup2(slave, fd);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(99);
  }
  int status = 0;
  WaitUntil(absl::Seconds(60), [&] {
    pollfd poller = {master, POLLIN, 0};
    char buffer[4096];
    while (poll(&poller, 1, 0) > 0 && (poller.revents & POLLIN) != 0) {
      const ssize_t count = read(master, buffer, sizeof(buffer));
      if (count <= 0) break;
      output->append(buffer, static_cast<size_t>(count));
    }
    return waitpid(pid, &status, WNOHANG) == pid;
  });
  int pending = 0;
  ioctl(slave, FIONREAD, &pending);
  std::string typed(static_cast<size_t>(pending), '\0');
  if (pending > 0) typed.resize(static_cast<size_t>(read(slave, typed.data(), typed.size())));
  close(slave);
  close(master);
  return typed;
}

TEST_F(Host, E08_NothingIsTypedIntoTheHostsTerminal) {
  std::string output;
  // That it can be typed into at all, by who has it.
  ASSERT_THAT(TypedInto({Root() + "/bin/probe", "terminals"}, &output), HasSubstr("!"));
  const std::string id = Detached({"--rootfs", Root(), "sleep", "1000"});
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{}, {"-i"}, {"-t"}, {"-i", "-t"}}) {
    std::vector<std::string> words = flags;
    words.insert(words.end(), {"probe", "terminals"});
    output.clear();
    EXPECT_EQ(TypedInto(CommandLine(RootArgs(words)), &output), "");
    EXPECT_THAT(output, HasSubstr("/proc/self/fd/1"));
    words = {"exec"};
    words.insert(words.end(), flags.begin(), flags.end());
    words.insert(words.end(), {id, "probe", "terminals"});
    output.clear();
    EXPECT_EQ(TypedInto(CommandLine(words), &output), "");
    EXPECT_THAT(output, HasSubstr("/proc/self/fd/1"));
  }
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

bool IsPlain(const std::string& text) {
  for (const unsigned char c : text) {
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) return false;
  }
  return !absl::StrContains(text, "\xe2\x80\xae") && !absl::StrContains(text, "\xc2\x9b");
}

TEST_F(Host, E09_NoEscapesReachTheTerminal) {
  const std::string evil = "\x1b]52;c;eA==\x07\x1b[31m\xe2\x80\xae\xc2\x9b\x7f";
  const std::string label = absl::StrCat("key=", evil);
  const std::string id =
      Detached({"--rootfs", Root(), "--label", label, "-e", absl::StrCat("E=", evil), "sh", "-c",
                absl::StrCat("sleep 1000; : ", evil)});
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"ps", "--no-trunc"},
           {"ps", "--format", "{{.Labels}} {{.Command}}"},
           {"ps", "--format", "json"},
           {"inspect", id},
           {"inspect", "--format", "{{.Config.Labels}} {{.Config.Env}} {{.Config.Cmd}}", id},
           {"inspect", "--format", "{{json .Config}}", id},
           {"top", id},
           {"events", "--since", "1h", "--until", "0s"},
           {"rm", evil},
           {"inspect", evil},
           {evil},
           {absl::StrCat("--", evil)},
           {"run", "--rootfs", evil, "true"},
           {"run", "--rootfs", Root(), "--name", evil, "true"},
           {"run", "--rootfs", Root(), "-h", evil, "true"},
           {"run", "--rootfs", Root(), "-u", evil, "true"},
           {"run", "--rootfs", Root(), "--network", "none", "--rm", evil},
           {"volume", "create", evil},
           {"network", "create", evil},
           {"ps", "--filter", evil},
           {"ps", "--format", absl::StrCat("{{", evil)}}) {
    std::string output;
    TypedInto(CommandLine(words), &output);
    EXPECT_TRUE(IsPlain(output)) << words[0] << " " << words.back() << output;
    EXPECT_NE(output, "") << words[0];
  }
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(Host, E11_NoLineIsSmuggledIntoGeneratedFiles) {
  const std::vector<std::string> count = {"sh", "-c",
                                          "cat /etc/hosts /etc/hostname /etc/resolv.conf | wc -l"};
  const auto lines = [&](std::vector<std::string> flags) {
    flags.insert(flags.end(), count.begin(), count.end());
    const Result result = RunRoot(flags);
    int number = -1;
    EXPECT_TRUE(result.code != 0 || absl::SimpleAtoi(result.out, &number)) << result.out;
    return std::make_pair(result.code, number);
  };
  const auto plain = lines({});
  EXPECT_EQ(plain.first, 0);
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{"-h", "a\n6.6.6.6 evil"},
                                             {"-h", "a b"},
                                             {"--domainname", "a\nb"},
                                             {"--add-host", "a\n6.6.6.6 b:1.2.3.4"},
                                             {"--add-host", "a:1.2.3.4\n6.6.6.6 b"},
                                             {"--add-host", "a b:1.2.3.4"},
                                             {"--dns", "1.2.3.4\nnameserver 6.6.6.6"},
                                             {"--dns-search", "a\nnameserver 6.6.6.6"},
                                             {"--dns-option", "a\nnameserver 6.6.6.6"},
                                             {"--network-alias", "a\n6.6.6.6 evil"}}) {
    const auto [code, number] = lines(flags);
    if (code == 0) {
      EXPECT_EQ(number, plain.second) << flags[0] << " " << flags[1];
    } else {
      EXPECT_EQ(code, 125) << flags[0];
    }
  }
  EXPECT_EQ(lines({"-e", "HOME=/\nevil:x:0:0::/:/bin/sh"}), plain);
}

TEST_F(Host, E13_X01_SocketsAndFoldersAreTheOwnersAlone) {
  ASSERT_OK(MakeDirs(RootPath(), 0755));
  const mode_t before = umask(0);
  const std::string id = Detached({"--rootfs", Root(), "-t", "-v", "data:/data", "sleep", "1000"});
  umask(before);
  EXPECT_THAT(ReadFile("/proc/net/unix").value(), Not(HasSubstr("@")));
  int sockets = 0;
  for (const std::string& root : {RootPath(), RunPath()}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      struct stat file;
      ASSERT_EQ(lstat(entry.path().c_str(), &file), 0);
      const std::string name = entry.path().filename();
      const bool shown = name == "hosts" || name == "hostname" || name == "resolv.conf" ||
                         absl::StartsWith(entry.path().string(), RootPath() + "/volumes/data/");
      if (S_ISSOCK(file.st_mode)) ++sockets;
      if (S_ISLNK(file.st_mode)) continue;
      EXPECT_EQ(file.st_mode & (shown ? 022 : 077), 0U) << entry.path();
      EXPECT_EQ(file.st_mode & 06000, 0U) << entry.path();
    }
  }
  EXPECT_GE(sockets, 1);
  // Another user gets to none of it, be it ever so executable.
  for (const std::string& path :
       {RunPath() + "/" + id, RootPath() + "/containers", RootPath() + "/volumes"}) {
    EXPECT_NE(RunIn({"/bin/busybox", "ls", path + "/"}, BecomeNobody).code, 0) << path;
  }
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
  EXPECT_EQ(Tiny({"volume", "rm", "data"}).code, 0);
}

TEST_F(Host, E14_ASetuidCopyDoesNothing) {
  // Where another user gets to.
  const std::string folder = absl::StrCat("/tmp/setuid.", getpid());
  ASSERT_OK(MakeDirs(folder, 0755));
  for (const std::string& name : {std::string("cli/tiny"), std::string("oci/cli/tiny-oci")}) {
    const std::string copy = folder + "/copy";
    std::filesystem::copy_file(name, copy, std::filesystem::copy_options::overwrite_existing);
    ASSERT_EQ(chmod(copy.c_str(), 04755), 0);
    const Result result = RunIn({copy, "--root", folder + "/state", "ps"}, BecomeNobody);
    EXPECT_EQ(result.code, name == "cli/tiny" ? 125 : 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr("setuid"));
    EXPECT_FALSE(PathExists(folder + "/state"));
  }
  EXPECT_OK(RemoveTree(folder));
}

int64_t KilobytesOf(pid_t pid, const std::string& field) {
  const std::string text = ReadFile(absl::StrCat("/proc/", pid, "/status")).value_or("");
  const size_t at = text.find(field);
  return at == std::string::npos ? -1 : atoll(text.c_str() + at + field.size());
}

// A container that floods, and a client that does not read: the supervisor neither keeps what it
// has read, nor does the log outgrow its limit.
TEST_F(Host, D01_AFloodFillsNeitherMemoryNorDisk) {
  const char* script = "sleep 1; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done";
  const std::string id = Detached({"--rootfs", Root(), "--log-opt", "max-size=1m", "--log-opt",
                                   "max-file=2", "sh", "-c", script});
  const pid_t client = Spawn({"attach", "--no-stdin", id});
  kill(client, SIGSTOP);
  pid_t init = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Inspect(id, "{{.State.Pid}}"), &init));
  const auto written = [&] {
    const std::string io = ReadFile(absl::StrCat("/proc/", init, "/io")).value_or("wchar: 0");
    return atoll(io.c_str() + io.find("wchar:") + 6);
  };
  EXPECT_TRUE(WaitUntil(absl::Seconds(60), [&] { return written() > 8 << 20; })) << written();
  EXPECT_LT(KilobytesOf(SupervisorOf(id), "VmHWM:"), 12 << 10);
  uintmax_t logged = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat(RootPath(), "/containers/", id))) {
    if (entry.is_regular_file()) logged += entry.file_size();
  }
  EXPECT_LT(logged, 3U << 20);
  kill(client, SIGKILL);
  kill(client, SIGCONT);
  Finish(client);
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(Host, D02_HugeRangesAreRefused) {
  for (const std::string& cpus : std::vector<std::string>{
           "0-4294967295", "9999999999", "0-18446744073709551615", "4294967295-0", "-1", "0-",
           std::string(1 << 16, '0') + "-4294967295"}) {
    EXPECT_EQ(RunRoot({"--cpuset-cpus", cpus, "true"}).code, 125);
    EXPECT_EQ(RunRoot({"--cpuset-mems", cpus, "true"}).code, 125);
  }
}

TEST_F(Host, D04_AForkBombStaysInside) {
  const std::string id = Detached(
      {"--rootfs", Root(), "--pids-limit", "64", "sh", "-c", "b() { b | b & }; b; sleep 1000"});
  EXPECT_THAT(RunRoot({"echo", "alive"}), Succeeds("alive\n"));
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

}  // namespace
}  // namespace tiny::e2e
