#include "cli/explain_shell.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tiny::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

state::ContainerConfig Sample() {
  state::ContainerConfig config;
  config.name = "web";
  config.rootfs = "/srv/my root";
  config.command = {"sh", "-c", "echo it's \"here\""};
  config.env = {"PATH=/bin", "A=b c"};
  return config;
}

std::string Script(const state::ContainerConfig& config, absl::string_view cgroup_mode) {
  return ExplainShell(config, {.additional_gids = {0}, .home = "/root"}, cgroup_mode);
}

TEST(ShellQuoteTest, MakesOneWord) {
  EXPECT_EQ(ShellQuote("a/b-c.d"), "a/b-c.d");
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellQuote("$x"), "'$x'");
}

TEST(ExplainShellTest, NamesEveryStep) {
  const std::string text = Script(Sample(), "v2");
  for (const char* step :
       {"for tool in unshare setpriv nsenter ip nft; do", "cgroup=/sys/fs/cgroup/tiny/$name",
        "ip link add veth-$name", "masquerade", "unshare --mount --cgroup --pid --fork --uts --ipc",
        "mount --rbind '/srv/my root' $root", "pivot_root . .", "--bounding-set=-all,+chown,",
        "env -i HOSTNAME=web HOME=/root PATH=/bin 'A=b c' sh -c"}) {
    EXPECT_THAT(text, HasSubstr(step));
  }
}

TEST(ExplainShellTest, FollowsTheFlags) {
  state::ContainerConfig config = Sample();
  config.rootfs_overlay = true;
  config.resources.memory = 128 << 20;
  config.resources.nano_cpus = 1500000000;
  config.networks.emplace_back().network = "none";
  config.security.cap_drop = {"ALL"};
  config.security.cap_add = {"NET_ADMIN"};
  config.security.no_new_privileges = true;
  config.read_only = true;
  const std::string text = Script(config, "hybrid");
  for (const char* step :
       {"mount -t overlay overlay -o lowerdir='/srv/my root'", "memory.limit_in_bytes",
        "echo 150000 > /sys/fs/cgroup/cpu/tiny/$name/cpu.cfs_quota_us",
        "ip -n $name link set lo up", "--bounding-set=-all,+net_admin --inh-caps", "--no-new-privs",
        "remount,bind,ro $root", "for tool in unshare setpriv nsenter ip; do"}) {
    EXPECT_THAT(text, HasSubstr(step));
  }
  EXPECT_THAT(text, Not(HasSubstr("veth")));
  EXPECT_THAT(Script(config, "v2"), HasSubstr("echo '150000 100000' > $cgroup/cpu.max"));
}

}  // namespace
}  // namespace tiny::cli
