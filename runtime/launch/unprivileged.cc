#include "runtime/launch/unprivileged.h"

#include <errno.h>
#include <linux/capability.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "ns/namespaces.h"
#include "ns/user_id_maps.h"
#include "security/capabilities.h"

namespace tiny::runtime {

absl::Status CheckMayLaunch(const NamespacePlan& namespaces, const security::Caller* caller) {
  if (caller == nullptr || !caller->IsUser() || namespaces.IsFresh(ns::Kind::kUser)) {
    return absl::OkStatus();
  }
  if (namespaces.Joins(ns::Kind::kUser)) return absl::OkStatus();
  if (security::AvailableCapabilities().Has(CAP_SYS_ADMIN)) return absl::OkStatus();
  return WithHint(
      absl::FailedPreconditionError(absl::StrCat("linux.namespaces: uid ", geteuid(),
                                                 " needs a user namespace for its container")),
      "tiny-oci spec --rootless writes a configuration that has one");
}

absl::Status ExplainRefusedClone(absl::Status status, const NamespacePlan& namespaces,
                                 bool into_cgroup, const security::Caller* caller) {
  const int error = GetErrno(status).value_or(0);
  if (caller == nullptr || caller->IsMachineRoot()) return status;
  // Who moves a process must own the cgroup that has both places in it: cgroup-v2.rst,
  // "Delegation Containment".
  if (error == EACCES && into_cgroup) {
    return WithHint(std::move(status),
                    "not from this session's cgroup into that of the user's systemd: "
                    "systemd-run --user --scope starts it in there");
  }
  const bool refused = error == EPERM || error == ENOSPC || error == EUSERS;
  if (!refused || !namespaces.IsFresh(ns::Kind::kUser)) return status;
  return WithHint(std::move(status),
                  "may users make namespaces here? See user.max_user_namespaces, "
                  "kernel.unprivileged_userns_clone and "
                  "kernel.apparmor_restrict_unprivileged_userns of sysctl");
}

absl::Status WriteIdMaps(pid_t pid, const ns::IdMaps& maps, const security::Caller* caller) {
  if (caller == nullptr || !caller->IsUser()) return ns::WriteIdMaps(pid, maps);
  return ns::WriteIdMapsAsUser(pid, maps, geteuid(), getegid());
}

bool MaySetGroups(const NamespacePlan& namespaces, const security::Caller* caller) {
  if (caller == nullptr || caller->IsMachineRoot()) return true;
  return !namespaces.id_maps.deny_setgroups && caller->MaySetGroups();
}

bool MaySetGroupsOf(pid_t pid, bool joins, const security::Caller& caller) {
  if (!joins && caller.IsMachineRoot()) return true;
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat("/proc/", pid, "/setgroups"));
  return !text.ok() || security::AllowsSetGroups(*text);
}

absl::StatusOr<uint64_t> NamespacesToJoin(pid_t pid, const security::Caller& caller) {
  constexpr ns::Kind kOthers[] = {ns::Kind::kMount, ns::Kind::kCgroup,  ns::Kind::kUts,
                                  ns::Kind::kIpc,   ns::Kind::kNetwork, ns::Kind::kPid};
  uint64_t flags = 0;
  const auto add = [&flags, pid](ns::Kind kind) -> absl::Status {
    ASSIGN_OR_RETURN(const bool shared, ns::SharesNamespace(pid, kind));
    if (!shared) flags |= ns::CloneFlag(kind);
    return absl::OkStatus();
  };
  ASSIGN_OR_RETURN(const bool shares_user, caller.SharesUserNamespace(pid));
  if (!shares_user) flags |= ns::CloneFlag(ns::Kind::kUser);
  RETURN_IF_ERROR(add(ns::Kind::kTime));
  for (const ns::Kind kind : kOthers) {
    if (caller.IsMachineRoot()) {
      flags |= ns::CloneFlag(kind);
    } else {
      RETURN_IF_ERROR(add(kind));
    }
  }
  return flags;
}

}  // namespace tiny::runtime
