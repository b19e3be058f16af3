// What a policy says about one system call, read straight from the policy: the other half of the
// tests of the compiler.
#ifndef TINY_SECURITY_SECCOMP_NAIVE_POLICY_H_
#define TINY_SECURITY_SECCOMP_NAIVE_POLICY_H_

#include <cstdint>

#include "security/seccomp/policy.h"

namespace tiny::security {

// `arch` must be one of the policy's. `arguments` are six; on a 32-bit architecture their low
// halves.
Action DecideNaively(const Policy& policy, Arch arch, uint32_t number, const uint64_t* arguments);

// Compiles and asserts that program and policy agree for every number up to 600, the private ones
// of ARM and of x32, on every architecture, with the boundary values of all checks as arguments.
void ExpectCompilesTo(const Policy& policy);

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_NAIVE_POLICY_H_
