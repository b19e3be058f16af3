// linux.seccomp of a spec <-> the policy that //security compiles. Pure; thread-safe.
#ifndef TINY_RUNTIME_SPEC_SECCOMP_POLICY_H_
#define TINY_RUNTIME_SPEC_SECCOMP_POLICY_H_

#include "absl/status/statusor.h"
#include "oci/spec.h"
#include "security/seccomp/policy.h"

namespace tiny::runtime {

// Engines rely on a detail of runc that the specification does not state: a rule that checks one
// argument more than once means any of its checks. kInvalidArgument names the JSON path.
absl::StatusOr<security::Policy> PolicyFromSpec(const oci::Seccomp& seccomp);

oci::Seccomp SpecFromPolicy(const security::Policy& policy);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SPEC_SECCOMP_POLICY_H_
