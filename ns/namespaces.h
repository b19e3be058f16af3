// The eight kinds of Linux namespaces (namespaces(7)), and descriptors of them.
//
//   ASSIGN_OR_RETURN(const UniqueFd net, OpenNamespace(pid, Kind::kNetwork));
//
// Errors: PosixStatus with the path; kInvalidArgument for a file that is no namespace of that kind.
// Thread-safe.
#ifndef TINY_NS_NAMESPACES_H_
#define TINY_NS_NAMESPACES_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::ns {

enum class Kind { kUser, kMount, kPid, kNetwork, kIpc, kUts, kCgroup, kTime };

// CLONE_NEWPID for kPid.
uint64_t CloneFlag(Kind kind);

// The name in /proc/PID/ns: "mnt", "net", "pid".
absl::string_view ProcName(Kind kind);

// Of the OCI specification: "mount", "network", "pid", ...; nothing for another text.
std::optional<Kind> KindFromSpec(absl::string_view type);

// The namespace that a process is in, close-on-exec. With kPid and kTime: that of its children.
absl::StatusOr<UniqueFd> OpenNamespace(pid_t pid, Kind kind);

// A namespace by path, such as /run/netns/blue, checked to be one of that kind (NS_GET_NSTYPE).
absl::StatusOr<UniqueFd> OpenNamespacePath(absl::string_view path, Kind kind);

// Whether it is the one that the caller is in, also where that can't be told.
bool IsOwnNamespace(int fd, Kind kind);

// Whether the caller and that process are in one and the same namespace.
absl::StatusOr<bool> SharesNamespace(pid_t pid, Kind kind);

}  // namespace tiny::ns

#endif  // TINY_NS_NAMESPACES_H_
