#include "security/seccomp/naive_policy.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "security/seccomp/bpf_evaluator.h"
#include "security/seccomp/compiler.h"
#include "security/seccomp/syscalls.h"
#include "testing/status_matchers.h"

namespace tiny::security {
namespace {

constexpr uint32_t kAuditArches[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
                                     AUDIT_ARCH_ARM};

bool Is32Bit(Arch arch) { return arch == Arch::kI386 || arch == Arch::kArm; }

bool Holds(const ArgumentCheck& check, Arch arch, const uint64_t* arguments) {
  const uint64_t width = Is32Bit(arch) ? UINT32_MAX : UINT64_MAX;
  const uint64_t actual = arguments[check.index] & width;
  const uint64_t value = check.value & width;
  switch (check.op) {
    case Comparison::kNotEqual:
      return actual != value;
    case Comparison::kLess:
      return actual < value;
    case Comparison::kLessOrEqual:
      return actual <= value;
    case Comparison::kEqual:
      return actual == value;
    case Comparison::kGreaterOrEqual:
      return actual >= value;
    case Comparison::kGreater:
      return actual > value;
    case Comparison::kMaskedEqual:
      return (actual & value) == (check.value_two & width);
  }
  return false;
}

bool Names(const Rule& rule, Arch arch, uint32_t number) {
  return std::any_of(rule.syscalls.begin(), rule.syscalls.end(),
                     [&](const std::string& name) { return SyscallNumber(name, arch) == number; });
}

// The first list of arguments has 7 everywhere; then each check's boundaries at its index.
std::vector<std::vector<uint64_t>> InterestingArguments(const Policy& policy, Arch arch,
                                                        uint32_t number) {
  std::vector<std::vector<uint64_t>> lists = {std::vector<uint64_t>(6, 7),
                                              std::vector<uint64_t>(6, 0),
                                              std::vector<uint64_t>(6, UINT64_MAX)};
  for (const Rule& rule : policy.rules) {
    if (!Names(rule, arch, number)) continue;
    std::vector<uint64_t> satisfied(6, 0);
    for (const ArgumentCheck& check : rule.arguments) {
      satisfied[check.index] = check.op == Comparison::kMaskedEqual ? check.value_two : check.value;
    }
    for (const ArgumentCheck& check : rule.arguments) {
      for (const uint64_t base : {check.value, check.value_two}) {
        for (const uint64_t other :
             {base, base - 1, base + 1, base ^ (uint64_t{1} << 32), base + (uint64_t{1} << 32),
              base - (uint64_t{1} << 32), ~base, base & UINT32_MAX, base << 32}) {
          std::vector<uint64_t> arguments = satisfied;
          arguments[check.index] = other;
          lists.push_back(std::move(arguments));
        }
      }
    }
  }
  return lists;
}

}  // namespace

Action DecideNaively(const Policy& policy, Arch arch, uint32_t number, const uint64_t* arguments) {
  constexpr uint32_t kX32Bit = 0x40000000;
  if (arch == Arch::kX86_64 && number >= kX32Bit) return SECCOMP_RET_ERRNO | ENOSYS;
  const Rule* unconditional = nullptr;
  const Rule* conditional = nullptr;
  bool newer = policy.newer_is_enosys;
  for (const Rule& rule : policy.rules) {
    for (const std::string& name : rule.syscalls) {
      const std::optional<uint32_t> named = SyscallNumber(name, arch);
      if (named && *named >= number) newer = false;
    }
    if (!Names(rule, arch, number) || rule.action == policy.default_action) continue;
    if (rule.arguments.empty()) {
      if (unconditional == nullptr) unconditional = &rule;
    } else if (conditional == nullptr &&
               std::all_of(rule.arguments.begin(), rule.arguments.end(),
                           [&](const ArgumentCheck& c) { return Holds(c, arch, arguments); })) {
      conditional = &rule;
    }
  }
  if (unconditional != nullptr) return unconditional->action;
  if (conditional != nullptr) return conditional->action;
  const uint32_t kind = policy.default_action & SECCOMP_RET_ACTION_FULL;
  const bool lets_through =
      kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG || kind == SECCOMP_RET_TRACE;
  if (newer && !lets_through) return SECCOMP_RET_ERRNO | ENOSYS;
  return policy.default_action;
}

void ExpectCompilesTo(const Policy& policy) {
  ASSERT_OK_AND_ASSIGN(const Program program, CompilePolicy(policy));
  ASSERT_OK(VerifyBpf(program));
  std::set<uint32_t> numbers = {0x40000000, 0x40000001, 0x7fffffff, 0xffffffff, 0xeffff};
  for (uint32_t number = 0; number <= 600; ++number) numbers.insert(number);
  for (uint32_t number = 0xf0000; number <= 0xf0006; ++number) numbers.insert(number);
  for (const Arch arch : policy.architectures) {
    for (const uint32_t number : numbers) {
      for (const std::vector<uint64_t>& arguments : InterestingArguments(policy, arch, number)) {
        seccomp_data data = {.nr = static_cast<int>(number),
                             .arch = kAuditArches[static_cast<int>(arch)],
                             .instruction_pointer = 0xdeadbeef,
                             .args = {}};
        for (int i = 0; i < 6; ++i) {
          data.args[i] = Is32Bit(arch) ? arguments[i] & UINT32_MAX : arguments[i];
        }
        ASSERT_OK_AND_ASSIGN(const uint32_t actual, EvaluateBpf(program, data));
        ASSERT_EQ(actual, DecideNaively(policy, arch, number, arguments.data()))
            << "system call " << number << " of " << ArchName(arch) << ", arguments "
            << ::testing::PrintToString(arguments);
      }
    }
  }
  seccomp_data foreign = {};
  foreign.arch = AUDIT_ARCH_PPC64;
  ASSERT_OK_AND_ASSIGN(const uint32_t action, EvaluateBpf(program, foreign));
  EXPECT_EQ(action, SECCOMP_RET_KILL_THREAD);
}

}  // namespace tiny::security
