#include "security/seccomp/syscalls.h"

#include <algorithm>
#include <cstring>

namespace tiny::security {
namespace {

constexpr SyscallName kSyscalls[] = {
#include "security/seccomp/syscall_table.inc"
};

}  // namespace

absl::Span<const SyscallName> AllSyscalls() { return kSyscalls; }

std::optional<uint32_t> SyscallNumber(absl::string_view name, Arch arch) {
  const auto* found = std::lower_bound(
      std::begin(kSyscalls), std::end(kSyscalls), name,
      [](const SyscallName& entry, absl::string_view wanted) { return entry.name < wanted; });
  if (found == std::end(kSyscalls) || found->name != name) return std::nullopt;
  const int32_t number = found->numbers[static_cast<int>(arch)];
  if (number < 0) return std::nullopt;
  return static_cast<uint32_t>(number);
}

}  // namespace tiny::security
