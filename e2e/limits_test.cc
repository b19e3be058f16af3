// What a container may use: kept by the kernel, and told truly.
#include <signal.h>
#include <unistd.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "e2e/harness.h"

namespace tiny::e2e {
namespace {

using ::testing::HasSubstr;

// Doubles a string until the shell holds far more than 128 MiB.
constexpr char kEatMemory[] = "x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done";

TEST_F(TinyTest, OutOfMemoryIs137AndSaidSo) {
  const Result result = Run({"--name", "eater", "--memory", "64m", "sh", "-c", kEatMemory});
  EXPECT_EQ(result.code, 137) << result.err;
  EXPECT_EQ(Inspect("eater", "{{.State.OOMKilled}} {{.State.ExitCode}}"), "true 137");
  EXPECT_EQ(Tiny({"rm", "eater"}).code, 0);
}

TEST_F(TinyTest, AKillThatWasNotTheKernelsIsNotOom) {
  const std::string id = Detached({"--memory", "64m", "sleep", "1000"});
  EXPECT_EQ(Tiny({"kill", id}).code, 0);
  EXPECT_THAT(Tiny({"wait", id}), Succeeds("137\n"));
  EXPECT_EQ(Inspect(id, "{{.State.OOMKilled}}"), "false");
  EXPECT_EQ(Tiny({"rm", id}).code, 0);
}

TEST_F(TinyTest, ForkBombMeetsThePidsLimit) {
  const std::string id =
      Detached({"--pids-limit", "30", "sh", "-c", "b() { b | b & }; b; sleep 1000"});
  EXPECT_EQ(Tiny({"stop", "-t", "1", id}).code, 0);
  EXPECT_EQ(Tiny({"rm", id}).code, 0);
}

TEST_F(TinyTest, PauseAndUnpause) {
  const std::string id = Detached({"sleep", "1000"});
  EXPECT_EQ(Tiny({"pause", id}).code, 0);
  EXPECT_EQ(Inspect(id, "{{.State.Status}}"), "paused");
  EXPECT_THAT(Tiny({"pause", id}), ::testing::Field(&Result::code, 1));
  EXPECT_EQ(Tiny({"unpause", id}).code, 0);
  EXPECT_EQ(Inspect(id, "{{.State.Status}}"), "running");
  EXPECT_EQ(Tiny({"pause", id}).code, 0);
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

// As systemd in a container does. On cgroup v2 nobody may then be in the container's own cgroup.
TEST_F(TinyTest, ExecJoinsAContainerThatDividesItsCgroup) {
  const std::string id = Detached({"--privileged", "sh", "-c", R"(
      cd /sys/fs/cgroup; if [ -d unified ]; then cd unified; fi
      if [ -e cgroup.controllers ]; then
        mkdir own; echo $$ > own/cgroup.procs
        for c in $(cat cgroup.controllers); do echo +$c > cgroup.subtree_control; done
      fi
      echo divided; exec sleep 1000)"});
  EXPECT_TRUE(Eventually({"logs", id}, "divided\n"));
  const bool v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
  EXPECT_THAT(Tiny({"exec", id, "cat", "/proc/self/cgroup"}),
              Succeeds(HasSubstr(v2 ? "0::/own\n" : ":/")));
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(TinyTest, UpdateAndStats) {
  const std::string id = Detached({"sleep", "1000"});
  EXPECT_EQ(
      Tiny({"update", "--memory", "96m", "--memory-swap", "96m", "--pids-limit", "20", id}).code,
      0);
  EXPECT_EQ(Inspect(id, "{{.HostConfig.Memory}}"), "100663296");
  const auto limit = [&] {
    std::string text;
    for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/pids"}) {
      text += ReadFile(absl::StrCat(root, cgroup_parent(), "/", id, "/pids.max")).value_or("");
    }
    return text;
  };
  EXPECT_EQ(limit(), "20\n");
  EXPECT_EQ(Tiny({"update", "--pids-limit", "-1", id}).code, 0);
  EXPECT_EQ(Inspect(id, "{{.HostConfig.PidsLimit}}"), "-1");
  EXPECT_EQ(limit(), "max\n");
  const Result stats = Tiny({"stats", "--no-stream", id});
  EXPECT_EQ(stats.code, 0) << stats.err;
  EXPECT_THAT(stats.out, HasSubstr("96MiB"));
  EXPECT_EQ(Tiny({"rm", "-f", id}).code, 0);
}

TEST_F(TinyTest, BadLimits) {
  EXPECT_THAT(Run({"--memory", "much", "true"}), FailsClearly(125, "much"));
  EXPECT_THAT(Run({"--memory", "-5m", "true"}), FailsClearly(125, "-5m"));
  EXPECT_THAT(Run({"--memory", "", "true"}), FailsClearly(125, "memory"));
  EXPECT_THAT(Run({"--memory", "99999999999999999999g", "true"}), FailsClearly(125, "memory"));
  EXPECT_THAT(Run({"--memory", "1k", "true"}), FailsClearly(125, "memory"));
  EXPECT_THAT(Run({"--cpus", "-1", "true"}), FailsClearly(125, "cpus"));
  EXPECT_THAT(Run({"--cpus", "1000", "true"}), FailsClearly(125, "cpus"));
  EXPECT_THAT(Run({"--cpuset-cpus", "7000", "true"}), FailsClearly(125, "cpuset"));
  EXPECT_THAT(Run({"--pids-limit", "x", "true"}), FailsClearly(125, "pids-limit"));
  EXPECT_THAT(Run({"--blkio-weight", "5", "true"}), FailsClearly(125, "weight"));
  EXPECT_THAT(Run({"--cgroup-parent", "/../x", "true"}), FailsClearly(125, "\"..\""));
  EXPECT_THAT(Tiny({"ps", "-aq"}), Succeeds(""));
}

}  // namespace
}  // namespace tiny::e2e
