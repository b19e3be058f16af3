// The default policy as data: what is denied, and what a capability opens. Everything else that
// Linux had when the policy was last reviewed is allowed; whatever came later is not.
#ifndef TINY_SECURITY_SECCOMP_DEFAULT_RULES_H_
#define TINY_SECURITY_SECCOMP_DEFAULT_RULES_H_

#include "security/capabilities.h"
#include "security/seccomp/policy.h"

namespace tiny::security {

// The policy for a process with these capabilities in its bounding set. Pure; thread-safe.
Policy DefaultPolicy(CapabilitySet capabilities, Arch native = kNativeArch);

// The capabilities that make a difference to DefaultPolicy.
CapabilitySet GatingCapabilities();

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_DEFAULT_RULES_H_
