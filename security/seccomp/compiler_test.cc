#include "security/seccomp/compiler.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "security/seccomp/bpf_evaluator.h"
#include "security/seccomp/naive_policy.h"
#include "security/seccomp/syscalls.h"
#include "testing/status_matchers.h"

namespace tiny::security {
namespace {

using ::tiny::testing::StatusIs;

constexpr Action kAllow = SECCOMP_RET_ALLOW;
constexpr Action kDeny = SECCOMP_RET_ERRNO | EPERM;

Policy DenyAll() {
  Policy policy;
  policy.default_action = kDeny;
  policy.architectures = {Arch::kX86_64, Arch::kI386};
  return policy;
}

TEST(SyscallTableTest, HasTheNumbersOfEachArchitecture) {
  EXPECT_EQ(SyscallNumber("read", Arch::kX86_64), 0u);
  EXPECT_EQ(SyscallNumber("read", Arch::kI386), 3u);
  EXPECT_EQ(SyscallNumber("read", Arch::kAarch64), 63u);
  EXPECT_EQ(SyscallNumber("socketcall", Arch::kI386), 102u);
  EXPECT_EQ(SyscallNumber("socketcall", Arch::kX86_64), std::nullopt);
  EXPECT_EQ(SyscallNumber("uretprobe", Arch::kX86_64), 335u);
  EXPECT_EQ(SyscallNumber("set_tls", Arch::kArm), 0xf0005u);
  for (const Arch arch : {Arch::kX86_64, Arch::kI386, Arch::kAarch64, Arch::kArm}) {
    EXPECT_EQ(SyscallNumber("clone3", arch), 435u);
    EXPECT_EQ(SyscallNumber("removexattrat", arch), 466u);
    EXPECT_EQ(SyscallNumber("no_such_call", arch), std::nullopt);
  }
}

TEST(SyscallTableTest, IsSortedAndHasEachNumberOnce) {
  for (int arch = 0; arch < kArchCount; ++arch) {
    std::set<int> seen;
    absl::string_view last;
    for (const SyscallName& call : AllSyscalls()) {
      EXPECT_LT(last, call.name);
      last = call.name;
      if (call.numbers[arch] < 0) continue;
      EXPECT_TRUE(seen.insert(call.numbers[arch]).second) << last;
    }
    EXPECT_GT(seen.size(), 280u);
  }
}

TEST(CompilePolicyTest, EmptyPolicyIsItsDefault) {
  ExpectCompilesTo(DenyAll());
  Policy allow = DenyAll();
  allow.default_action = kAllow;
  ExpectCompilesTo(allow);
}

TEST(CompilePolicyTest, EveryActionArrivesAsItIs) {
  for (const Action action :
       {Action{SECCOMP_RET_KILL_PROCESS}, Action{SECCOMP_RET_KILL_THREAD}, Action{SECCOMP_RET_TRAP},
        Action{SECCOMP_RET_ERRNO | 4095}, Action{SECCOMP_RET_USER_NOTIF},
        Action{SECCOMP_RET_TRACE | 77}, Action{SECCOMP_RET_LOG}, kAllow}) {
    Policy policy = DenyAll();
    policy.rules.push_back({{"open", "kill", "removexattrat"}, action, {}});
    ExpectCompilesTo(policy);
  }
}

class ComparisonTest : public ::testing::TestWithParam<Comparison> {};

TEST_P(ComparisonTest, AgreesAtEveryBoundary) {
  for (const uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{0x7fffffff}, uint64_t{0xffffffff},
                               uint64_t{0x100000000}, uint64_t{0x123456789abcdef0}, UINT64_MAX}) {
    for (const uint64_t value_two : {uint64_t{0}, value, value & 0xff00ff00ff00ff00}) {
      Policy policy = DenyAll();
      policy.rules.push_back(
          {{"ioctl"},
           kAllow,
           {{.index = 1, .op = GetParam(), .value = value, .value_two = value_two}}});
      ExpectCompilesTo(policy);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ComparisonTest,
                         ::testing::Values(Comparison::kNotEqual, Comparison::kLess,
                                           Comparison::kLessOrEqual, Comparison::kEqual,
                                           Comparison::kGreaterOrEqual, Comparison::kGreater,
                                           Comparison::kMaskedEqual));

TEST(CompilePolicyTest, AllArgumentsOfARuleMustMatch) {
  Policy policy = DenyAll();
  policy.rules.push_back({{"mmap"},
                          kAllow,
                          {{0, Comparison::kEqual, 0, 0},
                           {2, Comparison::kMaskedEqual, 4, 0},
                           {5, Comparison::kLess, 1ull << 40, 0}}});
  ExpectCompilesTo(policy);
}

TEST(CompilePolicyTest, SeveralValuesOfOneArgumentShareTheirLoads) {
  Policy policy = DenyAll();
  policy.architectures = {Arch::kX86_64};
  for (uint64_t value = 10; value < 20; ++value) {
    policy.rules.push_back({{"personality"}, kAllow, {{0, Comparison::kEqual, value, 0}}});
  }
  ExpectCompilesTo(policy);
  ASSERT_OK_AND_ASSIGN(const Program program, CompilePolicy(policy));
  EXPECT_LT(program.size(), 25u);
}

TEST(CompilePolicyTest, TheFirstMatchWinsAmongConditions) {
  Policy policy = DenyAll();
  policy.rules.push_back(
      {{"socket"}, kDeny, {{0, Comparison::kEqual, 16, 0}, {2, Comparison::kEqual, 9, 0}}});
  policy.rules.push_back({{"socket"}, SECCOMP_RET_LOG, {{0, Comparison::kEqual, 16, 0}}});
  policy.rules.push_back({{"socket"}, kAllow, {{0, Comparison::kNotEqual, 40, 0}}});
  ExpectCompilesTo(policy);
}

TEST(CompilePolicyTest, AnUnconditionalRuleWinsOverConditions) {
  Policy policy = DenyAll();
  policy.rules.push_back({{"socket"}, kDeny, {{0, Comparison::kEqual, 16, 0}}});
  policy.rules.push_back({{"socket"}, kAllow, {}});
  policy.rules.push_back({{"socket"}, SECCOMP_RET_TRAP, {{0, Comparison::kEqual, 17, 0}}});
  ExpectCompilesTo(policy);
}

TEST(CompilePolicyTest, TheFirstOfUnconditionalRulesWins) {
  Policy policy;
  policy.architectures = {Arch::kX86_64};
  policy.default_action = kAllow;
  policy.rules.push_back({{"mkdir"}, kAllow, {}});  // the default's: as if it were not there
  policy.rules.push_back({{"mkdir"}, SECCOMP_RET_ERRNO | EPERM, {}});
  for (const Action later : {kAllow, Action{SECCOMP_RET_LOG}, Action{SECCOMP_RET_ERRNO | ENOSYS}}) {
    policy.rules.push_back({{"mkdir"}, later, {}});
  }
  ASSERT_OK_AND_ASSIGN(const Program program, CompilePolicy(policy));
  seccomp_data data = {};
  data.nr = static_cast<int>(*SyscallNumber("mkdir", Arch::kX86_64));
  data.arch = AUDIT_ARCH_X86_64;
  ASSERT_OK_AND_ASSIGN(const uint32_t action, EvaluateBpf(program, data));
  EXPECT_EQ(action, SECCOMP_RET_ERRNO | EPERM);
  ExpectCompilesTo(policy);
}

TEST(CompilePolicyTest, NewerCallsFailAsUnknown) {
  Policy policy = DenyAll();
  policy.newer_is_enosys = true;
  policy.rules.push_back({{"read", "openat2"}, kAllow, {}});
  ExpectCompilesTo(policy);
  policy.default_action = SECCOMP_RET_LOG;
  ExpectCompilesTo(policy);
  policy.rules.clear();
  ExpectCompilesTo(policy);
}

TEST(CompilePolicyTest, UnknownNamesAreLeftOut) {
  Policy policy = DenyAll();
  policy.rules.push_back({{"read", "call_of_the_year_2050"}, kAllow, {}});
  ExpectCompilesTo(policy);
}

TEST(CompilePolicyTest, OtherMachines) {
  Policy policy = DenyAll();
  policy.architectures = {Arch::kAarch64, Arch::kArm};
  policy.rules.push_back({{"read", "openat", "set_tls", "clone3"}, kAllow, {}});
  policy.rules.push_back({{"ioctl"}, kAllow, {{1, Comparison::kGreater, 1ull << 33, 0}}});
  ExpectCompilesTo(policy);
}

// As long as it gets: every second call has conditions of its own, so that jumps must go far.
TEST(CompilePolicyTest, FarJumpsArrive) {
  Policy policy = DenyAll();
  int i = 0;
  for (const SyscallName& call : AllSyscalls()) {
    if (++i % 2 == 0) continue;
    policy.rules.push_back(
        {{call.name},
         kAllow,
         {{static_cast<uint8_t>(i % 6), Comparison::kGreater, static_cast<uint64_t>(i) << 20, 0}}});
  }
  ExpectCompilesTo(policy);
}

TEST(CompilePolicyTest, RandomPolicies) {
  std::mt19937 random(4711);
  const auto pick = [&random](uint64_t limit) { return random() % limit; };
  const Action actions[] = {kAllow, kDeny, SECCOMP_RET_LOG, SECCOMP_RET_TRAP};
  for (int round = 0; round < 12; ++round) {
    Policy policy = DenyAll();
    policy.default_action = actions[pick(4)];
    policy.newer_is_enosys = pick(2) == 0;
    for (uint64_t i = pick(40); i > 0; --i) {
      Rule rule;
      for (uint64_t n = pick(30) + 1; n > 0; --n) {
        rule.syscalls.push_back(AllSyscalls()[pick(AllSyscalls().size())].name);
      }
      rule.action = actions[pick(4)];
      for (uint64_t n = pick(3); n > 0; --n) {
        rule.arguments.push_back({static_cast<uint8_t>(pick(6)), static_cast<Comparison>(pick(7)),
                                  pick(3) << (pick(2) * 32), pick(3)});
      }
      policy.rules.push_back(std::move(rule));
    }
    ExpectCompilesTo(policy);
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}

TEST(CompilePolicyTest, RefusesWhatTheKernelWould) {
  Policy policy = DenyAll();
  policy.rules.push_back({{"read"}, kAllow, {{6, Comparison::kEqual, 0, 0}}});
  EXPECT_THAT(CompilePolicy(policy), StatusIs(absl::StatusCode::kInvalidArgument));
  policy = DenyAll();
  for (uint64_t i = 0; i < 2000; ++i) {
    policy.rules.push_back({{"read"}, kAllow, {{0, Comparison::kMaskedEqual, ~i, i}}});
  }
  EXPECT_THAT(CompilePolicy(policy), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST(CompilePolicyTest, IsDeterministic) {
  Policy policy = DenyAll();
  policy.rules.push_back({{"read", "write", "socket"}, kAllow, {}});
  ASSERT_OK_AND_ASSIGN(const Program a, CompilePolicy(policy));
  ASSERT_OK_AND_ASSIGN(const Program b, CompilePolicy(policy));
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(sock_filter)), 0);
}

}  // namespace
}  // namespace tiny::security
