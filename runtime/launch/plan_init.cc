#include "runtime/launch/plan_init.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "init/payload.h"
#include "runtime/launch/launch.h"
#include "runtime/spec/seccomp_policy.h"
#include "security/capabilities.h"
#include "security/lsm.h"
#include "security/seccomp/compiler.h"
#include "security/seccomp/default_profile.h"

namespace tiny::runtime {
namespace {

constexpr uint64_t kPersonalityLinux = 0;
constexpr uint64_t kPersonalityLinux32 = 8;

// Header and tail of the message, in the order in which they are appended.
class Message {
 public:
  Message() : bytes_(sizeof(init::InitConfig), '\0') {}

  template <typename T>
  init::Tail Append(const T* elements, size_t count) {
    bytes_.resize((bytes_.size() + sizeof(T) - 1) / sizeof(T) * sizeof(T));
    const init::Tail tail = {static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(count)};
    bytes_.append(reinterpret_cast<const char*>(elements), count * sizeof(T));
    return tail;
  }
  init::Tail AppendText(const std::string& text) {
    return text.empty() ? init::Tail() : Append(text.c_str(), text.size() + 1);
  }
  std::string Finish(const init::InitConfig& config) && {
    memcpy(bytes_.data(), &config, sizeof(config));
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
};

absl::Status PlanCapabilities(const oci::Process& process, init::InitConfig& config) {
  // What is not named is not given: without capabilities all sets are empty.
  config.flags |= init::kSetCapabilities;
  if (!process.capabilities.has_value()) return absl::OkStatus();
  const oci::Capabilities& wanted = *process.capabilities;
  struct Set {
    const char* name;
    const std::vector<std::string>* names;
    uint64_t* mask;
  };
  for (const Set& set : {Set{"bounding", &wanted.bounding, &config.bounding},
                         Set{"permitted", &wanted.permitted, &config.permitted},
                         Set{"effective", &wanted.effective, &config.effective},
                         Set{"inheritable", &wanted.inheritable, &config.inheritable},
                         Set{"ambient", &wanted.ambient, &config.ambient}}) {
    const absl::StatusOr<security::CapabilitySet> parsed = security::ParseCapabilities(*set.names);
    if (!parsed.ok()) {
      return Annotate(parsed.status(), absl::StrCat("process.capabilities.", set.name));
    }
    *set.mask = parsed->bits;
  }
  return absl::OkStatus();
}

absl::Status PlanSeccomp(const InitInputs& inputs, init::InitConfig& config, Message& message) {
  security::Program storage;
  absl::Span<const sock_filter> program;
  if (const auto& seccomp = inputs.spec->linux_.seccomp; seccomp && !seccomp->program.empty()) {
    program = seccomp->program;
    config.seccomp_flags = static_cast<uint32_t>(seccomp->program_flags);
  } else if (seccomp) {
    ASSIGN_OR_RETURN(const security::Policy policy, PolicyFromSpec(*seccomp));
    ASSIGN_OR_RETURN(storage, security::CompilePolicy(policy));
    program = storage;
    config.seccomp_flags = static_cast<uint32_t>(policy.flags);
    if (!AgentOf(*inputs.spec, {}).path.empty()) {
      config.seccomp_flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    }
  } else if (inputs.default_seccomp) {
    ASSIGN_OR_RETURN(program,
                     security::DefaultProgram(security::CapabilitySet(config.bounding), storage));
    config.seccomp_flags = static_cast<uint32_t>(security::kDefaultProfileFlags);
  }
  config.seccomp = message.Append(program.data(), program.size());
  return absl::OkStatus();
}

// The label that the program gets at its exec.
absl::StatusOr<std::string> ExecLabel(const oci::Process& process) {
  RETURN_IF_ERROR(security::CheckAppArmorProfile(process.apparmor_profile));
  RETURN_IF_ERROR(security::CheckSelinuxLabel(process.selinux_label));
  if (!process.selinux_label.empty()) return process.selinux_label;
  if (process.apparmor_profile.empty() || !security::AppArmorActive()) return std::string();
  return absl::StrCat("exec ", process.apparmor_profile);
}

absl::Status NoGroupsError() {
  return WithHint(
      absl::FailedPreconditionError("process.user.additionalGids: setgroups(2) is denied for good "
                                    "in this user namespace"),
      "leave them out, or make it with more gids than one's own: newgidmap, /etc/subgid");
}

}  // namespace

absl::StatusOr<std::string> PlanInit(const InitInputs& inputs) {
  const oci::Process& process = *inputs.process;
  init::InitConfig config;
  Message message;
  config.flags = init::kNewSession | init::kSetUser;
  if (inputs.may_set_groups) {
    config.flags |= init::kSetGroups;
  } else if (!process.user.additional_gids.empty()) {
    return NoGroupsError();
  }
  if (process.terminal) config.flags |= init::kControllingTty;
  if (process.no_new_privileges) config.flags |= init::kNoNewPrivileges;
  if (inputs.reaper) config.flags |= init::kReaper;
  if (inputs.check_program) config.flags |= init::kCheckProgram;
  if (process.user.uid != 0) config.flags |= init::kOwnStdio;
  config.uid = process.user.uid;
  config.gid = process.user.gid;
  config.umask = process.user.umask.value_or(022);
  config.start_fd = inputs.start_fd;
  if (process.user.additional_gids.size() > init::kMaxGroups) {
    return absl::InvalidArgumentError(
        absl::StrCat("process.user.additionalGids: more than ", init::kMaxGroups));
  }
  RETURN_IF_ERROR(PlanCapabilities(process, config));
  if (const auto& personality = inputs.spec->linux_.personality; personality.has_value()) {
    config.personality = personality->domain == "LINUX32" ? kPersonalityLinux32 : kPersonalityLinux;
  }
  config.groups =
      message.Append(process.user.additional_gids.data(), process.user.additional_gids.size());
  RETURN_IF_ERROR(PlanSeccomp(inputs, config, message));
  // In a new root it is at "/" already.
  if (!inputs.new_root || process.cwd != "/") {
    config.cwd = message.AppendText(process.cwd.empty() ? "/" : process.cwd);
  }
  config.keyring = message.AppendText(inputs.keyring);
  ASSIGN_OR_RETURN(const std::string label, ExecLabel(process));
  config.exec_label = message.AppendText(label);
  config.path = message.AppendText(inputs.path);
  if (!process.selinux_label.empty()) config.flags |= init::kLabelKeyring;
  std::string bytes = std::move(message).Finish(config);
  if (bytes.size() > init::kMaxConfigBytes) {
    return absl::ResourceExhaustedError("the container's configuration is too large");
  }
  return bytes;
}

}  // namespace tiny::runtime
