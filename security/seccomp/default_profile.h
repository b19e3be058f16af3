// The default seccomp policy: what Docker allows, less what its last advisories took away.
//
// Programs for the sets of capabilities that containers usually have are compiled when tiny is
// built and lie in read-only memory; for any other set CompilePolicy runs. Calls that the policy
// knows and denies fail with EPERM; numbers that it does not know, and clone3 without
// CAP_SYS_ADMIN (whose flags a filter can't see), with ENOSYS, so that the C library falls back.
// Thread-safe.
#ifndef TINY_SECURITY_SECCOMP_DEFAULT_PROFILE_H_
#define TINY_SECURITY_SECCOMP_DEFAULT_PROFILE_H_

#include <linux/filter.h>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "security/capabilities.h"
#include "security/seccomp/compiler.h"

namespace tiny::security {

// The program of DefaultPolicy (default_rules.h) for a process with these capabilities in its
// bounding set. The span is of read-only memory, or of `storage` where it had to be compiled.
absl::StatusOr<absl::Span<const sock_filter>> DefaultProgram(CapabilitySet capabilities,
                                                             Program& storage);

// The flags with which it is installed: SECCOMP_FILTER_FLAG_SPEC_ALLOW, as runc and crun do.
inline constexpr uint64_t kDefaultProfileFlags = 1u << 2;

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_DEFAULT_PROFILE_H_
