#include "security/seccomp/assembler.h"

#include <algorithm>
#include <utility>

namespace tiny::security {

Assembler::Label Assembler::Append(uint16_t code, uint32_t k, uint8_t then, uint8_t otherwise) {
  reversed_.push_back({.code = code, .jt = then, .jf = otherwise, .k = k});
  return static_cast<Label>(reversed_.size() - 1);
}

Assembler::Label Assembler::Return(uint32_t value) {
  const auto known = returns_.find(value);
  if (known != returns_.end() && reversed_.size() - known->second <= kReach) return known->second;
  return returns_[value] = Append(BPF_RET | BPF_K, value);
}

Assembler::Label Assembler::Load(uint32_t offset) {
  return Append(BPF_LD | BPF_W | BPF_ABS, offset);
}

Assembler::Label Assembler::And(uint32_t mask) { return Append(BPF_ALU | BPF_AND | BPF_K, mask); }

Assembler::Label Assembler::Goto(Label target) {
  const uint32_t distance = static_cast<uint32_t>(reversed_.size()) - target - 1;
  return distance == 0 ? target : Append(BPF_JMP | BPF_JA, distance);
}

Assembler::Label Assembler::Reachable(Label target) {
  if (reversed_.size() - target <= kReach) return target;
  const sock_filter& instruction = reversed_[target];
  if (instruction.code == (BPF_RET | BPF_K)) return Return(instruction.k);
  return Goto(target);
}

Assembler::Label Assembler::JumpIf(uint16_t op, uint32_t k, Label then, Label otherwise) {
  if (then == otherwise) return Goto(then);
  then = Reachable(then);
  otherwise = Reachable(otherwise);
  const uint32_t position = static_cast<uint32_t>(reversed_.size());
  return Append(BPF_JMP | op | BPF_K, k, static_cast<uint8_t>(position - then - 1),
                static_cast<uint8_t>(position - otherwise - 1));
}

std::vector<sock_filter> Assembler::Finish() && {
  std::reverse(reversed_.begin(), reversed_.end());
  return std::move(reversed_);
}

}  // namespace tiny::security
