// Compiles a seccomp policy to a classic BPF program.
//
//   ASSIGN_OR_RETURN(Program program, CompilePolicy(policy));
//   prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
//   sock_fprog loaded = {static_cast<unsigned short>(program.size()), program.data()};
//   syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &loaded);
//
// The program is a binary search over intervals of system call numbers that share an outcome, one
// search per architecture: the default policy takes under 200 instructions, of which a call runs
// about a dozen. x32 calls fail with ENOSYS. Pure and deterministic; thread-safe.
#ifndef TINY_SECURITY_SECCOMP_COMPILER_H_
#define TINY_SECURITY_SECCOMP_COMPILER_H_

#include <linux/filter.h>

#include <vector>

#include "absl/status/statusor.h"
#include "security/seccomp/policy.h"

namespace tiny::security {

using Program = std::vector<sock_filter>;

// kInvalidArgument for an argument index over 5; kOutOfRange where the program would be longer
// than the kernel takes (BPF_MAXINSNS, 4096).
absl::StatusOr<Program> CompilePolicy(const Policy& policy);

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_COMPILER_H_
