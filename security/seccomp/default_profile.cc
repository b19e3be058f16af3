#include "security/seccomp/default_profile.h"

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "base/status_macros.h"
#include "security/seccomp/default_rules.h"

namespace tiny::security {
namespace {

// One program that was compiled when tiny was built.
struct Precompiled {
  uint64_t gates;  // the capabilities that matter to the policy, of those that the process has
  const sock_filter* program;
  size_t size;
};

#include "security/seccomp/default_programs.inc"

}  // namespace

absl::StatusOr<absl::Span<const sock_filter>> DefaultProgram(CapabilitySet capabilities,
                                                             Program& storage) {
  const CapabilitySet gates = capabilities & GatingCapabilities();
  for (const Precompiled& known : kPrecompiled) {
    if (known.gates == gates.bits) return absl::MakeConstSpan(known.program, known.size);
  }
  ASSIGN_OR_RETURN(storage, CompilePolicy(DefaultPolicy(capabilities)));
  return absl::MakeConstSpan(storage);
}

}  // namespace tiny::security
