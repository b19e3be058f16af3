// Who this process is to the kernel: the root of the machine, the root of a user namespace, or
// another user. Plans ask it for what only the first of them may do.
//
//   Caller caller;
//   if (!caller.IsMachineRoot()) ...  // no device nodes, no device rules, no raised OOM priority
//
// Nothing is looked at before it is asked for, and each thing once: the root of the machine, whose
// starts are to be fast, is known by what the kernel let it do (KnowAsMachineRoot). What a file
// that can't be read would have told is taken to be as on a machine without user namespaces.
// Thread-compatible. Sources: user_namespaces(7), credentials(7), include/uapi/linux/nsfs.h.
#ifndef TINY_SECURITY_CALLER_H_
#define TINY_SECURITY_CALLER_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::security {

class Caller {
 public:
  // This process as it was executed (base/exec_ids.h).
  Caller();
  // For tests: one of that uid whose /proc/self is the folder `process`.
  Caller(uid_t uid, std::string process) : uid_(uid), process_(std::move(process)) {}

  // Not root, in whatever user namespace.
  bool IsUser() const { return uid_ != 0; }
  bool InUserNamespace() const;  // other than the machine's own
  bool IsMachineRoot() const { return !IsUser() && !InUserNamespace(); }

  // Whether it and the process `pid` are in the same one.
  absl::StatusOr<bool> SharesUserNamespace(pid_t pid) const;

  // It has done what takes privileges over the whole machine.
  void KnowAsMachineRoot();

  // setgroups(2), in its user namespace and in those made in that.
  bool MaySetGroups() const;
  // Whether its user namespace has that group id.
  bool HasGid(uint32_t gid) const;

 private:
  uid_t uid_;
  std::string process_;         // "/proc/self"
  ino_t UserNamespace() const;  // its number; 0: the kernel has none

  mutable std::optional<ino_t> user_namespace_;
  mutable std::optional<bool> may_set_groups_;
};

// Of /proc/PID/setgroups. Pure.
bool AllowsSetGroups(absl::string_view setgroups);

}  // namespace tiny::security

#endif  // TINY_SECURITY_CALLER_H_
