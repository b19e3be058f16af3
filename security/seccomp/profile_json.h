// Docker's JSON form of a seccomp profile, `--security-opt seccomp=FILE`: an OCI profile with an
// archMap, and rules that apply only with certain capabilities, architectures or kernels.
#ifndef TINY_SECURITY_SECCOMP_PROFILE_JSON_H_
#define TINY_SECURITY_SECCOMP_PROFILE_JSON_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "security/capabilities.h"
#include "security/seccomp/policy.h"

namespace tiny::security {

// What the conditions of a profile are decided by.
struct ProfileContext {
  CapabilitySet capabilities;
  Arch native = kNativeArch;
  int kernel_major = 0;  // of uname(2)
  int kernel_minor = 0;
};

// kInvalidArgument with the JSON path of the first thing that is wrong:
// "syscalls[3].action: unknown action SCMP_ACT_DENY". Pure; thread-safe.
absl::StatusOr<Policy> ParseSeccompProfile(absl::string_view json, const ProfileContext& context);

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_PROFILE_JSON_H_
