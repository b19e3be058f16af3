#include "runtime/spec/seccomp_policy.h"

#include <linux/seccomp.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

using security::ArgumentCheck;

// ERRNO|ENOSYS and the actions that let calls through: a newer call is then as well off with the
// default.
bool NeedsNewerIsEnosys(security::Action action) {
  return (action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW;
}

bool AnyIndexTwice(const std::vector<ArgumentCheck>& checks) {
  for (size_t i = 0; i < checks.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (checks[i].index == checks[j].index) return true;
    }
  }
  return false;
}

absl::StatusOr<ArgumentCheck> ParseCheck(const oci::SeccompArg& arg) {
  if (arg.index > 5) return absl::InvalidArgumentError(absl::StrCat("index: ", arg.index, " > 5"));
  ASSIGN_OR_RETURN(const security::Comparison op, security::ParseComparison(arg.op));
  return ArgumentCheck{.index = static_cast<uint8_t>(arg.index),
                       .op = op,
                       .value = arg.value,
                       .value_two = arg.value_two};
}

absl::Status AddRule(const oci::SeccompRule& rule, std::vector<security::Rule>& rules) {
  ASSIGN_OR_RETURN(const security::Action action,
                   security::ParseAction(rule.action, rule.errno_ret));
  std::vector<ArgumentCheck> checks;
  for (const oci::SeccompArg& arg : rule.args) {
    ASSIGN_OR_RETURN(const ArgumentCheck check, ParseCheck(arg));
    checks.push_back(check);
  }
  if (!AnyIndexTwice(checks)) {
    rules.push_back({rule.names, action, std::move(checks)});
    return absl::OkStatus();
  }
  for (const ArgumentCheck& check : checks) rules.push_back({rule.names, action, {check}});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<security::Policy> PolicyFromSpec(const oci::Seccomp& seccomp) {
  security::Policy policy;
  auto action = security::ParseAction(seccomp.default_action, seccomp.default_errno_ret);
  if (!action.ok()) return Annotate(action.status(), "linux.seccomp.defaultAction");
  policy.default_action = *action;
  policy.newer_is_enosys = NeedsNewerIsEnosys(*action);
  policy.architectures.push_back(security::kNativeArch);
  for (const std::string& name : seccomp.architectures) {
    const std::optional<security::Arch> arch = security::ParseArch(name);
    if (!arch && !security::IsForeignArch(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("linux.seccomp.architectures: unknown architecture ", name));
    }
    // Calls of a machine that this is not can't occur.
    auto& arches = policy.architectures;
    if (arch && security::RunsOn(*arch, security::kNativeArch) &&
        std::find(arches.begin(), arches.end(), *arch) == arches.end()) {
      arches.push_back(*arch);
    }
  }
  for (const std::string& name : seccomp.flags) {
    auto flag = security::ParseFilterFlag(name);
    if (!flag.ok()) return Annotate(flag.status(), "linux.seccomp.flags");
    policy.flags |= *flag;
  }
  for (size_t i = 0; i < seccomp.syscalls.size(); ++i) {
    RETURN_IF_ERROR(Annotate(AddRule(seccomp.syscalls[i], policy.rules),
                             absl::StrCat("linux.seccomp.syscalls[", i, "]")));
  }
  policy.listener_path = seccomp.listener_path;
  policy.listener_metadata = seccomp.listener_metadata;
  return policy;
}

oci::Seccomp SpecFromPolicy(const security::Policy& policy) {
  oci::Seccomp seccomp;
  const auto data_of = [](security::Action action) -> std::optional<uint32_t> {
    const uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
    if (kind != SECCOMP_RET_ERRNO && kind != SECCOMP_RET_TRACE) return std::nullopt;
    return action & SECCOMP_RET_DATA;
  };
  seccomp.default_action = security::ActionName(policy.default_action);
  seccomp.default_errno_ret = data_of(policy.default_action);
  for (const security::Arch arch : policy.architectures) {
    seccomp.architectures.emplace_back(security::ArchName(arch));
  }
  seccomp.flags = security::FilterFlagNames(policy.flags);
  seccomp.listener_path = policy.listener_path;
  seccomp.listener_metadata = policy.listener_metadata;
  for (const security::Rule& rule : policy.rules) {
    oci::SeccompRule& out = seccomp.syscalls.emplace_back();
    out.names = rule.syscalls;
    out.action = security::ActionName(rule.action);
    out.errno_ret = data_of(rule.action);
    for (const ArgumentCheck& check : rule.arguments) {
      out.args.push_back({.index = check.index,
                          .value = check.value,
                          .value_two = check.value_two,
                          .op = std::string(security::ComparisonName(check.op))});
    }
  }
  return seccomp;
}

}  // namespace tiny::runtime
