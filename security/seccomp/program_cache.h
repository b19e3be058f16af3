// Compiled seccomp programs, kept on disk by the content of their policy.
#ifndef TINY_SECURITY_SECCOMP_PROGRAM_CACHE_H_
#define TINY_SECURITY_SECCOMP_PROGRAM_CACHE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "security/seccomp/compiler.h"
#include "security/seccomp/policy.h"

namespace tiny::security {

// The program of `policy`: from `directory` if it is there and undamaged, else compiled and
// written there (atomically, so that several processes may share the folder, which is made where
// it is missing). A folder that can't be written is no error. Nobody but root may be able to write
// there: what is read is trusted to be a program for this policy. Thread-safe.
absl::StatusOr<Program> CompilePolicyCached(const Policy& policy, absl::string_view directory);

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_PROGRAM_CACHE_H_
