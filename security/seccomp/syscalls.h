// The names and numbers of the system calls, by architecture: a table made when tiny is built.
#ifndef TINY_SECURITY_SECCOMP_SYSCALLS_H_
#define TINY_SECURITY_SECCOMP_SYSCALLS_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "security/seccomp/policy.h"

namespace tiny::security {

struct SyscallName {
  const char* name;
  int32_t numbers[kArchCount];  // by Arch; -1 where the architecture lacks it
};

// All of them, sorted by name.
absl::Span<const SyscallName> AllSyscalls();

std::optional<uint32_t> SyscallNumber(absl::string_view name, Arch arch);

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_SYSCALLS_H_
