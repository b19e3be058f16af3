#include "runtime/spec/build_spec.h"

#include <linux/capability.h>
#include <sys/utsname.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oci/spec_serializer.h"
#include "oci/spec_validator.h"
#include "runtime/spec/seccomp_policy.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using state::ContainerConfig;
using state::MountConfig;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::tiny::testing::StatusIs;

ContainerConfig Config() {
  ContainerConfig config;
  config.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  config.command = {"sh", "-c", "true"};
  return config;
}

SpecInputs Inputs() {
  SpecInputs inputs;
  inputs.rootfs = "/rootfs";
  inputs.passwd = "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/srv:/bin/sh\n";
  inputs.group = "web:x:33:\nlog:x:4:web\n";
  inputs.hosts_file = "/run/c/hosts";
  inputs.hostname_file = "/run/c/hostname";
  inputs.resolv_conf_file = "/run/c/resolv.conf";
  inputs.cgroups_path = "/tiny/0123";
  inputs.cpu_count = 1;
  inputs.host_devices["/dev/fuse"] = {.type = "c", .path = "/dev/fuse", .major = 10, .minor = 229};
  inputs.host_devices["/dev/vda"] = {.type = "b", .path = "/dev/vda", .major = 254, .minor = 0};
  return inputs;
}

oci::Spec Build(const ContainerConfig& config, const SpecInputs& inputs = Inputs()) {
  absl::StatusOr<oci::Spec> spec = BuildSpec(config, inputs);
  EXPECT_OK(spec);
  return spec.ok() ? *std::move(spec) : oci::Spec{};
}

std::vector<std::string> Namespaces(const oci::Spec& spec) {
  std::vector<std::string> types;
  for (const oci::Namespace& ns : spec.linux_.namespaces) types.push_back(ns.type + ns.path);
  return types;
}

const oci::Mount* FindMount(const oci::Spec& spec, const std::string& destination) {
  const oci::Mount* found = nullptr;
  for (const oci::Mount& mount : spec.mounts) {
    if (mount.destination == destination) {
      EXPECT_EQ(found, nullptr) << "mounted twice: " << destination;
      found = &mount;
    }
  }
  return found;
}

constexpr char kCapabilityNames[] =
    R"(["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_SETGID",)"
    R"("CAP_SETUID","CAP_SETPCAP","CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_SYS_CHROOT",)"
    R"("CAP_MKNOD","CAP_AUDIT_WRITE","CAP_SETFCAP"])";

// The whole of what a container without flags is.
TEST(BuildSpecTest, GoldenDefault) {
  const std::string text = oci::SerializeSpec(Build(Config()));
  for (const std::string& part : {
           std::string(R"({"ociVersion":"1.2.0","process":{"terminal":false,"user":{"uid":0,)"
                       R"("gid":0,"additionalGids":[0]},"args":["sh","-c","true"],"env":[)"
                       R"("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)"
                       R"("HOSTNAME=0123456789ab","HOME=/root"],"cwd":"/")"),
           std::string(R"("capabilities":{"bounding":)") + kCapabilityNames + R"(,"effective":)" +
               kCapabilityNames + R"(,"permitted":)" + kCapabilityNames +
               R"(},"noNewPrivileges":false})",
           std::string(R"("root":{"path":"/rootfs","readonly":false},"hostname":"0123456789ab")"),
           std::string(R"("sysctl":{"net.ipv4.ip_unprivileged_port_start":"0",)"
                       R"("net.ipv4.ping_group_range":"0 2147483647"})"),
           std::string(R"("maskedPaths":["/proc/acpi","/proc/asound","/proc/interrupts",)"
                       R"("/proc/kcore","/proc/keys","/proc/latency_stats","/proc/sched_debug",)"
                       R"("/proc/scsi","/proc/timer_list","/proc/timer_stats","/sys/firmware",)"
                       R"("/sys/devices/virtual/powercap","/sys/fs/selinux",)"
                       R"("/sys/devices/system/cpu/cpu0/thermal_throttle"])"),
           std::string(R"("readonlyPaths":["/proc/bus","/proc/fs","/proc/irq","/proc/sys",)"
                       R"("/proc/sysrq-trigger"])"),
           std::string(R"("cgroupsPath":"/tiny/0123")"),
           std::string(R"("namespaces":[{"type":"mount"},{"type":"network"},{"type":"uts"},)"
                       R"({"type":"pid"},{"type":"ipc"},{"type":"cgroup"}])"),
       }) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("\"seccomp\"")));
  EXPECT_THAT(text, Not(HasSubstr("\"inheritable\"")));
  EXPECT_THAT(text, Not(HasSubstr("\"ambient\"")));
}

TEST(BuildSpecTest, DefaultMountsInTheirOrder) {
  std::vector<std::string> mounts;
  for (const oci::Mount& mount : Build(Config()).mounts) {
    std::string line = mount.destination + " " + mount.type + " " + mount.source;
    for (const std::string& option : mount.options) line += " " + option;
    mounts.push_back(std::move(line));
  }
  EXPECT_THAT(
      mounts,
      ElementsAre("/proc proc proc nosuid noexec nodev",
                  "/dev tmpfs tmpfs nosuid strictatime mode=755 size=65536k",
                  "/dev/pts devpts devpts nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5",
                  "/sys sysfs sysfs nosuid noexec nodev ro",
                  "/sys/fs/cgroup cgroup cgroup nosuid noexec nodev relatime ro",
                  "/dev/mqueue mqueue mqueue nosuid noexec nodev",
                  "/dev/shm tmpfs shm nosuid noexec nodev mode=1777 size=67108864",
                  "/etc/resolv.conf bind /run/c/resolv.conf rbind rprivate",
                  "/etc/hostname bind /run/c/hostname rbind rprivate",
                  "/etc/hosts bind /run/c/hosts rbind rprivate"));
}

TEST(BuildSpecTest, DevicesAreDeniedButForTheUsualOnes) {
  const oci::Spec spec = Build(Config());
  ASSERT_TRUE(spec.linux_.resources.has_value());
  const std::vector<oci::DeviceRule>& rules = spec.linux_.resources->devices;
  ASSERT_FALSE(rules.empty());
  EXPECT_FALSE(rules[0].allow);
  EXPECT_EQ(rules[0].type, "a");
  for (size_t i = 1; i < rules.size(); ++i) {
    EXPECT_TRUE(rules[i].allow);
    EXPECT_EQ(rules[i].type, "c");
    EXPECT_TRUE(rules[i].major == 1 || rules[i].major == 5 || rules[i].major == 136);
  }
}

TEST(BuildSpecTest, EnvironmentOfTheUserWins) {
  ContainerConfig config = Config();
  config.tty = true;
  config.hostname = "box";
  config.user = "web";
  config.env = {"PATH=/bin", "A=1", "HOME=/x", "A=2", "TERM=dumb"};
  EXPECT_THAT(Build(config).process->env,
              ElementsAre("PATH=/bin", "HOSTNAME=box", "TERM=dumb", "A=2", "HOME=/x"));
  for (const char* bad : {"SECRET", "=x", ""}) {
    config.env = {bad};
    EXPECT_THAT(BuildSpec(config, Inputs()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--env")))
        << bad;
  }
}

TEST(BuildSpecTest, AnotherUserHasNoEffectiveCapabilities) {
  ContainerConfig config = Config();
  config.user = "web";
  config.group_add = {"7"};
  const oci::Spec spec = Build(config);
  EXPECT_EQ(spec.process->user.uid, 33u);
  EXPECT_THAT(spec.process->user.additional_gids, ElementsAre(4, 7, 33));
  EXPECT_THAT(spec.process->capabilities->effective, IsEmpty());
  EXPECT_THAT(spec.process->capabilities->permitted, IsEmpty());
  EXPECT_THAT(spec.process->capabilities->bounding, Not(IsEmpty()));
  EXPECT_THAT(spec.process->env, Contains("HOME=/srv"));
  config.user = "nobody";
  EXPECT_THAT(BuildSpec(config, Inputs()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("--user")));
}

TEST(BuildSpecTest, Privileged) {
  ContainerConfig config = Config();
  config.security.privileged = true;
  SpecInputs inputs = Inputs();
  inputs.all_host_devices = {{.type = "c", .path = "/dev/kmsg", .major = 1, .minor = 11}};
  const oci::Spec spec = Build(config, inputs);
  EXPECT_EQ(spec.process->capabilities->effective.size(), 41u);
  EXPECT_THAT(spec.linux_.masked_paths, IsEmpty());
  EXPECT_THAT(spec.linux_.readonly_paths, IsEmpty());
  ASSERT_EQ(spec.linux_.devices.size(), 1u);
  ASSERT_EQ(spec.linux_.resources->devices.size(), 1u);
  EXPECT_TRUE(spec.linux_.resources->devices[0].allow);
  EXPECT_THAT(FindMount(spec, "/sys")->options, Contains("rw"));
  EXPECT_FALSE(UsesDefaultSeccomp(config));
}

TEST(BuildSpecTest, Modes) {
  ContainerConfig config = Config();
  config.networks = {{.network = "host"}};
  config.pid_mode = "host";
  config.ipc_mode = "host";
  config.uts_mode = "host";
  config.cgroupns_mode = "host";
  const oci::Spec host = Build(config);
  EXPECT_THAT(Namespaces(host), ElementsAre("mount"));
  EXPECT_TRUE(host.linux_.sysctl.empty());
  EXPECT_EQ(host.hostname, "");
  EXPECT_EQ(FindMount(host, "/dev/shm")->source, "/dev/shm");

  config = Config();
  config.networks = {{.network = "container:x"}};
  config.pid_mode = "container:x";
  config.ipc_mode = "container:x";
  SpecInputs inputs = Inputs();
  EXPECT_THAT(BuildSpec(config, inputs), StatusIs(absl::StatusCode::kInvalidArgument));
  inputs.network_namespace = "/proc/9/ns/net";
  inputs.pid_namespace = "/proc/9/ns/pid";
  inputs.ipc_namespace = "/proc/9/ns/ipc";
  inputs.shm_source = "/proc/9/root/dev/shm";
  const oci::Spec joined = Build(config, inputs);
  EXPECT_THAT(Namespaces(joined), ElementsAre("mount", "network/proc/9/ns/net", "uts",
                                              "pid/proc/9/ns/pid", "ipc/proc/9/ns/ipc", "cgroup"));
  EXPECT_TRUE(joined.linux_.sysctl.empty());
  EXPECT_EQ(FindMount(joined, "/dev/shm")->source, "/proc/9/root/dev/shm");

  config = Config();
  config.ipc_mode = "none";
  EXPECT_EQ(FindMount(Build(config), "/dev/shm"), nullptr);
}

TEST(BuildSpecTest, FilesOfTheEngineAreSeenInAnotherEtc) {
  ContainerConfig config = Config();
  config.mounts = {{.source = "x", .destination = "/etc"},
                   {.source = "x", .destination = "/etc/hosts/x"},
                   {.source = "x", .destination = "/dev"}};
  SpecInputs inputs = Inputs();
  inputs.mount_sources = {"/host/etc", "/host/deep", "/dev"};
  const oci::Spec spec = Build(config, inputs);
  EXPECT_LT(FindMount(spec, "/etc"), FindMount(spec, "/etc/hosts"));
  EXPECT_LT(FindMount(spec, "/etc"), FindMount(spec, "/etc/resolv.conf"));
  EXPECT_LT(FindMount(spec, "/etc/hosts"), FindMount(spec, "/etc/hosts/x"));
  EXPECT_EQ(FindMount(spec, "/dev")->source, "/dev");
  EXPECT_EQ(FindMount(spec, "/dev/pts"), nullptr) << "another /dev has its own";
}

TEST(BuildSpecTest, UserMounts) {
  ContainerConfig config = Config();
  config.read_only = true;
  config.shm_size = 1 << 20;
  config.mounts = {
      {.source = "x", .destination = "/a/b/c", .read_only = true},
      {.type = MountConfig::Type::kTmpfs, .destination = "/tmp", .tmpfs_options = "exec,size=1m"},
      {.source = "x", .destination = "/a", .propagation = "rshared"},
      {.source = "x", .destination = "/etc/hosts", .recursive = false},
  };
  SpecInputs inputs = Inputs();
  inputs.mount_sources = {"/host/c", "", "/host/a", "/host/hosts"};
  const oci::Spec spec = Build(config, inputs);
  EXPECT_TRUE(spec.root->readonly);
  EXPECT_THAT(FindMount(spec, "/a/b/c")->options, ElementsAre("rbind", "rprivate", "rro"));
  EXPECT_THAT(FindMount(spec, "/tmp")->options, ElementsAre("nosuid", "nodev", "exec", "size=1m"));
  EXPECT_EQ(FindMount(spec, "/etc/hosts")->source, "/host/hosts");
  EXPECT_THAT(FindMount(spec, "/etc/hosts")->options, ElementsAre("bind", "rprivate"));
  EXPECT_THAT(FindMount(spec, "/etc/hostname")->options, Contains("ro"));
  EXPECT_THAT(FindMount(spec, "/dev/shm")->options, Contains("size=1048576"));
  EXPECT_EQ(spec.linux_.rootfs_propagation, "shared");
  EXPECT_LT(FindMount(spec, "/a"), FindMount(spec, "/a/b/c")) << "parents come first";

  inputs.mount_sources = {};
  EXPECT_THAT(BuildSpec(config, inputs),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no source")));
  config.mounts = {{.source = "x", .destination = "/proc/self"}};
  inputs.mount_sources = {"/x"};
  EXPECT_THAT(BuildSpec(config, inputs),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inside /proc")));
}

TEST(BuildSpecTest, DevicesOfTheUser) {
  ContainerConfig config = Config();
  config.devices = {
      {.path_on_host = "/dev/fuse", .path_in_container = "/dev/f", .permissions = "rw"}};
  config.resources.device_cgroup_rules = {"c 42:* rmw"};
  const oci::Spec spec = Build(config);
  ASSERT_EQ(spec.linux_.devices.size(), 1u);
  EXPECT_EQ(spec.linux_.devices[0].path, "/dev/f");
  const std::vector<oci::DeviceRule>& rules = spec.linux_.resources->devices;
  EXPECT_EQ(rules[rules.size() - 2].minor, 229);
  EXPECT_EQ(rules[rules.size() - 2].access, "rw");
  EXPECT_EQ(rules.back().major, 42);
  EXPECT_EQ(rules.back().minor, std::nullopt);
  config.devices[0].path_on_host = "/dev/none";
  EXPECT_THAT(BuildSpec(config, Inputs()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/dev/none")));
  for (const char* rule : {"", "c 1:3", "x 1:3 r", "c 1 r", "c 1:3 q", "c -1:3 r", "c 1:3 rwmr"}) {
    ContainerConfig bad = Config();
    bad.resources.device_cgroup_rules = {rule};
    EXPECT_THAT(BuildSpec(bad, Inputs()), StatusIs(absl::StatusCode::kInvalidArgument)) << rule;
  }
}

TEST(BuildSpecTest, UserNamespace) {
  SpecInputs inputs = Inputs();
  inputs.uid_mappings = {{0, 100000, 65536}};
  inputs.gid_mappings = {{0, 100000, 5}};
  const oci::Spec spec = Build(Config(), inputs);
  EXPECT_THAT(Namespaces(spec), Contains("user"));
  EXPECT_EQ(spec.linux_.sysctl.count("net.ipv4.ping_group_range"), 0u);
  EXPECT_THAT(FindMount(spec, "/dev/pts")->options, Not(Contains("gid=5")));
}

TEST(BuildSpecTest, UlimitsAndSysctls) {
  ContainerConfig config = Config();
  config.ulimits = {{"nofile", 1024, 2048}, {"core", 0, -1}};
  config.sysctls = {{"net.core.somaxconn", "1024"}};
  const oci::Spec spec = Build(config);
  EXPECT_EQ(spec.process->rlimits[0].type, "RLIMIT_NOFILE");
  EXPECT_EQ(spec.process->rlimits[1].hard, UINT64_MAX);
  EXPECT_EQ(spec.linux_.sysctl.at("net.core.somaxconn"), "1024");
  config.ulimits = {{"nofile", -1, 5}};
  EXPECT_THAT(BuildSpec(config, Inputs()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nofile")));
  config.ulimits = {{"files", 1, 5}};
  EXPECT_THAT(BuildSpec(config, Inputs()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("files")));
  config = Config();
  config.sysctls = {{"kernel.core_pattern", "|/x"}};
  EXPECT_THAT(BuildSpec(config, Inputs()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("core_pattern")));
}

TEST(BuildSpecTest, SeccompProfileOfTheUser) {
  ContainerConfig config = Config();
  EXPECT_TRUE(UsesDefaultSeccomp(config));
  config.security.seccomp = R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
      {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
      {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}}]})";
  EXPECT_FALSE(UsesDefaultSeccomp(config));
  oci::Spec spec = Build(config);
  ASSERT_TRUE(spec.linux_.seccomp.has_value());
  ASSERT_EQ(spec.linux_.seccomp->syscalls.size(), 1u);
  ASSERT_OK_AND_ASSIGN(const security::Policy policy, PolicyFromSpec(*spec.linux_.seccomp));
  EXPECT_THAT(policy.rules[0].syscalls, ElementsAre("read"));
  config.security.cap_add = {"SYS_ADMIN"};
  spec = Build(config);
  EXPECT_EQ(spec.linux_.seccomp->syscalls.size(), 2u);
  config.security.seccomp = "unconfined";
  EXPECT_FALSE(Build(config).linux_.seccomp.has_value());
  EXPECT_FALSE(UsesDefaultSeccomp(config));
  config.security.seccomp = "{";
  EXPECT_THAT(BuildSpec(config, Inputs()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("seccomp")));
}

TEST(BuildSpecTest, SeccompProfileForThisKernelAndForALaterOne) {
  utsname kernel;
  ASSERT_EQ(uname(&kernel), 0);
  const std::vector<std::string> parts = absl::StrSplit(kernel.release, '.');
  int minor = 0;
  ASSERT_TRUE(absl::SimpleAtoi(parts[1], &minor)) << kernel.release;
  const auto since = [&](int wanted) {
    return absl::StrCat(R"("includes": {"minKernel": ")", parts[0], ".", wanted, R"("}})");
  };
  ContainerConfig config = Config();
  config.security.seccomp =
      absl::StrCat(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [)",
                   R"({"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", )", since(minor), ",",
                   R"({"names": ["bpf"], "action": "SCMP_ACT_ALLOW", )", since(minor + 1), "]}");
  const oci::Spec spec = Build(config);
  ASSERT_TRUE(spec.linux_.seccomp.has_value());
  ASSERT_EQ(spec.linux_.seccomp->syscalls.size(), 1u);
  EXPECT_THAT(spec.linux_.seccomp->syscalls[0].names, ElementsAre("ptrace"));
}

TEST(BuildSpecTest, NeedsACommand) {
  ContainerConfig config = Config();
  config.command.clear();
  EXPECT_THAT(BuildSpec(config, Inputs()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no command")));
}

TEST(BuildExecProcessTest, ChangesTheContainersProcess) {
  ContainerConfig config = Config();
  config.user = "web";
  config.env = {"A=1"};
  config.working_dir = "/w";
  config.oom_score_adj = 500;
  const SpecInputs inputs = Inputs();
  ASSERT_OK_AND_ASSIGN(const oci::Process same,
                       BuildExecProcess(config, {.args = {"ls"}, .env = {"A=2", "B=3"}},
                                        inputs.passwd, inputs.group));
  EXPECT_THAT(same.args, ElementsAre("ls"));
  EXPECT_EQ(same.user.uid, 33u);
  EXPECT_EQ(same.cwd, "/w");
  EXPECT_THAT(same.env, Contains("A=2"));
  EXPECT_THAT(same.env, Contains("B=3"));
  ASSERT_OK_AND_ASSIGN(
      const oci::Process root,
      BuildExecProcess(config,
                       {.args = {"ls"}, .user = "0", .working_dir = "/", .privileged = true},
                       inputs.passwd, inputs.group));
  EXPECT_EQ(root.user.uid, 0u);
  EXPECT_EQ(root.capabilities->effective.size(), 41u);
  EXPECT_EQ(root.cwd, "/");
}

oci::Resources Resources(const state::ResourceConfig& config) {
  const absl::StatusOr<oci::Resources> resources = BuildResources(config, Inputs().host_devices);
  EXPECT_OK(resources);
  return resources.ok() ? *resources : oci::Resources{};
}

TEST(BuildResourcesTest, Limits) {
  EXPECT_FALSE(Resources({}).memory.has_value());
  EXPECT_FALSE(Resources({}).cpu.has_value());
  EXPECT_EQ(Resources({.memory = 1 << 20}).memory->swap, 2 << 20);
  EXPECT_EQ(Resources({.memory = 1 << 20, .memory_swap = -1}).memory->swap, -1);
  EXPECT_EQ(Resources({.memory = 1 << 20, .memory_swap = 1 << 20}).memory->swap, 1 << 20);
  const oci::Resources half = Resources({.nano_cpus = 500000000});
  EXPECT_EQ(half.cpu->quota, 50000);
  EXPECT_EQ(half.cpu->period, 100000u);
  EXPECT_EQ(Resources({.pids_limit = 5}).pids_limit, 5);
  EXPECT_FALSE(Resources({.pids_limit = -1}).pids_limit.has_value());
  const oci::Resources io =
      Resources({.blkio_weight = 300, .device_read_bps = {{"/dev/vda", 1000}}});
  EXPECT_EQ(io.block_io->weight, 300);
  EXPECT_EQ(io.block_io->throttle_read_bps_device[0].major, 254);
}

TEST(BuildResourcesTest, ContradictionsAreNamed) {
  const std::pair<state::ResourceConfig, const char*> cases[] = {
      {{.memory_swap = 1 << 20}, "--memory-swap"},
      {{.memory = 2 << 20, .memory_swap = 1 << 20}, "--memory-swap"},
      {{.memory = 1 << 20, .memory_reservation = 2 << 20}, "--memory-reservation"},
      {{.memory_swappiness = 101}, "--memory-swappiness"},
      {{.nano_cpus = 1000000000, .cpu_quota = 5000}, "--cpus"},
      {{.nano_cpus = 1}, "--cpus"},
      {{.cpu_period = 10}, "--cpu-period"},
      {{.cpu_quota = 10}, "--cpu-quota"},
      {{.blkio_weight = 9}, "--blkio-weight"},
  };
  for (const auto& [config, flag] : cases) {
    EXPECT_THAT(BuildResources(config, {}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(flag)));
  }
  EXPECT_THAT(BuildResources({.device_read_bps = {{"/dev/fuse", 1}}}, Inputs().host_devices),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/dev/fuse")));
}

}  // namespace
}  // namespace tiny::runtime
