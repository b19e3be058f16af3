// What the commands on a running container do: exec, cp, pause, rename, wait, update, --init,
// --cidfile, restart policies and health checks.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "e2e/harness.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

MATCHER_P(ContentsAre, text, "") { return arg.ok() && *arg == text; }

class CommandsTest : public TinyTest {
 protected:
  void Remove(const std::string& name) { EXPECT_EQ(Tiny({"rm", "-f", name}).code, 0); }
  bool Becomes(const std::string& name, const std::string& format, const std::string& value) {
    return Eventually({"inspect", "-f", format, name}, value + "\n");
  }
};

TEST_F(CommandsTest, ExecHasItsOwnEnvironmentUserAndFolder) {
  const std::string id = Detached({"-e", "A=outer", "-e", "B=kept", "sleep", "1000"});
  EXPECT_THAT(Tiny({"exec", "-e", "A=inner", id, "sh", "-c", "echo $A $B"}),
              Succeeds("inner kept\n"));
  EXPECT_THAT(Tiny({"exec", "-u", "12:34", "-w", "/tmp", id, "sh", "-c", "id -u; id -g; pwd"}),
              Succeeds("12\n34\n/tmp\n"));
  EXPECT_THAT(Tiny({"exec", "-i", id, "cat"}, "from outside"), Succeeds("from outside"));
  EXPECT_THAT(Tiny({"exec", id, "cat"}, "unseen"), Succeeds(""));
  EXPECT_THAT(Tiny({"exec", id, "sh", "-c", "echo out; echo err >&2"}),
              AllOf(Succeeds("out\n"), Field(&Result::err, "err\n")));
  Remove(id);
}

TEST_F(CommandsTest, ExecExitsAsItsProgram) {
  const std::string id = Detached({"sleep", "1000"});
  EXPECT_EQ(Tiny({"exec", id, "sh", "-c", "exit 42"}).code, 42);
  EXPECT_EQ(Tiny({"exec", id, "sh", "-c", "kill -9 $$"}).code, 137);
  EXPECT_EQ(Tiny({"exec", id, "sh", "-c", "kill -15 $$"}).code, 143);
  EXPECT_THAT(Tiny({"exec", id, "no-such-program"}), FailsClearly(127, "no-such-program"));
  EXPECT_THAT(Tiny({"exec", id, "/etc/passwd"}), FailsClearly(126, "/etc/passwd"));
  EXPECT_THAT(Tiny({"exec", id, "/etc"}), FailsClearly(126, "/etc"));
  EXPECT_THAT(Tiny({"exec", "-u", "no-such-user", id, "true"}), FailsClearly(126, "no-such-user"));
  EXPECT_THAT(Tiny({"exec", "-w", "/no/such", id, "true"}), FailsClearly(126, "/no/such"));
  EXPECT_EQ(Tiny({"pause", id}).code, 0);
  EXPECT_THAT(Tiny({"exec", id, "true"}), FailsClearly(1, "paused"));
  EXPECT_EQ(Tiny({"kill", id}).code, 0);
  EXPECT_THAT(Tiny({"exec", id, "true"}), FailsClearly(1, "not running"));
  Remove(id);
}

TEST_F(CommandsTest, OutputThatIsLostIsAnError) {
  const std::string id = Detached({"sleep", "1000"});
  const auto to_full_disk = [&](const std::vector<std::string>& args) {
    std::vector<std::string> words = {"/bin/sh", "-c", "exec timeout 20 \"$@\" > /dev/full", "sh"};
    for (const std::string& word : CommandLine(args)) words.push_back(word);
    return RunProgram(words);
  };
  const std::string why = "write to standard output: no space left on device";
  for (const std::vector<std::string>& args : {std::vector<std::string>{"ps"},
                                               {"inspect", id},
                                               {"info"},
                                               {"events", "--since", "1h"},
                                               {"exec", id, "ls", "/"},
                                               RunArgs({"--rm", "echo", "hi"})}) {
    EXPECT_THAT(to_full_disk(args), FailsClearly(1, why)) << args[0];
  }
  EXPECT_THAT(to_full_disk({"exec", id, "sh", "-c", "ls /; exit 4"}), FailsClearly(4, why));
  EXPECT_THAT(to_full_disk(RunArgs({"--rm", "sh", "-c", "echo hi; exit 3"})), FailsClearly(3, why));
  Remove(id);
}

TEST_F(CommandsTest, ZeroAndEmptyValuesAreTheDefaults) {
  const char* kFacts = "df /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2; hostname | wc -c";
  EXPECT_THAT(Run({"--rm", "-m",     "0",  "--memory-swap", "0", "--memory-reservation",
                   "0",    "--cpus", "0",  "--shm-size",    "0", "--pids-limit",
                   "0",    "-h",     "",   "--domainname",  "",  "--cidfile",
                   "",     "sh",     "-c", kFacts}),
              Succeeds("65536\n13\n"));
  EXPECT_THAT(Tiny({"create", "--name", "any-port", "--rootfs", "/:O", "-p", "0:80", "true"}).err,
              "");
  EXPECT_EQ(Inspect("any-port", "{{json .HostConfig.PortBindings}}"),
            R"({"80/tcp":[{"HostIp":"","HostPort":""}]})");
  Remove("any-port");
}

// What the program says on standard error to a user without privileges.
std::string ToldToNobody(const std::string& program, const std::string& home,
                         std::vector<std::string> words) {
  words.insert(words.begin(), program);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string variables[] = {absl::StrCat("HOME=", home), absl::StrCat("XDG_RUNTIME_DIR=", home)};
  char* environment[] = {variables[0].data(), variables[1].data(), nullptr};
  int output[2];
  EXPECT_EQ(pipe(output), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    constexpr uid_t kNobody = 65534;
    dup2(output[1], STDERR_FILENO);
    if (chdir("/") == 0 && setgroups(0, nullptr) == 0 &&
        setresgid(kNobody, kNobody, kNobody) == 0 && setresuid(kNobody, kNobody, kNobody) == 0) {
      execve(program.c_str(), argv.data(), environment);
    }
    _exit(127);
  }
  close(output[1]);
  const absl::StatusOr<std::string> said = ReadFd(output[0], "standard error");
  close(output[0]);
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_NE(status, 0);
  return said.value_or("");
}

TEST_F(CommandsTest, OnlyRootMakesContainersAndIsToldSo) {
  char folder[] = "/tmp/tiny.XXXXXX";  // a place that others can read
  ASSERT_NE(mkdtemp(folder), nullptr);
  ASSERT_EQ(chmod(folder, 0755), 0);
  const std::string program = absl::StrCat(folder, "/tiny");
  const std::string home = absl::StrCat(folder, "/home");
  ASSERT_EQ(mkdir(home.c_str(), 0700), 0);
  const absl::StatusOr<std::string> binary = ReadFile(CommandLine({})[0]);
  ASSERT_TRUE(binary.ok());
  const int file = open(program.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  ASSERT_TRUE(WriteAll(file, *binary, program).ok());
  close(file);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--rootfs", "/", "true"},
        {"volume", "create", "data"},
        {"network", "create", "back"}}) {
    EXPECT_THAT(ToldToNobody(program, home + "/own", words),
                MatchesRegex("tiny: tiny needs root, as it has no rootless mode yet: [^\n]*\n"
                             "hint: run it with sudo\n"));
  }
  EXPECT_EQ(unlink(program.c_str()), 0);
  EXPECT_EQ(rmdir(home.c_str()), 0);
  EXPECT_EQ(rmdir(folder), 0);
}

TEST_F(CommandsTest, StartAttachedFailsWithOne) {
  for (const char* program : {"no-such-program", "/etc/passwd"}) {
    EXPECT_EQ(Tiny({"create", "--name", "failing", "--rootfs", "/:O", program}).code, 0);
    EXPECT_THAT(Tiny({"start", "-a", "/failing"}), FailsClearly(1, program));
    Remove("/failing");
  }
}

TEST_F(CommandsTest, ExecDetached) {
  const std::string id = Detached({"sleep", "1000"});
  EXPECT_THAT(Tiny({"exec", "-d", id, "sh", "-c", "echo done > /tmp/result; exec sleep 999"}),
              Succeeds(""));
  EXPECT_TRUE(Eventually({"exec", id, "cat", "/tmp/result"}, "done\n"));
  EXPECT_THAT(Tiny({"top", id}).out, HasSubstr("sleep 999"));
  Remove(id);
}

TEST_F(CommandsTest, CopiesBothWays) {
  const testing::TempDir dir;
  dir.Write("tree/one", "1\n", 0640);
  dir.Write("tree/sub/two", "2\n");
  const std::string id = Detached({"--name", "box", "sleep", "1000"});
  EXPECT_EQ(Tiny({"cp", dir.Path("tree"), "box:/srv"}).code, 0);
  EXPECT_EQ(Tiny({"cp", dir.Path("tree/."), "box:/opt"}).code, 0);
  EXPECT_THAT(Tiny({"exec", "box", "cat", "/srv/tree/sub/two", "/opt/one"}), Succeeds("2\n1\n"));
  EXPECT_EQ(Tiny({"cp", "box:/srv/tree", dir.Path("back")}).code, 0);
  EXPECT_THAT(ReadFile(dir.Path("back/sub/two")), ContentsAre("2\n"));
  struct stat one = {};
  EXPECT_EQ(stat(dir.Path("back/one").c_str(), &one), 0);
  EXPECT_EQ(one.st_mode & 0777U, 0640U);
  const Result archive = Tiny({"cp", "box:/srv/tree", "-"});
  EXPECT_EQ(archive.code, 0);
  EXPECT_EQ(Tiny({"cp", "-", "box:/tmp"}, archive.out).code, 0);
  EXPECT_THAT(Tiny({"exec", "box", "cat", "/tmp/tree/one"}), Succeeds("1\n"));
  EXPECT_THAT(Tiny({"cp", "box:/no/such", dir.path()}), FailsClearly(1, "/no/such"));
  EXPECT_THAT(Tiny({"cp", dir.Path("no"), "box:/"}), FailsClearly(1, dir.Path("no")));
  EXPECT_THAT(Tiny({"cp", dir.Path("tree"), "box:/no/such/parent"}), FailsClearly(1, "/no/such"));
  EXPECT_THAT(Tiny({"cp", "nobody:/x", dir.path()}), FailsClearly(1, "nobody"));
  EXPECT_THAT(Tiny({"cp", dir.path(), dir.path()}),
              FailsClearly(125, "neither side names a container"));
  Remove(id);
}

TEST_F(CommandsTest, RenameFreesTheOldName) {
  const std::string id = Detached({"--name", "first", "sleep", "1000"});
  EXPECT_THAT(Tiny({"rename", "first", "second"}), Succeeds(""));
  EXPECT_EQ(Inspect("second", "{{.Id}} {{.Name}}"), id + " /second");
  EXPECT_THAT(Run({"--rm", "--name", "first", "true"}), Succeeds(""));
  EXPECT_THAT(Tiny({"rename", "second", "not/a/name"}), FailsClearly(1, "not/a/name"));
  EXPECT_THAT(Tiny({"rename", "second", "second"}), FailsClearly(1, "second"));
  Remove("second");
}

TEST_F(CommandsTest, WaitsForSeveral) {
  const std::string quick = Detached({"sh", "-c", "exit 3"});
  const std::string slow = Detached({"--init", "sleep", "1000"});
  const pid_t waiting = Spawn({"wait", quick, slow});
  EXPECT_EQ(Tiny({"kill", "-s", "TERM", slow}).code, 0);
  EXPECT_THAT(Finish(waiting), Succeeds("3\n143\n"));
  Remove(quick);
  Remove(slow);
}

TEST_F(CommandsTest, PrefixesSelectAndAmbiguousOnesDoNot) {
  std::vector<std::string> ids;
  // 17 ids: two begin with the same digit.
  for (int i = 0; i < 17; ++i) {
    std::vector<std::string> args = RunArgs({"true"});
    args[0] = "create";
    const Result created = Tiny(args);
    ASSERT_EQ(created.code, 0) << created.err;
    ids.push_back(created.out.substr(0, 64));
  }
  int ambiguous = 0;
  for (const std::string& id : ids) {
    const std::string digit = id.substr(0, 1);
    const auto same = std::count_if(ids.begin(), ids.end(),
                                    [&](const std::string& each) { return each[0] == id[0]; });
    if (same == 1) {
      EXPECT_EQ(Inspect(digit, "{{.Id}}"), id);
    } else {
      EXPECT_THAT(Tiny({"start", digit}), FailsClearly(1, digit));
      ++ambiguous;
    }
    EXPECT_EQ(Inspect(id.substr(0, 32), "{{.Id}}"), id);
  }
  EXPECT_GT(ambiguous, 0);
  std::vector<std::string> remove = {"rm"};
  remove.insert(remove.end(), ids.begin(), ids.end());
  EXPECT_EQ(Tiny(remove).code, 0);
}

TEST_F(CommandsTest, OfSeveralTargetsEachIsSaid) {
  const std::string id = Detached({"--name", "there", "sleep", "1000"});
  const Result result = Tiny({"rm", "-f", "there"});
  EXPECT_EQ(result.out, "there\n");
  const std::string again = Detached({"--name", "there", "sleep", "1000"});
  const Result stopped = Tiny({"stop", "-t", "0", "nobody", "there", "noone"});
  EXPECT_EQ(stopped.code, 1);
  EXPECT_EQ(stopped.out, "there\n");
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("nobody"), HasSubstr("noone")));
  Remove("there");
}

TEST_F(CommandsTest, CidFile) {
  const testing::TempDir dir;
  const std::string path = dir.Path("cid");
  const std::string id = Detached({"--cidfile", path, "sleep", "1000"});
  EXPECT_THAT(ReadFile(path), ContentsAre(id));
  EXPECT_THAT(Run({"--cidfile", path, "true"}), FailsClearly(125, path));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Run({"--cidfile", dir.Path("failed"), "no-such-program"}),
                FailsClearly(127, "no-such-program"));
  }
  Remove(id);
  EXPECT_EQ(Run({"--cidfile", dir.Path("other"), "--network", "no-such-network", "true"}).code,
            125);
  EXPECT_FALSE(PathExists(dir.Path("other"))) << "of a container that was not made";
}

TEST_F(CommandsTest, InitReapsAndForwards) {
  const std::string id = Detached(
      {"--init", "sh", "-c", "(sh -c 'sleep 0.01 & exit' &) ; sleep 0.3; exec sleep 1000"});
  EXPECT_TRUE(
      Eventually({"exec", id, "sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status || :"}, ""));
  EXPECT_THAT(Tiny({"stop", id}), Succeeds(id + "\n"));
  EXPECT_EQ(Inspect(id, "{{.State.ExitCode}}"), "143");
  Remove(id);
}

TEST_F(CommandsTest, ExitCodesOfSignals) {
  for (const auto& [name, code] : std::vector<std::pair<std::string, std::string>>{
           {"KILL", "137"}, {"SIGTERM", "143"}, {"2", "130"}, {"usr1", "138"}}) {
    const std::string id = Detached({"--init", "sleep", "1000"});
    EXPECT_EQ(Tiny({"kill", "-s", name, id}).code, 0);
    EXPECT_THAT(Tiny({"wait", id}), Succeeds(code + "\n")) << name;
    Remove(id);
  }
}

TEST_F(CommandsTest, OnFailureRestartsAsOftenAsItSays) {
  const std::string id = Detached({"--restart", "on-failure:2", "sh", "-c", "echo run; exit 3"});
  EXPECT_TRUE(Becomes(id, "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}", "2 exited 3"));
  EXPECT_THAT(Tiny({"logs", id}), Succeeds("run\nrun\nrun\n"));
  Remove(id);
  const std::string good = Detached({"--restart", "on-failure", "true"});
  EXPECT_TRUE(Becomes(good, "{{.RestartCount}} {{.State.Status}}", "0 exited"));
  Remove(good);
}

TEST_F(CommandsTest, AlwaysRestartsUntilItIsStopped) {
  const std::string id = Detached({"--restart", "always", "true"});
  EXPECT_TRUE(Becomes(id, "{{ge .RestartCount 3}}", "true"));
  EXPECT_EQ(Tiny({"stop", id}).code, 0);
  EXPECT_EQ(Inspect(id, "{{.State.Status}}"), "exited");
  Remove(id);
  EXPECT_THAT(Run({"--rm", "--restart", "always", "true"}), FailsClearly(125, "--restart"));
}

TEST_F(CommandsTest, OneThatRestartsIsRemovedByForce) {
  const std::string id = Detached({"--restart", "always", "false"});
  EXPECT_TRUE(Becomes(id, "{{.State.Status}}", "restarting"));
  Remove(id);
  EXPECT_THAT(Tiny({"ps", "-aq"}), Succeeds(""));
}

TEST_F(CommandsTest, UpdateChangesTheRestartPolicy) {
  const std::string id = Detached({"--init", "sleep", "1000"});
  EXPECT_THAT(Tiny({"update", "--restart", "always", id}), Succeeds(id + "\n"));
  const std::string first = Inspect(id, "{{.State.Pid}}");
  EXPECT_EQ(kill(static_cast<pid_t>(std::stol(first)), SIGTERM), 0);
  EXPECT_TRUE(Becomes(id, "{{.RestartCount}} {{.State.Status}}", "1 running"));
  Remove(id);
  const std::string vanishing = Detached({"--rm", "sleep", "1000"});
  EXPECT_THAT(Tiny({"update", "--restart", "always", vanishing}), FailsClearly(1, "--rm"));
  Remove(vanishing);
}

TEST_F(CommandsTest, TemplatesMayAskForWhatThereIsNoneOf) {
  const std::string id = Detached({"sleep", "1000"});
  EXPECT_EQ(Inspect(id, "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"), "none");
  EXPECT_EQ(
      Inspect(id, "{{json .State.Health}} {{json .Config.Volumes}} {{json .HostConfig.Links}}"),
      "null null null");
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(CommandsTest, HealthIsWatched) {
  const std::string id =
      Detached({"--health-cmd", "echo probed; test -e /healthy", "--health-interval", "100ms",
                "--health-retries", "2", "sleep", "1000"});
  EXPECT_TRUE(Becomes(id, "{{.State.Health.Status}}", "unhealthy"));
  EXPECT_EQ(Tiny({"ps", "-q", "--no-trunc", "-f", "health=unhealthy"}).out, id + "\n");
  EXPECT_THAT(Tiny({"ps", "--format", "{{.Status}}"}).out, HasSubstr("(unhealthy)"));
  EXPECT_THAT(Inspect(id, "{{(index .State.Health.Log 0).Output}}"), "probed");
  EXPECT_EQ(Tiny({"exec", id, "touch", "/healthy"}).code, 0);
  EXPECT_TRUE(Becomes(id, "{{.State.Health.Status}} {{.State.Health.FailingStreak}}", "healthy 0"));
  EXPECT_THAT(Tiny({"events", "--since", "1h", "--until", "0s", "-f", "event=health_status",
                    "--format", "{{.Action}}"})
                  .out,
              HasSubstr("health_status: healthy"));
  Remove(id);
}

TEST_F(CommandsTest, AHealthCheckThatHangsFails) {
  const std::string id =
      Detached({"--health-cmd", "sleep 1000", "--health-interval", "100ms", "--health-timeout",
                "200ms", "--health-retries", "1", "sleep", "999"});
  EXPECT_TRUE(Becomes(id, "{{.State.Health.Status}}", "unhealthy"));
  Remove(id);
}

}  // namespace
}  // namespace tiny::e2e
