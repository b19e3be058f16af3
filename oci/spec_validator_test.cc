#include "oci/spec_validator.h"

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oci/sysctl.h"
#include "testing/status_matchers.h"

namespace tiny::oci {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

Spec GoodSpec() {
  Spec spec;
  spec.root = Root{"rootfs"};
  spec.process.emplace().args = {"sh"};
  for (const char* type : {"mount", "pid", "network", "ipc", "uts", "user", "time"}) {
    spec.linux_.namespaces.push_back({type, ""});
  }
  return spec;
}

using Change = std::function<void(Spec&)>;

// The spec is good, and is refused after the change with a message that has `path`.
void ExpectWrong(const char* path, const Change& change) {
  Spec spec = GoodSpec();
  ASSERT_OK(ValidateSpec(spec));
  change(spec);
  EXPECT_THAT(ValidateSpec(spec), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path)))
      << path;
}

void RemoveNamespace(Spec& spec, const std::string& type) {
  std::erase_if(spec.linux_.namespaces, [&](const Namespace& ns) { return ns.type == type; });
}

TEST(ValidateSpecTest, Versions) {
  for (const char* version : {"1.0.0", "1.0.2-dev", "1.2.0", "1.3.0+dev", "1.99.7"}) {
    Spec spec = GoodSpec();
    spec.oci_version = version;
    EXPECT_OK(ValidateSpec(spec)) << version;
  }
  for (const char* version : {"", "1", "1.0", "0.9.0", "2.0.0", "1.x.0", "1.0.0.0", "v1.0.0"}) {
    ExpectWrong("ociVersion", [&](Spec& spec) { spec.oci_version = version; });
  }
}

TEST(ValidateSpecTest, Process) {
  ExpectWrong("root.path", [](Spec& spec) { spec.root.reset(); });
  ExpectWrong("root.path", [](Spec& spec) { spec.root->path = ""; });
  ExpectWrong("process.cwd", [](Spec& spec) { spec.process->cwd = "work"; });
  ExpectWrong("process.cwd", [](Spec& spec) { spec.process->cwd = ""; });
  ExpectWrong("process.args", [](Spec& spec) { spec.process->args.clear(); });
  ExpectWrong("process.oomScoreAdj", [](Spec& spec) { spec.process->oom_score_adj = 1001; });
  ExpectWrong("process.user", [](Spec& spec) { spec.process->user.uid = UINT32_MAX; });
  ExpectWrong("process.user.umask", [](Spec& spec) { spec.process->user.umask = 01000; });
  ExpectWrong("process.rlimits[1].type", [](Spec& spec) {
    spec.process->rlimits = {{"RLIMIT_CORE", 0, 0}, {"RLIMIT_CORE", 1, 1}};
  });
  ExpectWrong("process.rlimits[0].type", [](Spec& spec) {
    spec.process->rlimits = {{"RLIMIT_X", 0, 0}};
  });
  ExpectWrong("process.rlimits[0].soft", [](Spec& spec) {
    spec.process->rlimits = {{"RLIMIT_CORE", 2, 1}};
  });
  ExpectWrong("process.scheduler.policy",
              [](Spec& spec) { spec.process->scheduler.emplace().policy = "SCHED_FAST"; });
  ExpectWrong("process.ioPriority.class", [](Spec& spec) {
    spec.process->io_priority = IoPriority{"IOPRIO_CLASS_XX", 1};
  });
  ExpectWrong("process.ioPriority.priority", [](Spec& spec) {
    spec.process->io_priority = IoPriority{"IOPRIO_CLASS_BE", 8};
  });
}

TEST(ValidateSpecTest, MountsAndHooks) {
  const auto mount = [](const char* destination) {
    return [=](Spec& spec) { spec.mounts.emplace_back().destination = destination; };
  };
  ExpectWrong("mounts[0].destination", mount("relative"));
  ExpectWrong("mounts[0].destination", mount(""));
  ExpectWrong("is inside /proc", mount("/proc/self/attr"));
  ExpectWrong("is inside /proc", mount("/proc/sys/kernel"));
  Spec lxcfs = GoodSpec();
  mount("/proc/meminfo")(lxcfs);
  EXPECT_OK(ValidateSpec(lxcfs));
  ExpectWrong("uidMappings and gidMappings", [](Spec& spec) {
    spec.mounts.push_back({.destination = "/x", .uid_mappings = {{0, 1, 1}}});
  });
  ExpectWrong("hooks.createRuntime[0].path",
              [](Spec& spec) { spec.hooks.create_runtime = {{.path = "hook"}}; });
  ExpectWrong("hooks.poststop[1].timeout", [](Spec& spec) {
    spec.hooks.poststop = {{.path = "/a", .timeout = 1}, {.path = "/b", .timeout = 0}};
  });
  ExpectWrong("annotations", [](Spec& spec) { spec.annotations[""] = "x"; });
}

TEST(ValidateSpecTest, Namespaces) {
  ExpectWrong("linux.namespaces[7].type", [](Spec& spec) {
    spec.linux_.namespaces.push_back({"net", ""});
  });
  ExpectWrong("is there twice", [](Spec& spec) {
    spec.linux_.namespaces.push_back({"pid", "/p"});
  });
  ExpectWrong("linux.namespaces[0].path",
              [](Spec& spec) { spec.linux_.namespaces[0].path = "ns/mnt"; });
  ExpectWrong("hostname: needs a uts", [](Spec& spec) {
    RemoveNamespace(spec, "uts");
    spec.hostname = "h";
  });
  ExpectWrong("domainname: needs a uts", [](Spec& spec) {
    RemoveNamespace(spec, "uts");
    spec.domainname = "d";
  });
  ExpectWrong("linux.uidMappings", [](Spec& spec) {
    RemoveNamespace(spec, "user");
    spec.linux_.uid_mappings = {{0, 0, 1}};
  });
  ExpectWrong("linux.uidMappings[0].size", [](Spec& spec) {
    spec.linux_.uid_mappings = {{0, 4294967290u, 10}};
  });
  ExpectWrong("linux.timeOffsets", [](Spec& spec) {
    RemoveNamespace(spec, "time");
    spec.linux_.time_offsets["monotonic"] = {};
  });
  ExpectWrong("unknown clock", [](Spec& spec) { spec.linux_.time_offsets["wall"] = {}; });
  ExpectWrong("linux.maskedPaths", [](Spec& spec) {
    RemoveNamespace(spec, "mount");
    spec.linux_.masked_paths = {"/proc/kcore"};
  });
  ExpectWrong("linux.netDevices", [](Spec& spec) {
    RemoveNamespace(spec, "network");
    spec.linux_.net_devices["eth0"] = {};
  });
  ExpectWrong("linux.netDevices", [](Spec& spec) { spec.linux_.net_devices["a/b"] = {}; });
}

TEST(ValidateSpecTest, LinuxDetails) {
  ExpectWrong("linux.maskedPaths[0]", [](Spec& spec) { spec.linux_.masked_paths = {"proc"}; });
  for (const char* root : {"/", "//", "/.", "/..", "/proc/.."}) {
    ExpectWrong(absl::StrCat("linux.maskedPaths[1]: ", root, " is the root itself").c_str(),
                [&](Spec& spec) {
                  spec.linux_.masked_paths = {"/proc/kcore", root};
                });
  }
  ExpectWrong("linux.readonlyPaths[0]", [](Spec& spec) { spec.linux_.readonly_paths = {""}; });
  ExpectWrong("linux.rootfsPropagation",
              [](Spec& spec) { spec.linux_.rootfs_propagation = "public"; });
  ExpectWrong("linux.personality.domain",
              [](Spec& spec) { spec.linux_.personality = Personality{"BSD"}; });
  ExpectWrong("linux.intelRdt.closID",
              [](Spec& spec) { spec.linux_.intel_rdt.emplace().clos_id = "../x"; });
  ExpectWrong("linux.intelRdt.memBwSchema",
              [](Spec& spec) { spec.linux_.intel_rdt.emplace().mem_bw_schema = "L3:0=f"; });
  ExpectWrong("linux.intelRdt.memBwSchema",
              [](Spec& spec) { spec.linux_.intel_rdt.emplace().mem_bw_schema = "MB:0=1\nL3:0=f"; });
  const auto seccomp = [](const std::function<void(Seccomp&)>& change) {
    return [=](Spec& spec) {
      spec.linux_.seccomp.emplace().default_action = "SCMP_ACT_ALLOW";
      change(*spec.linux_.seccomp);
    };
  };
  ExpectWrong("linux.seccomp.defaultAction",
              seccomp([](Seccomp& profile) { profile.default_action.clear(); }));
  ExpectWrong("linux.seccomp.syscalls[0].names",
              seccomp([](Seccomp& profile) { profile.syscalls.emplace_back(); }));
  ExpectWrong("linux.seccomp.listenerMetadata",
              seccomp([](Seccomp& profile) { profile.listener_metadata = "x"; }));
  ExpectWrong("linux.devices[0].type",
              [](Spec& spec) { spec.linux_.devices = {{.type = "x", .path = "/dev/x"}}; });
  ExpectWrong("linux.devices[0]", [](Spec& spec) {
    spec.linux_.devices.push_back({.type = "c", .path = "/dev/x", .major = int64_t{1} << 40});
  });
  ExpectWrong("linux.devices[0].path",
              [](Spec& spec) { spec.linux_.devices = {{.type = "c", .path = "x"}}; });
  for (const char* path : {"../x", "/../../", "a/../b", ".."}) {
    ExpectWrong("linux.cgroupsPath", [&](Spec& spec) { spec.linux_.cgroups_path = path; });
  }
}

TEST(ValidateSpecTest, Resources) {
  const auto resources = [](const std::function<void(oci::Resources&)>& change) {
    return [=](Spec& spec) { change(spec.linux_.resources.emplace()); };
  };
  ExpectWrong("linux.resources.devices[0].access",
              resources([](auto& r) { r.devices = {{.allow = true, .access = "rx"}}; }));
  ExpectWrong("linux.resources.devices[0].type",
              resources([](auto& r) { r.devices = {{.allow = true, .type = "d"}}; }));
  ExpectWrong("linux.resources.memory.limit",
              resources([](auto& r) { r.memory.emplace().limit = -2; }));
  ExpectWrong("linux.resources.memory.swappiness",
              resources([](auto& r) { r.memory.emplace().swappiness = 101; }));
  ExpectWrong("linux.resources.memory.swap", resources([](auto& r) {
                r.memory.emplace().limit = 10;
                r.memory->swap = 9;
              }));
  for (const char* size : {"", "2M", "MB", "02MB", "2 MB", "2TB"}) {
    ExpectWrong("linux.resources.hugepageLimits[0].pageSize", resources([&](auto& r) {
                  r.hugepage_limits = {{size, 1}};
                }));
  }
  for (const char* file : {"", "..", "../memory.max", "a/b"}) {
    ExpectWrong("linux.resources.unified", resources([&](auto& r) { r.unified[file] = "1"; }));
  }
  ExpectWrong("linux.resources.blockIO.weightDevice[0]",
              resources([](auto& r) { r.block_io.emplace().weight_device.emplace_back(); }));
  ExpectWrong("linux.resources.rdma.mlx5", resources([](auto& r) { r.rdma["mlx5"] = {}; }));
  ExpectWrong("linux.resources.cpu.idle", resources([](auto& r) { r.cpu.emplace().idle = 2; }));
}

TEST(SysctlTest, NamespaceOfEach) {
  const std::pair<const char*, const char*> good[] = {
      {"net.ipv4.ip_forward", "network"},
      {"net/ipv4/ip_forward", "network"},
      {"net/ipv4/conf/eth0.100/forwarding", "network"},
      {"net.core.somaxconn", "network"},
      {"kernel.shmmax", "ipc"},
      {"kernel.msgmni", "ipc"},
      {"kernel.sem", "ipc"},
      {"kernel.shm_rmid_forced", "ipc"},
      {"fs.mqueue.msg_max", "ipc"},
      {"kernel.domainname", "uts"},
      {"kernel.hostname", "uts"},
      {"user.max_user_namespaces", "user"},
  };
  for (const auto& [key, type] : good) {
    ASSERT_OK_AND_ASSIGN(const std::string found, NamespaceOfSysctl(key));
    EXPECT_EQ(found, type) << key;
  }
}

TEST(SysctlTest, TheMachinesOwnAndForgedOnesAreRefused) {
  for (const char* key : {"",
                          ".",
                          "net",
                          "net.",
                          ".net.x",
                          "net..x",
                          "kernel.core_pattern",
                          "kernel.panic",
                          "vm.swappiness",
                          "fs.file-max",
                          "kernel.shm_rmid_forced=1+kernel.core_pattern",
                          "net/../kernel/core_pattern",
                          "net.ipv4.ip_forward\n",
                          "net.ipv4 ip_forward",
                          "../net.ipv4.ip_forward",
                          "/net/ipv4/ip_forward",
                          "net//x",
                          "net.x=1",
                          "NET.x",
                          "net.\xc3",
                          "kernel/core_pattern",
                          "kernel.shmmax.x",
                          "kernel.hostname.x",
                          "dev.cdrom.debug",
                          "kernel.yama.ptrace_scope",
                          "net/..",
                          "net.a/../b"}) {
    EXPECT_FALSE(NamespaceOfSysctl(key).ok()) << key;
  }
}

TEST(SysctlTest, NeedsTheContainersOwnNamespace) {
  ExpectWrong("linux.sysctl.net.ipv4.ip_forward: needs a network", [](Spec& spec) {
    RemoveNamespace(spec, "network");
    spec.linux_.sysctl["net.ipv4.ip_forward"] = "1";
  });
  ExpectWrong("linux.sysctl.kernel.core_pattern",
              [](Spec& spec) { spec.linux_.sysctl["kernel.core_pattern"] = "|/x"; });
  ExpectWrong("must be one line",
              [](Spec& spec) { spec.linux_.sysctl["net.core.somaxconn"] = "1\n2"; });
}

}  // namespace
}  // namespace tiny::oci
