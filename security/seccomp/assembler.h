// Writes a classic BPF program from its end to its beginning, so that the target of every jump is
// known when the jump is written. Source: seccomp(2), Linux Documentation/networking/filter.rst.
#ifndef TINY_SECURITY_SECCOMP_ASSEMBLER_H_
#define TINY_SECURITY_SECCOMP_ASSEMBLER_H_

#include <linux/filter.h>

#include <cstdint>
#include <map>
#include <vector>

namespace tiny::security {

// Thread-compatible.
class Assembler {
 public:
  // An instruction, by its distance from the end of the program.
  using Label = uint32_t;

  // `RET k`: an earlier one where a short jump still reaches it.
  Label Return(uint32_t value);

  // `A = word at offset`, and goes on with the instruction written last.
  Label Load(uint32_t offset);
  // `A &= mask`, likewise.
  Label And(uint32_t mask);

  // `if (A op k) goto then; else goto otherwise`, op being BPF_JEQ, BPF_JGT or BPF_JGE.
  Label JumpIf(uint16_t op, uint32_t k, Label then, Label otherwise);

  // `goto target`, unless the target is the instruction written last.
  Label Goto(Label target);

  std::vector<sock_filter> Finish() &&;

 private:
  // How far a conditional jump reaches, less the room for the trampolines of one.
  static constexpr uint32_t kReach = 250;

  Label Append(uint16_t code, uint32_t k, uint8_t then = 0, uint8_t otherwise = 0);
  // The target itself, or one nearby that does the same.
  Label Reachable(Label target);

  std::vector<sock_filter> reversed_;
  std::map<uint32_t, Label> returns_;
};

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_ASSEMBLER_H_
