// run --explain=shell: the script makes the container that `run` makes. And run --budget.
#include <sys/mount.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "e2e/harness.h"

namespace tiny::e2e {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;

// What a container can tell of itself: who it is, what it may do, what it sees and cannot change.
constexpr char kFacts[] = R"sh(
hostname; pwd; id; echo "process $$ of $(ls /proc | grep -c '^[0-9]')"
env | sort
grep ^Cap /proc/self/status
for d in / /proc /dev /dev/pts /dev/shm /dev/mqueue /sys /scratch; do stat -f -c "$d is %T" $d; done
for d in null zero full random urandom tty; do stat -c '%n %F %t:%T %a' /dev/$d; done
for l in ptmx fd stdin stdout stderr; do echo "$l -> $(readlink /dev/$l)"; done
ls /sys/class/net; cat /sys/class/net/lo/flags
cat /proc/kcore /proc/keys /proc/timer_list 2> /dev/null | wc -c
for f in /sys/new /proc/sys/kernel/hostname /data/new /e2e-explain; do
  if (: > $f); then echo "can write $f"; else echo "cannot write $f"; fi
done 2> /dev/null
cat /data/file
exit 5
)sh";

TEST_F(TinyTest, TheScriptMakesTheSameContainer) {
  ASSERT_EQ(mount("tmpfs", "/run", "tmpfs", 0, nullptr), 0);  // the script's, in our namespace
  testing::TempDir dir;
  dir.Write("file", "of the host\n");
  const std::string name = absl::StrCat("explained", getpid());
  const std::string volume = dir.path() + ":/data:ro";
  const std::vector<std::string> flags = {"--rm",    "--name",   name,   "--hostname", "box",
                                          "-m",      "64m",      "-e",   "A=b c",      "--cap-drop",
                                          "CHOWN",   "-w",       "/usr", "-v",         volume,
                                          "--tmpfs", "/scratch", "sh",   "-c",         kFacts};
  const Result made = Run(flags);
  std::vector<std::string> explain = RunArgs(flags);
  explain.insert(explain.begin() + 1, "--explain=shell");
  const Result script = Tiny(explain);
  ASSERT_EQ(script.code, 0) << script.err;

  const Result by_hand = RunProgram({"/bin/sh", "-c", script.out});
  EXPECT_EQ(made.code, 5) << made.err;
  EXPECT_THAT(made.out, ::testing::HasSubstr("process 1 of"));
  EXPECT_EQ(by_hand.code, 5) << by_hand.err;
  EXPECT_EQ(by_hand.out, made.out);
  EXPECT_EQ(by_hand.err, "");
  EXPECT_NE(access("/e2e-explain", F_OK), 0);
  // It cleans up after itself, as tiny does.
  EXPECT_NE(access(absl::StrCat("/run/", name).c_str(), F_OK), 0);
  EXPECT_NE(access(absl::StrCat("/run/netns/", name).c_str(), F_OK), 0);
  EXPECT_NE(access(absl::StrCat("/sys/fs/cgroup/memory/tiny/", name).c_str(), F_OK), 0);
  EXPECT_EQ(umount2("/run", MNT_DETACH), 0);
}

TEST_F(TinyTest, TheScriptRunsAsTheSameUser) {
  ASSERT_EQ(mount("tmpfs", "/run", "tmpfs", 0, nullptr), 0);
  for (const char* user : {"nobody", "12:34", "12", "1:nogroup", "root"}) {
    const std::vector<std::string> flags = {
        "-u", user, "--group-add", "7", "sh", "-c", "id; echo $HOME; grep ^Cap /proc/self/status"};
    std::vector<std::string> explain = RunArgs(flags);
    explain.insert(explain.begin() + 1, {"--rm", "--explain=shell"});
    const Result made = Tiny([&] {
      std::vector<std::string> run = RunArgs(flags);
      run.insert(run.begin() + 1, "--rm");
      return run;
    }());
    EXPECT_EQ(made.code, 0) << made.err;
    const Result by_hand = RunProgram({"/bin/sh", "-c", Tiny(explain).out});
    EXPECT_EQ(by_hand.out, made.out) << user << ": " << by_hand.err;
  }
  EXPECT_THAT(Run({"--explain=shell", "-u", "nobody-at-all", "true"}),
              FailsClearly(125, "nobody-at-all"));
  EXPECT_EQ(umount2("/run", MNT_DETACH), 0);
}

TEST_F(TinyTest, TheBudgetTellsWhatAStartTook) {
  const Result without = Run({"--rm", "--budget", "--network", "none", "true"});
  EXPECT_EQ(without.code, 0);
  EXPECT_THAT(without.err,
              AllOf(ContainsRegex("forks +2\n"), ContainsRegex("execs +2\n"),
                    ContainsRegex("netlink messages +0\n"), ContainsRegex("page faults +[1-9]")));
}

}  // namespace
}  // namespace tiny::e2e
