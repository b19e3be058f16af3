#include "cgroup/device_program.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace tiny::cgroup {
namespace {

// What the registers hold throughout. R1, the argument, is the bpf_cgroup_dev_ctx.
constexpr uint8_t kWanted = BPF_REG_2;  // accesses that no rule has decided yet
constexpr uint8_t kType = BPF_REG_3;
constexpr uint8_t kMajor = BPF_REG_4;
constexpr uint8_t kMinor = BPF_REG_5;
constexpr uint8_t kScratch = BPF_REG_6;

// The assembler: instructions by the names of Documentation/bpf/standardization.
bpf_insn Instruction(uint8_t code, uint8_t dst, uint8_t src, int16_t offset, int32_t immediate) {
  bpf_insn instruction = {};
  instruction.code = code;
  instruction.dst_reg = dst & 0xf;
  instruction.src_reg = src & 0xf;
  instruction.off = offset;
  instruction.imm = immediate;
  return instruction;
}
bpf_insn LoadWord(uint8_t dst, uint8_t src, size_t offset) {
  return Instruction(BPF_LDX | BPF_MEM | BPF_W, dst, src, static_cast<int16_t>(offset), 0);
}
bpf_insn Move(uint8_t dst, int32_t value) {
  return Instruction(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}
bpf_insn MoveRegister(uint8_t dst, uint8_t src) {
  return Instruction(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}
bpf_insn And32(uint8_t dst, uint32_t mask) {
  return Instruction(BPF_ALU | BPF_AND | BPF_K, dst, 0, 0, static_cast<int32_t>(mask));
}
bpf_insn ShiftRight32(uint8_t dst, int32_t bits) {
  return Instruction(BPF_ALU | BPF_RSH | BPF_K, dst, 0, 0, bits);
}
bpf_insn SkipIfNotEqual32(uint8_t dst, uint32_t value, size_t count) {
  return Instruction(BPF_JMP32 | BPF_JNE | BPF_K, dst, 0, static_cast<int16_t>(count),
                     static_cast<int32_t>(value));
}
bpf_insn SkipIfEqual32(uint8_t dst, uint32_t value, size_t count) {
  return Instruction(BPF_JMP32 | BPF_JEQ | BPF_K, dst, 0, static_cast<int16_t>(count),
                     static_cast<int32_t>(value));
}
bpf_insn Exit() { return Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

absl::StatusOr<uint32_t> AccessMask(absl::string_view access) {
  if (access.empty()) return BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;
  uint32_t mask = 0;
  for (const char c : access) {
    switch (c) {
      case 'r':
        mask |= BPF_DEVCG_ACC_READ;
        break;
      case 'w':
        mask |= BPF_DEVCG_ACC_WRITE;
        break;
      case 'm':
        mask |= BPF_DEVCG_ACC_MKNOD;
        break;
      default:
        return absl::InvalidArgumentError(
            absl::StrCat("device access \"", access, "\" is not of r, w and m"));
    }
  }
  return mask;
}

// What to do for a device that a rule matches.
std::vector<bpf_insn> Decision(bool allow, uint32_t mask) {
  if (allow) {
    return {And32(kWanted, ~mask), SkipIfNotEqual32(kWanted, 0, 2), Move(BPF_REG_0, 1), Exit()};
  }
  return {MoveRegister(kScratch, kWanted), And32(kScratch, mask), SkipIfEqual32(kScratch, 0, 2),
          Move(BPF_REG_0, 0), Exit()};
}

absl::Status AppendRule(const DeviceRule& rule, std::vector<bpf_insn>& program) {
  ASSIGN_OR_RETURN(const uint32_t mask, AccessMask(rule.access));
  if (rule.type != 'a' && rule.type != 'b' && rule.type != 'c') {
    return absl::InvalidArgumentError(
        absl::StrCat("device type \"", absl::string_view(&rule.type, 1), "\" is not a, b or c"));
  }
  const std::vector<bpf_insn> decision = Decision(rule.allow, mask);
  size_t to_skip =
      decision.size() + (rule.type != 'a') + rule.major.has_value() + rule.minor.has_value();
  if (rule.type != 'a') {
    const uint32_t type = rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    program.push_back(SkipIfNotEqual32(kType, type, --to_skip));
  }
  if (rule.major) program.push_back(SkipIfNotEqual32(kMajor, *rule.major, --to_skip));
  if (rule.minor) program.push_back(SkipIfNotEqual32(kMinor, *rule.minor, --to_skip));
  program.insert(program.end(), decision.begin(), decision.end());
  return absl::OkStatus();
}

long Bpf(int command, const bpf_attr& attributes) {
  return syscall(SYS_bpf, command, &attributes, sizeof(attributes));
}

}  // namespace

absl::StatusOr<std::vector<bpf_insn>> CompileDeviceProgram(absl::Span<const DeviceRule> rules) {
  std::vector<bpf_insn> program = {
      LoadWord(kType, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, access_type)),
      MoveRegister(kWanted, kType),
      ShiftRight32(kWanted, 16),
      And32(kType, 0xffff),
      LoadWord(kMajor, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, major)),
      LoadWord(kMinor, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, minor)),
  };
  // The last rule that matches decides, so the last comes first.
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    RETURN_IF_ERROR(AppendRule(*rule, program));
    // Nothing is left for the rules before one for everything.
    if (rule->type == 'a' && !rule->major && !rule->minor &&
        (rule->access.empty() || rule->access.size() == 3)) {
      break;
    }
  }
  program.push_back(Move(BPF_REG_0, 0));
  program.push_back(Exit());
  return program;
}

absl::Status AttachDeviceProgram(int cgroup_fd, absl::Span<const bpf_insn> program) {
  static constexpr char kLicense[] = "Apache-2.0";
  bpf_attr load = {};
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = reinterpret_cast<uintptr_t>(program.data());
  load.insn_cnt = static_cast<uint32_t>(program.size());
  load.license = reinterpret_cast<uintptr_t>(kLicense);
  const UniqueFd loaded(static_cast<int>(Bpf(BPF_PROG_LOAD, load)));
  if (!loaded) return PosixStatus(errno, "load the device program");
  bpf_attr attach = {};
  attach.target_fd = static_cast<uint32_t>(cgroup_fd);
  attach.attach_bpf_fd = static_cast<uint32_t>(loaded.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (Bpf(BPF_PROG_ATTACH, attach) != 0) return PosixStatus(errno, "attach the device program");
  return absl::OkStatus();
}

}  // namespace tiny::cgroup
