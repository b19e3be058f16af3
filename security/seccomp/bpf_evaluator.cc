#include "security/seccomp/bpf_evaluator.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace tiny::security {
namespace {

constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t kAnd = BPF_ALU | BPF_AND | BPF_K;
constexpr uint16_t kReturn = BPF_RET | BPF_K;
constexpr uint16_t kGoto = BPF_JMP | BPF_JA;
constexpr uint16_t kIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr uint16_t kIfGreater = BPF_JMP | BPF_JGT | BPF_K;
constexpr uint16_t kIfAtLeast = BPF_JMP | BPF_JGE | BPF_K;

absl::Status Bad(size_t at, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("instruction ", at, ": ", why));
}

}  // namespace

absl::Status VerifyBpf(absl::Span<const sock_filter> program) {
  if (program.empty() || program.size() > BPF_MAXINSNS) return Bad(0, "bad length");
  for (size_t i = 0; i < program.size(); ++i) {
    const sock_filter& line = program[i];
    const size_t after = program.size() - i - 1;  // instructions that a jump may skip, and one
    switch (line.code) {
      case kLoad:
        if (line.k % 4 != 0 || line.k >= sizeof(seccomp_data)) return Bad(i, "bad load");
        break;
      case kAnd:
      case kReturn:
        break;
      case kGoto:
        if (line.k >= after) return Bad(i, "jumps out");
        break;
      case kIfEqual:
      case kIfGreater:
      case kIfAtLeast:
        if (line.jt >= after || line.jf >= after) return Bad(i, "jumps out");
        break;
      default:
        return Bad(i, "unknown instruction");
    }
  }
  if (program.back().code != kReturn) return Bad(program.size() - 1, "no return at the end");
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> EvaluateBpf(absl::Span<const sock_filter> program,
                                     const seccomp_data& data, int* steps) {
  uint32_t accumulator = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    if (steps != nullptr) ++*steps;
    const sock_filter& line = program[at];
    switch (line.code) {
      case kLoad:
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + line.k,
                    sizeof(accumulator));
        break;
      case kAnd:
        accumulator &= line.k;
        break;
      case kReturn:
        return line.k;
      case kGoto:
        at += line.k;
        break;
      case kIfEqual:
        at += accumulator == line.k ? line.jt : line.jf;
        break;
      case kIfGreater:
        at += accumulator > line.k ? line.jt : line.jf;
        break;
      case kIfAtLeast:
        at += accumulator >= line.k ? line.jt : line.jf;
        break;
      default:
        return Bad(at, "unknown instruction");
    }
  }
  return absl::InvalidArgumentError("ran past the end");
}

}  // namespace tiny::security
