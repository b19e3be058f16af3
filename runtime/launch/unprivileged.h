// What a launch does otherwise where its caller is not the machine's root. A null caller is.
#ifndef TINY_RUNTIME_LAUNCH_UNPRIVILEGED_H_
#define TINY_RUNTIME_LAUNCH_UNPRIVILEGED_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ns/id_maps.h"
#include "runtime/launch/plan_namespaces.h"
#include "security/caller.h"

namespace tiny::runtime {

// kFailedPrecondition for a user without privileges, and a container without a user namespace.
absl::Status CheckMayLaunch(const NamespacePlan& namespaces, const security::Caller* caller);

// The error of a clone(2), with what a user may do or ask the machine's administrator for.
absl::Status ExplainRefusedClone(absl::Status status, const NamespacePlan& namespaces,
                                 bool into_cgroup, const security::Caller* caller);

// Of the user namespace that the process `pid` has just made.
absl::Status WriteIdMaps(pid_t pid, const ns::IdMaps& maps, const security::Caller* caller);

// Whether setgroups(2) will do in the container.
bool MaySetGroups(const NamespacePlan& namespaces, const security::Caller* caller);
// In the user namespace of the process `pid`, which the caller `joins` or is in.
bool MaySetGroupsOf(pid_t pid, bool joins, const security::Caller& caller);

// Those that the container of `pid` shares with the host are joined as well, as it changes nothing;
// but not the user namespace, which nobody can join a second time, and the time namespace, for
// which the kernel wants the joining process to share its memory with nobody. Only the machine's
// root may join a namespace that it is in.
absl::StatusOr<uint64_t> NamespacesToJoin(pid_t pid, const security::Caller& caller);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_UNPRIVILEGED_H_
