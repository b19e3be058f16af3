// Prints default_programs.inc: the default policy's programs for the sets of capabilities that
// containers usually have.

#include <linux/capability.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "security/capabilities.h"
#include "security/seccomp/compiler.h"
#include "security/seccomp/default_rules.h"

namespace tiny::security {
namespace {

std::vector<CapabilitySet> UsualSets() {
  std::vector<CapabilitySet> sets = {
      kDefaultCapabilities,
      CapabilitySet{},                                        // --cap-drop ALL
      kDefaultCapabilities - CapabilitySet{CAP_AUDIT_WRITE},  // podman's
      kDefaultCapabilities | CapabilitySet{CAP_SYS_ADMIN},
      kDefaultCapabilities | CapabilitySet{CAP_SYS_PTRACE},
      kDefaultCapabilities | CapabilitySet{CAP_SYS_NICE},
      kDefaultCapabilities | CapabilitySet{CAP_SYS_TIME},
      CapabilitySet{CAP_AUDIT_WRITE},  // runc spec's
      kAllCapabilities,
  };
  for (CapabilitySet& set : sets) set = set & GatingCapabilities();
  return sets;
}

int Generate(Arch native) {
  const std::vector<CapabilitySet> sets = UsualSets();
  for (size_t i = 0; i < sets.size(); ++i) {
    const absl::StatusOr<Program> program = CompilePolicy(DefaultPolicy(sets[i], native));
    if (!program.ok()) {
      std::fprintf(stderr, "%s\n", program.status().ToString().c_str());
      return 1;
    }
    std::printf("constexpr sock_filter kProgram%zu[] = {\n", i);
    for (const sock_filter& line : *program) {
      std::printf("{%u, %u, %u, 0x%x},\n", line.code, line.jt, line.jf, line.k);
    }
    std::printf("};\n");
  }
  std::printf("constexpr Precompiled kPrecompiled[] = {\n");
  for (size_t i = 0; i < sets.size(); ++i) {
    std::printf("{0x%llx, kProgram%zu, std::size(kProgram%zu)},\n",
                static_cast<unsigned long long>(sets[i].bits), i, i);
  }
  std::printf("};\n");
  return 0;
}

}  // namespace
}  // namespace tiny::security

int main() {
  using tiny::security::Arch;
  std::printf("#if defined(__x86_64__)\n");
  if (tiny::security::Generate(Arch::kX86_64) != 0) return 1;
  std::printf("#else\n");
  if (tiny::security::Generate(Arch::kAarch64) != 0) return 1;
  std::printf("#endif\n");
}
