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
constexpr uint8_t kDevice = BPF_REG_6;  // major and minor number as the kernel's dev_t has them
constexpr uint8_t kScratch = BPF_REG_7;

constexpr int kMinorBits = 20;
constexpr uint32_t kMaxMajor = 0xfff;
constexpr uint32_t kMaxMinor = 0xfffff;
constexpr uint32_t kEveryAccess = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;

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
bpf_insn OrRegister32(uint8_t dst, uint8_t src) {
  return Instruction(BPF_ALU | BPF_OR | BPF_X, dst, src, 0, 0);
}
bpf_insn ShiftRight32(uint8_t dst, int32_t bits) {
  return Instruction(BPF_ALU | BPF_RSH | BPF_K, dst, 0, 0, bits);
}
bpf_insn ShiftLeft32(uint8_t dst, int32_t bits) {
  return Instruction(BPF_ALU | BPF_LSH | BPF_K, dst, 0, 0, bits);
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
  if (access.empty()) return kEveryAccess;
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

uint32_t TypeOf(const DeviceRule& rule) {
  return rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
}

void AppendRule(const DeviceRule& rule, uint32_t mask, std::vector<bpf_insn>& program) {
  const std::vector<bpf_insn> decision = Decision(rule.allow, mask);
  size_t to_skip =
      decision.size() + (rule.type != 'a') + rule.major.has_value() + rule.minor.has_value();
  if (rule.type != 'a') program.push_back(SkipIfNotEqual32(kType, TypeOf(rule), --to_skip));
  if (rule.major) program.push_back(SkipIfNotEqual32(kMajor, *rule.major, --to_skip));
  if (rule.minor) program.push_back(SkipIfNotEqual32(kMinor, *rule.minor, --to_skip));
  program.insert(program.end(), decision.begin(), decision.end());
}

// Rules of one type that follow each other and allow everything to some device: one comparison
// each, as the kernel takes a microsecond to verify what it can't tell the outcome of.
struct Allowed {
  uint8_t held;  // the register that is compared
  uint32_t value;
};

void AppendAllowed(uint32_t type, absl::Span<const Allowed> devices,
                   std::vector<bpf_insn>& program) {
  constexpr size_t kAllow = 2;
  program.push_back(SkipIfNotEqual32(kType, type, devices.size() + kAllow));
  for (size_t left = devices.size(); left-- > 0;) {
    const auto& [held, value] = devices[devices.size() - 1 - left];
    program.push_back(left > 0 ? SkipIfEqual32(held, value, left)
                               : SkipIfNotEqual32(held, value, kAllow));
  }
  program.push_back(Move(BPF_REG_0, 1));
  program.push_back(Exit());
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
      MoveRegister(kDevice, kMajor),
      ShiftLeft32(kDevice, kMinorBits),
      OrRegister32(kDevice, kMinor),
  };
  std::vector<Allowed> allowed;
  char allowed_type = 'c';
  const auto finish_allowed = [&] {
    if (!allowed.empty()) AppendAllowed(TypeOf({.type = allowed_type}), allowed, program);
    allowed.clear();
  };
  // The last rule that matches decides, so the last comes first.
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    if (rule->type != 'a' && rule->type != 'b' && rule->type != 'c') {
      return absl::InvalidArgumentError(
          absl::StrCat("device type \"", absl::string_view(&rule->type, 1), "\" is not a, b or c"));
    }
    ASSIGN_OR_RETURN(const uint32_t mask, AccessMask(rule->access));
    // No device has such a number.
    if (rule->major.value_or(0) > kMaxMajor || rule->minor.value_or(0) > kMaxMinor) continue;
    const bool everything = mask == kEveryAccess;
    if (rule->allow && everything && rule->type != 'a' && rule->major) {
      if (rule->type != allowed_type) finish_allowed();
      allowed_type = rule->type;
      allowed.push_back(rule->minor ? Allowed{kDevice, *rule->major << kMinorBits | *rule->minor}
                                    : Allowed{kMajor, *rule->major});
      continue;
    }
    finish_allowed();
    AppendRule(*rule, mask, program);
    // Nothing is left for the rules before one for everything.
    if (rule->type == 'a' && !rule->major && !rule->minor && everything) break;
  }
  finish_allowed();
  program.push_back(Move(BPF_REG_0, 0));
  program.push_back(Exit());
  return program;
}

absl::StatusOr<UniqueFd> AttachDeviceProgram(int cgroup_fd, absl::Span<const bpf_insn> program) {
  static constexpr char kLicense[] = "Apache-2.0";
  bpf_attr load = {};
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = reinterpret_cast<uintptr_t>(program.data());
  load.insn_cnt = static_cast<uint32_t>(program.size());
  load.license = reinterpret_cast<uintptr_t>(kLicense);
  UniqueFd loaded(static_cast<int>(Bpf(BPF_PROG_LOAD, load)));
  if (!loaded) return PosixStatus(errno, "load the device program");
  bpf_attr attach = {};
  attach.target_fd = static_cast<uint32_t>(cgroup_fd);
  attach.attach_bpf_fd = static_cast<uint32_t>(loaded.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (Bpf(BPF_PROG_ATTACH, attach) != 0) return PosixStatus(errno, "attach the device program");
  return loaded;
}

}  // namespace tiny::cgroup
