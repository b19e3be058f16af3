#include "security/seccomp/default_profile.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "security/seccomp/bpf_evaluator.h"
#include "security/seccomp/default_rules.h"
#include "security/seccomp/naive_policy.h"
#include "security/seccomp/syscalls.h"
#include "testing/status_matchers.h"

namespace tiny::security {
namespace {

constexpr Action kAllow = SECCOMP_RET_ALLOW;
constexpr Action kDenied = SECCOMP_RET_ERRNO | EPERM;
constexpr Action kUnknown = SECCOMP_RET_ERRNO | ENOSYS;

Action Ask(CapabilitySet capabilities, Arch arch, const char* call,
           std::vector<uint64_t> arguments = {}) {
  const std::optional<uint32_t> number = SyscallNumber(call, arch);
  EXPECT_TRUE(number.has_value()) << call;
  Program storage;
  const auto program = DefaultProgram(capabilities, storage);
  EXPECT_OK(program);
  seccomp_data data = {};
  data.nr = static_cast<int>(number.value_or(9999));
  data.arch = arch == Arch::kX86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_I386;
  std::copy(arguments.begin(), arguments.end(), data.args);
  const auto action = EvaluateBpf(*program, data);
  EXPECT_OK(action);
  return action.value_or(0);
}

Action Ask(const char* call, std::vector<uint64_t> arguments = {}) {
  return Ask(kDefaultCapabilities, Arch::kX86_64, call, std::move(arguments));
}

TEST(DefaultPolicyTest, CompilesToWhatItSaysForEverySetOfCapabilities) {
  std::vector<CapabilitySet> sets = {kDefaultCapabilities, CapabilitySet{}, kAllCapabilities};
  for (int capability = 0; capability <= kLastKnownCapability; ++capability) {
    if (GatingCapabilities().Has(capability)) sets.push_back(CapabilitySet{capability});
  }
  for (const CapabilitySet set : sets) {
    for (const Arch machine : {Arch::kX86_64, Arch::kAarch64}) {
      ExpectCompilesTo(DefaultPolicy(set, machine));
      if (HasFatalFailure()) FAIL() << set.bits;
    }
  }
}

TEST(DefaultPolicyTest, TheProgramThatWasBuiltIsTheOneThatWouldBeCompiled) {
  for (const CapabilitySet set :
       {kDefaultCapabilities, CapabilitySet{}, kAllCapabilities, CapabilitySet{CAP_AUDIT_WRITE},
        kDefaultCapabilities | CapabilitySet{CAP_SYS_ADMIN},
        kDefaultCapabilities | CapabilitySet{CAP_NET_ADMIN}}) {
    Program storage;
    ASSERT_OK_AND_ASSIGN(const absl::Span<const sock_filter> built, DefaultProgram(set, storage));
    EXPECT_TRUE(storage.empty()) << "compiled at run time: " << set.bits;
    ASSERT_OK_AND_ASSIGN(const Program compiled, CompilePolicy(DefaultPolicy(set)));
    ASSERT_EQ(built.size(), compiled.size());
    EXPECT_EQ(std::memcmp(built.data(), compiled.data(), built.size() * sizeof(sock_filter)), 0);
  }
}

TEST(DefaultPolicyTest, UnusualSetsAreCompiled) {
  Program storage;
  ASSERT_OK_AND_ASSIGN(const absl::Span<const sock_filter> program,
                       DefaultProgram(CapabilitySet{CAP_SYS_BOOT, CAP_BPF}, storage));
  EXPECT_EQ(program.data(), storage.data());
}

// Grows only when somebody has looked at why.
TEST(DefaultPolicyTest, IsShort) {
  Program storage;
  ASSERT_OK_AND_ASSIGN(const absl::Span<const sock_filter> program,
                       DefaultProgram(kDefaultCapabilities, storage));
  EXPECT_LE(program.size(), 250u);
  seccomp_data data = {};
  data.arch = AUDIT_ARCH_X86_64;
  int worst = 0;
  for (data.nr = 0; data.nr < 600; ++data.nr) {
    int steps = 0;
    ASSERT_OK(EvaluateBpf(program, data, &steps));
    worst = std::max(worst, steps);
  }
  EXPECT_LE(worst, 20);
}

TEST(DefaultPolicyTest, OrdinaryProgramsRun) {
  for (const char* call :
       {"read",          "write",      "openat",    "execve",       "mmap",
        "clock_gettime", "futex",      "rseq",      "statx",        "close_range",
        "openat2",       "faccessat2", "fchmodat2", "epoll_pwait2", "ptrace",
        "chroot",        "mknod",      "seccomp",   "prctl",        "landlock_restrict_self",
        "memfd_create",  "pidfd_open", "mseal",     "statmount",    "cachestat",
        "futex_wait",    "setxattrat", "arch_prctl"}) {
    EXPECT_EQ(Ask(call), kAllow) << call;
  }
  for (const char* call : {"socketcall", "ipc", "time", "stat64", "waitpid", "set_thread_area",
                           "clock_gettime64", "mmap2", "_llseek"}) {
    EXPECT_EQ(Ask(kDefaultCapabilities, Arch::kI386, call), kAllow) << call;
  }
}

TEST(DefaultPolicyTest, TheKernelsSharpEdgesAreOut) {
  for (const char* call : {"mount",
                           "umount2",
                           "unshare",
                           "setns",
                           "pivot_root",
                           "fsopen",
                           "move_mount",
                           "open_tree",
                           "mount_setattr",
                           "keyctl",
                           "add_key",
                           "request_key",
                           "bpf",
                           "perf_event_open",
                           "userfaultfd",
                           "io_uring_setup",
                           "io_uring_enter",
                           "kexec_load",
                           "init_module",
                           "reboot",
                           "swapon",
                           "settimeofday",
                           "clock_settime",
                           "acct",
                           "quotactl",
                           "syslog",
                           "iopl",
                           "ioperm",
                           "open_by_handle_at",
                           "move_pages",
                           "mbind",
                           "kcmp",
                           "pidfd_getfd",
                           "vhangup",
                           "fanotify_init",
                           "sethostname",
                           "lookup_dcookie",
                           "process_madvise"}) {
    EXPECT_EQ(Ask(call), kDenied) << call;
  }
  for (const char* call : {"mount", "umount", "stime", "vm86", "bpf"}) {
    EXPECT_EQ(Ask(kDefaultCapabilities, Arch::kI386, call), kDenied) << call;
  }
}

TEST(DefaultPolicyTest, CloneMakesNoNamespacesAndClone3FallsBack) {
  EXPECT_EQ(Ask("clone", {SIGCHLD}), kAllow);
  EXPECT_EQ(Ask("clone", {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND}), kAllow);
  for (const uint64_t flag : {CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID,
                              CLONE_NEWNET, CLONE_NEWCGROUP}) {
    EXPECT_EQ(Ask("clone", {flag | SIGCHLD}), kDenied) << flag;
  }
  EXPECT_EQ(Ask("clone3"), kUnknown);
  const CapabilitySet admin = kDefaultCapabilities | CapabilitySet{CAP_SYS_ADMIN};
  EXPECT_EQ(Ask(admin, Arch::kX86_64, "clone3"), kAllow);
  EXPECT_EQ(Ask(admin, Arch::kX86_64, "clone", {CLONE_NEWNS}), kAllow);
  EXPECT_EQ(Ask(admin, Arch::kX86_64, "mount"), kAllow);
  EXPECT_EQ(Ask(admin, Arch::kX86_64, "keyctl"), kDenied);
}

TEST(DefaultPolicyTest, SocketFamilies) {
  for (const uint64_t family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, 39, 41, 46}) {
    EXPECT_EQ(Ask("socket", {family}), kAllow) << family;
  }
  EXPECT_EQ(Ask("socket", {AF_ALG}), kDenied);
  EXPECT_EQ(Ask("socket", {AF_VSOCK}), kDenied);
  EXPECT_EQ(Ask(kDefaultCapabilities, Arch::kI386, "socket", {AF_VSOCK}), kDenied);
  EXPECT_EQ(Ask("socket", {AF_NETLINK, SOCK_RAW, 9}), kAllow);
  EXPECT_EQ(Ask(CapabilitySet{}, Arch::kX86_64, "socket", {AF_NETLINK, SOCK_RAW, 9}),
            Action{SECCOMP_RET_ERRNO | EINVAL});
}

TEST(DefaultPolicyTest, Personalities) {
  for (const uint64_t persona : {0x0, 0x8, 0x20000, 0x20008}) {
    EXPECT_EQ(Ask("personality", {persona}), kAllow) << persona;
  }
  EXPECT_EQ(Ask("personality", {0xffffffff}), kAllow);
  EXPECT_EQ(Ask("personality", {0x0400000}), kDenied);
  EXPECT_EQ(Ask("personality", {0x0040000}), kDenied);
}

TEST(DefaultPolicyTest, WhatIsNewerThanTheReviewIsUnknown) {
  for (const char* call : {"open_tree_attr", "file_getattr", "file_setattr", "listns"}) {
    EXPECT_EQ(Ask(call), kUnknown) << call;
    EXPECT_EQ(Ask(kAllCapabilities, Arch::kX86_64, call), kUnknown) << call;
  }
}

TEST(DefaultPolicyTest, ACapabilityOpensWhatItIsFor) {
  const std::pair<int, const char*> gates[] = {
      {CAP_DAC_READ_SEARCH, "open_by_handle_at"},
      {CAP_SYS_BOOT, "reboot"},
      {CAP_SYS_MODULE, "init_module"},
      {CAP_SYS_PACCT, "acct"},
      {CAP_SYS_PTRACE, "kcmp"},
      {CAP_SYS_RAWIO, "iopl"},
      {CAP_SYS_TIME, "clock_settime"},
      {CAP_SYS_TTY_CONFIG, "vhangup"},
      {CAP_SYS_NICE, "mbind"},
      {CAP_SYSLOG, "syslog"},
      {CAP_BPF, "bpf"},
      {CAP_PERFMON, "perf_event_open"},
      {CAP_SYS_ADMIN, "unshare"},
  };
  for (const auto& [capability, call] : gates) {
    EXPECT_EQ(Ask(call), kDenied) << call;
    EXPECT_EQ(Ask(CapabilitySet{capability}, Arch::kX86_64, call), kAllow) << call;
  }
  EXPECT_EQ(Ask(CapabilitySet{}, Arch::kX86_64, "chroot"), kDenied);
}

}  // namespace
}  // namespace tiny::security
