#include "runtime/host/host_report.h"

#include <sys/utsname.h>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/host/kernel_features.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::TempDir;

// A machine that is described by files.
class HostReportTest : public ::testing::Test {
 protected:
  HostReportTest() {
    utsname kernel = {};
    uname(&kernel);
    release_ = kernel.release;
    paths_ = {.proc = folder_.Path("proc"),
              .sys = folder_.Path("sys"),
              .modules = folder_.Path("modules"),
              .os_release = folder_.Path("os-release")};
    folder_.Write("os-release", "ID=x\nPRETTY_NAME=\"Test OS 1\"\n");
    folder_.Write("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\n");
    folder_.Write("proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
    folder_.Write("proc/filesystems", "nodev\tproc\nnodev\tmqueue\nnodev\toverlay\n\text4\n");
    for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "uts", "user"}) {
      folder_.Write(absl::StrCat("proc/self/ns/", name), "");
    }
    folder_.Write("proc/sys/user/max_user_namespaces", "1000\n");
    folder_.Write("proc/sys/net/ipv4/ip_forward", "0\n");
    folder_.Write("proc/sys/net/ipv6/conf", "");
    folder_.Write("proc/sys/kernel/seccomp/actions_avail", "kill errno allow\n");
    folder_.Write(absl::StrCat("modules/", release_, "/modules.builtin"),
                  "kernel/net/bridge/bridge.ko\nkernel/net/netfilter/nft_masq.ko\n");
    folder_.Write(absl::StrCat("modules/", release_, "/modules.dep"),
                  "kernel/net/netfilter/nf_tables.ko.xz: kernel/lib/x.ko\n"
                  "kernel/drivers/net/veth.ko:\n");
  }

  HostCheck Check(absl::string_view name) {
    for (const HostCheck& check : InspectHost(paths_).checks) {
      if (check.name == name) return check;
    }
    ADD_FAILURE() << "no check " << name;
    return {};
  }

  TempDir folder_;
  HostPaths paths_;
  std::string release_;
};

TEST_F(HostReportTest, DescribesTheMachine) {
  const HostReport report = InspectHost(paths_);
  EXPECT_EQ(report.operating_system, "Test OS 1");
  EXPECT_EQ(report.memory_bytes, 2048u << 10);
  EXPECT_EQ(report.kernel, release_);
  EXPECT_GT(report.cpus, 0);
  EXPECT_THAT(report.security, ::testing::ElementsAre("seccomp"));
}

TEST_F(HostReportTest, AWholeMachineHasNothingToSay) {
  for (const char* name :
       {"kernel", "privileges", "overlay", "mqueue", "namespaces", "user-namespaces", "veth",
        "bridge", "nf-tables", "nft-masquerade", "ip-forward", "ipv6", "seccomp"}) {
    const HostCheck check = Check(name);
    EXPECT_EQ(check.level, HostCheck::Level::kOk) << name << ": " << check.fact;
    EXPECT_TRUE(check.fix.empty() && check.consequence.empty()) << name;
  }
  EXPECT_THAT(Check("nf-tables").fact, HasSubstr("as a module"));
}

TEST_F(HostReportTest, EachGapSaysWhatItCostsAndHowToMendIt) {
  folder_.Write("proc/filesystems", "nodev\tproc\n");
  folder_.Write(absl::StrCat("modules/", release_, "/modules.dep"), "");
  folder_.Write("proc/sys/kernel/seccomp/actions_avail", "");
  folder_.Write("proc/sys/user/max_user_namespaces", "0\n");
  folder_.Write("proc/self/status", "CapEff:\t0000000000000000\n");
  for (const char* name : {"overlay", "mqueue", "veth", "nf-tables", "user-namespaces"}) {
    EXPECT_EQ(Check(name).level, HostCheck::Level::kNote) << name;
  }
  for (const char* name : {"seccomp", "privileges"}) {
    EXPECT_EQ(Check(name).level, HostCheck::Level::kBroken) << name;
  }
  for (const HostCheck& check : InspectHost(paths_).checks) {
    if (check.level == HostCheck::Level::kOk) continue;
    EXPECT_FALSE(check.fact.empty() || check.consequence.empty() || check.fix.empty())
        << check.name;
  }
}

TEST_F(HostReportTest, KernelsWithoutModuleListsAreAskedForTheirSymbols) {
  folder_.Write(absl::StrCat("modules/", release_, "/modules.dep"), "");
  EXPECT_EQ(Check("veth").level, HostCheck::Level::kNote);
  folder_.Write("proc/kallsyms", "0000000000000000 t veth_newlink\n0000000000000000 t x\n");
  EXPECT_EQ(Check("veth").level, HostCheck::Level::kOk);
  folder_.Write("proc/kallsyms", "0000000000000000 t my_veth_newlink_not\n");
  EXPECT_EQ(Check("veth").level, HostCheck::Level::kNote);
}

TEST_F(HostReportTest, AppArmorsRestrictionOfUserNamespacesIsNamed) {
  folder_.Write("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
  EXPECT_THAT(Check("user-namespaces").fix, HasSubstr("apparmor_restrict_unprivileged_userns=0"));
}

TEST(KernelFeaturesTest, ModuleLists) {
  const absl::string_view list =
      "kernel/net/netfilter/nf_tables.ko.zst: kernel/a.ko\nkernel/drivers/net/vxlan-x.ko:\n";
  EXPECT_TRUE(ListsModule(list, "nf_tables"));
  EXPECT_TRUE(ListsModule(list, "vxlan_x"));
  EXPECT_FALSE(ListsModule(list, "a"));
  EXPECT_FALSE(ListsModule(list, "tables"));
  EXPECT_FALSE(ListsModule("", "x"));
}

TEST(KernelFeaturesTest, Versions) {
  EXPECT_EQ(ParseKernelVersion("6.18.5-arch1"), (KernelVersion{6, 18}));
  EXPECT_EQ(ParseKernelVersion("5.10-rc1"), (KernelVersion{5, 10}));
  EXPECT_EQ(ParseKernelVersion("linux"), (KernelVersion{}));
  EXPECT_LT(ParseKernelVersion("5.9"), ParseKernelVersion("5.10"));
}

}  // namespace
}  // namespace tiny::runtime
