#include "security/seccomp/policy.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

namespace tiny::security {
namespace {

constexpr struct {
  const char* name;
  uint32_t action;
} kActions[] = {
    // Of names for one action, the first is the one to print.
    {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
    {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
    {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
    {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
    {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
    {"SCMP_ACT_LOG", SECCOMP_RET_LOG},
    {"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF},
};

constexpr struct {
  const char* name;
  Comparison op;
} kComparisons[] = {
    {"SCMP_CMP_NE", Comparison::kNotEqual},           {"SCMP_CMP_LT", Comparison::kLess},
    {"SCMP_CMP_LE", Comparison::kLessOrEqual},        {"SCMP_CMP_EQ", Comparison::kEqual},
    {"SCMP_CMP_GE", Comparison::kGreaterOrEqual},     {"SCMP_CMP_GT", Comparison::kGreater},
    {"SCMP_CMP_MASKED_EQ", Comparison::kMaskedEqual},
};

constexpr struct {
  const char* name;
  Arch arch;
} kArches[] = {
    {"SCMP_ARCH_X86_64", Arch::kX86_64},
    {"SCMP_ARCH_X86", Arch::kI386},
    {"SCMP_ARCH_AARCH64", Arch::kAarch64},
    {"SCMP_ARCH_ARM", Arch::kArm},
};

// Those of the specification that no machine of tiny's can run.
constexpr const char* kForeignArches[] = {
    "SCMP_ARCH_X32",    "SCMP_ARCH_MIPS",     "SCMP_ARCH_MIPS64",  "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_PPC",     "SCMP_ARCH_MIPSEL64N32",
    "SCMP_ARCH_PPC64",  "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",    "SCMP_ARCH_S390X",
    "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64", "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_M68K",   "SCMP_ARCH_SH",       "SCMP_ARCH_SHEB",
};

// The kernel takes a larger one for this (MAX_ERRNO).
constexpr uint32_t kLargestErrno = 4095;

constexpr struct {
  const char* name;
  uint64_t flag;
} kFlags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

}  // namespace

absl::StatusOr<Action> ParseAction(absl::string_view name, std::optional<uint32_t> data) {
  for (const auto& known : kActions) {
    if (name != known.name) continue;
    const bool takes_data = known.action == SECCOMP_RET_ERRNO || known.action == SECCOMP_RET_TRACE;
    if (!takes_data && data.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(name, " takes no errno"));
    }
    if (!takes_data) return known.action;
    const uint32_t value = data.value_or(EPERM);
    const uint32_t largest = known.action == SECCOMP_RET_ERRNO ? kLargestErrno : SECCOMP_RET_DATA;
    if (value > largest) {
      return absl::InvalidArgumentError(absl::StrCat("errno ", value, " is over ", largest));
    }
    return known.action | value;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown action ", name));
}

std::string ActionName(Action action) {
  for (const auto& known : kActions) {
    if ((action & SECCOMP_RET_ACTION_FULL) == known.action) return known.name;
  }
  return absl::StrCat("0x", absl::Hex(action));
}

absl::StatusOr<Comparison> ParseComparison(absl::string_view name) {
  for (const auto& known : kComparisons) {
    if (name == known.name) return known.op;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown operator ", name));
}

absl::string_view ComparisonName(Comparison op) { return kComparisons[static_cast<int>(op)].name; }

bool IsForeignArch(absl::string_view name) {
  return std::find(std::begin(kForeignArches), std::end(kForeignArches), name) !=
         std::end(kForeignArches);
}

std::optional<Arch> ParseArch(absl::string_view name) {
  for (const auto& known : kArches) {
    if (name == known.name) return known.arch;
  }
  return std::nullopt;
}

absl::string_view ArchName(Arch arch) { return kArches[static_cast<int>(arch)].name; }

absl::StatusOr<uint64_t> ParseFilterFlag(absl::string_view name) {
  for (const auto& known : kFlags) {
    if (name == known.name) return known.flag;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown flag ", name));
}

std::vector<std::string> FilterFlagNames(uint64_t flags) {
  std::vector<std::string> names;
  for (const auto& known : kFlags) {
    if ((flags & known.flag) != 0) names.push_back(known.name);
  }
  return names;
}

}  // namespace tiny::security
