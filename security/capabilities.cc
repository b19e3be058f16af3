#include "security/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace tiny::security {
namespace {

constexpr const char* kNames[] = {
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
};
static_assert(std::size(kNames) == kLastKnownCapability + 1);

// "net_raw" and "CAP_NET_RAW" as "NET_RAW".
std::string Normalized(absl::string_view name) {
  const std::string upper = absl::AsciiStrToUpper(name);
  return std::string(absl::StripPrefix(upper, "CAP_"));
}

// A set of names in which "ALL" may stand for itself.
struct NamedSet {
  CapabilitySet set;
  bool all = false;
};

absl::StatusOr<NamedSet> ParseNamedSet(absl::Span<const std::string> names) {
  NamedSet result;
  for (const std::string& name : names) {
    if (absl::EqualsIgnoreCase(name, "ALL") || absl::EqualsIgnoreCase(name, "CAP_ALL")) {
      result.all = true;
      continue;
    }
    ASSIGN_OR_RETURN(const int capability, CapabilityFromName(name));
    result.set = result.set | CapabilitySet{capability};
  }
  return result;
}

}  // namespace

absl::StatusOr<int> CapabilityFromName(absl::string_view name) {
  const std::string wanted = Normalized(name);
  for (int i = 0; i <= kLastKnownCapability; ++i) {
    if (wanted == kNames[i]) return i;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown capability ", name));
}

std::string CapabilityName(int capability) {
  if (capability < 0 || capability > kLastKnownCapability) return absl::StrCat("CAP_", capability);
  return absl::StrCat("CAP_", kNames[capability]);
}

absl::StatusOr<CapabilitySet> ParseCapabilities(absl::Span<const std::string> names) {
  CapabilitySet result;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const int capability, CapabilityFromName(name));
    result = result | CapabilitySet{capability};
  }
  return result;
}

std::vector<std::string> CapabilityNames(CapabilitySet set) {
  std::vector<std::string> names;
  for (int i = 0; i < 64; ++i) {
    if (set.Has(i)) names.push_back(CapabilityName(i));
  }
  return names;
}

absl::StatusOr<CapabilitySet> ResolveCapabilities(const CapabilityRequest& request) {
  // Names are checked before anything else is decided: a misspelt --cap-drop must not be a no-op.
  ASSIGN_OR_RETURN(const NamedSet add, ParseNamedSet(request.add));
  ASSIGN_OR_RETURN(const NamedSet drop, ParseNamedSet(request.drop));
  if (request.privileged) return request.available;
  if (const CapabilitySet missing = add.set - request.available; !missing.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("capability ", CapabilityNames(missing).front(),
                     " can't be added: this process does not have it itself"));
  }
  if (add.all) return request.available - drop.set;
  if (drop.all) return add.set;
  return ((request.defaults & request.available) - drop.set) | add.set;
}

CapabilitySet AvailableCapabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return CapabilitySet();
  return CapabilitySet(uint64_t{data[1].permitted} << 32 | data[0].permitted);
}

int LastCapability() {
  int last = kLastKnownCapability;
  while (last < 63 && prctl(PR_CAPBSET_READ, last + 1, 0, 0, 0) >= 0) ++last;
  while (last > 0 && prctl(PR_CAPBSET_READ, last, 0, 0, 0) < 0) --last;
  return last;
}

}  // namespace tiny::security
