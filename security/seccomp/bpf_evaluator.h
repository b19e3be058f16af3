// Runs a classic BPF program on one system call, as the kernel would: for tests.
#ifndef TINY_SECURITY_SECCOMP_BPF_EVALUATOR_H_
#define TINY_SECURITY_SECCOMP_BPF_EVALUATOR_H_

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tiny::security {

// What the kernel checks before it takes a program: length, jumps forward and inside, known
// instructions, aligned loads inside seccomp_data, a return at the end.
absl::Status VerifyBpf(absl::Span<const sock_filter> program);

// The program's return value. `steps`, where given, counts the instructions that ran.
absl::StatusOr<uint32_t> EvaluateBpf(absl::Span<const sock_filter> program,
                                     const seccomp_data& data, int* steps = nullptr);

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_BPF_EVALUATOR_H_
