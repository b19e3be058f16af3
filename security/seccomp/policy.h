// What a seccomp filter shall do, as plain data: system calls by name, checks of their arguments,
// actions. CompilePolicy (compiler.h) makes a program of it.
//
// Source: seccomp(2); the actions and operators are those of libseccomp and of the OCI runtime
// specification. Thread-compatible.
#ifndef TINY_SECURITY_SECCOMP_POLICY_H_
#define TINY_SECURITY_SECCOMP_POLICY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::security {

enum class Arch : uint8_t { kX86_64, kI386, kAarch64, kArm };
inline constexpr int kArchCount = 4;

// The one that this program was compiled for.
#if defined(__x86_64__)
inline constexpr Arch kNativeArch = Arch::kX86_64;
#else
inline constexpr Arch kNativeArch = Arch::kAarch64;
#endif

// Whether a kernel of `machine` can be called by programs of `arch`.
constexpr bool RunsOn(Arch arch, Arch machine) {
  if (machine == Arch::kX86_64) return arch == Arch::kX86_64 || arch == Arch::kI386;
  return arch == Arch::kAarch64 || arch == Arch::kArm;
}

enum class Comparison : uint8_t {
  kNotEqual,
  kLess,
  kLessOrEqual,
  kEqual,
  kGreaterOrEqual,
  kGreater,
  kMaskedEqual,
};

// True where `argument op value`; for kMaskedEqual, where (argument & value) == value_two. The
// comparison is unsigned, of 64 bits; on an architecture of 32 bits, of the low 32 bits.
struct ArgumentCheck {
  uint8_t index = 0;  // 0 to 5
  Comparison op = Comparison::kEqual;
  uint64_t value = 0;
  uint64_t value_two = 0;
};

// The return value of a filter: one of SECCOMP_RET_* with its data (an errno) in the low 16 bits.
using Action = uint32_t;

struct Rule {
  std::vector<std::string> syscalls;  // names; those that an architecture lacks are skipped there
  Action action = 0;
  std::vector<ArgumentCheck> arguments;  // all must hold; empty: always
};

// For each system call: if a rule without arguments names it, the first such one decides; else the
// first rule whose arguments all match; else the default. As in libseccomp, which takes no rule
// with the default's action, such a rule is none.
struct Policy {
  Action default_action = 0;
  std::vector<Arch> architectures;  // empty: the native one. Calls of any other kill the thread
  std::vector<Rule> rules;
  // Numbers beyond the last one that the rules name fail with ENOSYS, so that programs fall back
  // when they meet a kernel newer than the policy.
  bool newer_is_enosys = false;
  uint64_t flags = 0;         // SECCOMP_FILTER_FLAG_* for seccomp(2)
  std::string listener_path;  // a socket that gets the notification descriptor
  std::string listener_metadata;
};

// "SCMP_ACT_ERRNO" -> SECCOMP_RET_ERRNO|errno. `data` is the errno (EPERM where absent) or the
// tracer's message. kInvalidArgument for an unknown name, data over 65535, and data for an action
// that takes none.
absl::StatusOr<Action> ParseAction(absl::string_view name, std::optional<uint32_t> data);
std::string ActionName(Action action);  // "SCMP_ACT_ERRNO"

// "SCMP_CMP_MASKED_EQ". kInvalidArgument for an unknown name.
absl::StatusOr<Comparison> ParseComparison(absl::string_view name);
absl::string_view ComparisonName(Comparison op);

// "SCMP_ARCH_X86_64". Nothing for one that can't occur on the machines that tiny runs on.
std::optional<Arch> ParseArch(absl::string_view name);
// Whether it is the name of such a one.
bool IsForeignArch(absl::string_view name);
absl::string_view ArchName(Arch arch);

// "SECCOMP_FILTER_FLAG_LOG" -> its bit. kInvalidArgument for an unknown name.
absl::StatusOr<uint64_t> ParseFilterFlag(absl::string_view name);
std::vector<std::string> FilterFlagNames(uint64_t flags);

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_POLICY_H_
