// Any profile is refused or becomes a program that the kernel takes, which decides as the policy
// says, call by call.
#include <linux/audit.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "security/seccomp/bpf_evaluator.h"
#include "security/seccomp/compiler.h"
#include "security/seccomp/naive_policy.h"
#include "security/seccomp/profile_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiny::security;  // NOLINT
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policy = ParseSeccompProfile(text, {.kernel_major = 6, .kernel_minor = 1});
  if (!policy.ok()) return 0;
  const auto program = CompilePolicy(*policy);
  if (!program.ok()) return 0;
  if (!VerifyBpf(*program).ok()) abort();
  for (const Arch arch : policy->architectures) {
    if (arch != Arch::kX86_64) continue;
    for (uint32_t number = 0; number < 500; number += 7) {
      seccomp_data call = {};
      call.nr = static_cast<int>(number);
      call.arch = AUDIT_ARCH_X86_64;
      uint64_t arguments[6];
      for (uint64_t i = 0; i < 6; ++i) call.args[i] = arguments[i] = number * 3 + i;
      const auto action = EvaluateBpf(*program, call);
      if (!action.ok() || *action != DecideNaively(*policy, arch, number, arguments)) abort();
    }
  }
  return 0;
}
