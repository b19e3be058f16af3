#include "security/seccomp/compiler.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "security/seccomp/assembler.h"
#include "security/seccomp/syscalls.h"

namespace tiny::security {
namespace {

using Label = Assembler::Label;

constexpr uint32_t kX32Bit = 0x40000000;

struct ConditionalAction {
  const std::vector<ArgumentCheck>* checks;
  Action action;
};

// What becomes of a system call: the first condition that holds, else the last action.
struct Outcome {
  std::vector<ConditionalAction> conditions;
  Action otherwise = 0;
  bool unconditional_rule = false;  // while collecting: `otherwise` is of a rule, not the default

  bool SameAs(const Outcome& other) const {
    return conditions.empty() && other.conditions.empty() && otherwise == other.otherwise;
  }
};

// Calls from `start` on, up to the next interval.
struct Interval {
  uint32_t start;
  Outcome outcome;
};

uint32_t AuditArch(Arch arch) {
  switch (arch) {
    case Arch::kX86_64:
      return AUDIT_ARCH_X86_64;
    case Arch::kI386:
      return AUDIT_ARCH_I386;
    case Arch::kAarch64:
      return AUDIT_ARCH_AARCH64;
    case Arch::kArm:
      return AUDIT_ARCH_ARM;
  }
  return 0;
}

bool Is64Bit(Arch arch) { return arch == Arch::kX86_64 || arch == Arch::kAarch64; }

// Lets a call through, whether or not somebody hears of it.
bool LetsThrough(Action action) {
  const uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
  return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG || kind == SECCOMP_RET_TRACE;
}

std::map<uint32_t, Outcome> CollectOutcomes(const Policy& policy, Arch arch) {
  std::map<uint32_t, Outcome> outcomes;
  for (const Rule& rule : policy.rules) {
    for (const std::string& name : rule.syscalls) {
      const std::optional<uint32_t> number = SyscallNumber(name, arch);
      if (!number) continue;
      Outcome& outcome =
          outcomes.try_emplace(*number, Outcome{{}, policy.default_action}).first->second;
      if (outcome.unconditional_rule || rule.action == policy.default_action) continue;
      if (rule.arguments.empty()) {
        outcome = Outcome{{}, rule.action, /*unconditional_rule=*/true};
      } else {
        outcome.conditions.push_back({&rule.arguments, rule.action});
      }
    }
  }
  return outcomes;
}

std::vector<Interval> MakeIntervals(const Policy& policy, Arch arch) {
  const std::map<uint32_t, Outcome> outcomes = CollectOutcomes(policy, arch);
  const Outcome fallback{{}, policy.default_action};
  const Outcome no_such_call{{}, SECCOMP_RET_ERRNO | ENOSYS};
  std::vector<Interval> intervals;
  const auto add = [&intervals](uint32_t start, const Outcome& outcome) {
    if (!intervals.empty() && intervals.back().outcome.SameAs(outcome)) return;
    if (!intervals.empty() && intervals.back().start == start) {
      intervals.pop_back();
      if (!intervals.empty() && intervals.back().outcome.SameAs(outcome)) return;
    }
    intervals.push_back({start, outcome});
  };
  add(0, fallback);
  for (const auto& [number, outcome] : outcomes) {
    add(number, outcome);
    add(number + 1, fallback);
  }
  if (policy.newer_is_enosys && !outcomes.empty() && !LetsThrough(policy.default_action)) {
    add(outcomes.rbegin()->first + 1, no_such_call);
  }
  if (arch == Arch::kX86_64) add(kX32Bit, no_such_call);
  return intervals;
}

// Writes the code for one architecture.
class ArchCompiler {
 public:
  ArchCompiler(Assembler& assembler, Arch arch) : out_(assembler), arch_(arch) {}

  // With the call's number in A.
  Label Search(const Interval* first, const Interval* last) {
    const ptrdiff_t count = last - first;
    if (count == 1) return Decide(first->outcome);
    // One number amid others: equality tells it from both sides at once.
    if (count == 3 && first[2].start == first[1].start + 1 &&
        first[0].outcome.SameAs(first[2].outcome)) {
      const Label inside = Decide(first[1].outcome);
      return out_.JumpIf(BPF_JEQ, first[1].start, inside, Decide(first[0].outcome));
    }
    const Interval* middle = first + count / 2;
    const Label right = Search(middle, last);
    const Label left = Search(first, middle);
    return out_.JumpIf(BPF_JGE, middle->start, right, left);
  }

 private:
  static constexpr uint32_t ArgumentOffset(int index, bool high) {
    // The words of an argument are in the machine's order, and all of Arch are little-endian.
    return static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * index + (high ? 4 : 0));
  }

  Label Decide(const Outcome& outcome) {
    Label next = out_.Return(outcome.otherwise);
    const auto& conditions = outcome.conditions;
    for (size_t end = conditions.size(); end > 0;) {
      size_t begin = end - 1;
      while (begin > 0 && SameWord(conditions[begin - 1], conditions[end - 1])) --begin;
      next = end - begin > 1 ? OneOf(&conditions[begin], &conditions[end - 1] + 1, next)
                             : AllOf(conditions[begin], next);
      end = begin;
    }
    return next;
  }

  // Whether both compare the low word of one argument for equality, under one high word.
  bool SameWord(const ConditionalAction& a, const ConditionalAction& b) const {
    if (a.checks->size() != 1 || b.checks->size() != 1) return false;
    const ArgumentCheck& x = a.checks->front();
    const ArgumentCheck& y = b.checks->front();
    return x.op == Comparison::kEqual && y.op == Comparison::kEqual && x.index == y.index &&
           (!Is64Bit(arch_) || x.value >> 32 == y.value >> 32);
  }

  // Several values of one argument: the word is loaded once.
  Label OneOf(const ConditionalAction* first, const ConditionalAction* last, Label otherwise) {
    Label next = otherwise;
    for (const ConditionalAction* condition = last; condition-- != first;) {
      const auto value = static_cast<uint32_t>(condition->checks->front().value);
      next = out_.JumpIf(BPF_JEQ, value, out_.Return(condition->action), next);
    }
    const ArgumentCheck& check = first->checks->front();
    next = LoadWord(next, check.index, false);
    if (!Is64Bit(arch_)) return next;
    next = out_.JumpIf(BPF_JEQ, static_cast<uint32_t>(check.value >> 32), next, otherwise);
    return LoadWord(next, check.index, true);
  }

  Label AllOf(const ConditionalAction& condition, Label otherwise) {
    Label next = out_.Return(condition.action);
    for (size_t i = condition.checks->size(); i > 0; --i) {
      next = Check((*condition.checks)[i - 1], next, otherwise);
    }
    return next;
  }

  Label LoadWord(Label next, int index, bool high) {
    out_.Goto(next);
    return out_.Load(ArgumentOffset(index, high));
  }

  Label Check(const ArgumentCheck& check, Label yes, Label no) {
    switch (check.op) {
      case Comparison::kNotEqual:
        return Equal(check, no, yes);
      case Comparison::kEqual:
        return Equal(check, yes, no);
      case Comparison::kMaskedEqual:
        return MaskedEqual(check, yes, no);
      case Comparison::kGreater:
        return Greater(check, BPF_JGT, yes, no);
      case Comparison::kGreaterOrEqual:
        return Greater(check, BPF_JGE, yes, no);
      case Comparison::kLess:
        return Greater(check, BPF_JGE, no, yes);
      case Comparison::kLessOrEqual:
        return Greater(check, BPF_JGT, no, yes);
    }
    return no;
  }

  Label Equal(const ArgumentCheck& check, Label yes, Label no) {
    Label next = out_.JumpIf(BPF_JEQ, static_cast<uint32_t>(check.value), yes, no);
    next = LoadWord(next, check.index, false);
    if (!Is64Bit(arch_)) return next;
    next = out_.JumpIf(BPF_JEQ, static_cast<uint32_t>(check.value >> 32), next, no);
    return LoadWord(next, check.index, true);
  }

  Label Greater(const ArgumentCheck& check, uint16_t op, Label yes, Label no) {
    Label next = out_.JumpIf(op, static_cast<uint32_t>(check.value), yes, no);
    next = LoadWord(next, check.index, false);
    if (!Is64Bit(arch_)) return next;
    const auto high = static_cast<uint32_t>(check.value >> 32);
    next = out_.JumpIf(BPF_JEQ, high, next, no);
    next = out_.JumpIf(BPF_JGT, high, yes, next);
    return LoadWord(next, check.index, true);
  }

  Label MaskedEqual(const ArgumentCheck& check, Label yes, Label no) {
    Label next = MaskedWord(static_cast<uint32_t>(check.value),
                            static_cast<uint32_t>(check.value_two), check.index, false, yes, no);
    if (!Is64Bit(arch_)) return next;
    const auto mask = static_cast<uint32_t>(check.value >> 32);
    const auto value = static_cast<uint32_t>(check.value_two >> 32);
    if (mask == 0 && value == 0) return next;
    return MaskedWord(mask, value, check.index, true, next, no);
  }

  Label MaskedWord(uint32_t mask, uint32_t value, int index, bool high, Label yes, Label no) {
    out_.Goto(out_.JumpIf(BPF_JEQ, value, yes, no));
    out_.And(mask);
    return out_.Load(ArgumentOffset(index, high));
  }

  Assembler& out_;
  const Arch arch_;
};

absl::Status CheckArguments(const Policy& policy) {
  for (const Rule& rule : policy.rules) {
    for (const ArgumentCheck& check : rule.arguments) {
      if (check.index > 5) {
        return absl::InvalidArgumentError(
            absl::StrCat("seccomp: a system call has no argument ", check.index));
      }
    }
  }
  return absl::OkStatus();
}

// The native one always, and those of the rest that its machine can run. A policy that names the
// other family only (a test, or a generator for another machine) is taken at its word.
std::vector<Arch> ArchesOf(const Policy& policy) {
  std::vector<Arch> arches = policy.architectures;
  if (arches.empty()) arches.push_back(kNativeArch);
  return arches;
}

}  // namespace

absl::StatusOr<Program> CompilePolicy(const Policy& policy) {
  RETURN_IF_ERROR(CheckArguments(policy));
  Assembler assembler;
  const std::vector<Arch> arches = ArchesOf(policy);
  Label next = assembler.Return(SECCOMP_RET_KILL_THREAD);
  // The first architecture is written last, and so is the one nearest to the test for it.
  std::vector<std::pair<Arch, Label>> sections;
  for (auto arch = arches.rbegin(); arch != arches.rend(); ++arch) {
    const std::vector<Interval> intervals = MakeIntervals(policy, *arch);
    ArchCompiler compiler(assembler, *arch);
    const Label search = compiler.Search(intervals.data(), intervals.data() + intervals.size());
    assembler.Goto(search);
    sections.emplace_back(*arch, assembler.Load(offsetof(seccomp_data, nr)));
  }
  for (const auto& [arch, section] : sections) {
    next = assembler.JumpIf(BPF_JEQ, AuditArch(arch), section, next);
  }
  assembler.Goto(next);
  assembler.Load(offsetof(seccomp_data, arch));
  Program program = std::move(assembler).Finish();
  if (program.size() > BPF_MAXINSNS) {
    return absl::OutOfRangeError(absl::StrCat("seccomp: the policy compiles to ", program.size(),
                                              " instructions; the kernel takes ", BPF_MAXINSNS));
  }
  return program;
}

}  // namespace tiny::security
