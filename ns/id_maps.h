// The user and group ids of a user namespace: /proc/PID/{uid_map,gid_map,setgroups}
// (user_namespaces(7)).
#ifndef TINY_NS_ID_MAPS_H_
#define TINY_NS_ID_MAPS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tiny::ns {

struct IdRange {
  uint32_t inside = 0;   // first id in the namespace
  uint32_t outside = 0;  // what it is in the parent namespace
  uint32_t size = 0;

  bool operator==(const IdRange&) const = default;
};
using IdMap = std::vector<IdRange>;

struct IdMaps {
  IdMap uids;
  IdMap gids;
  // "deny" in setgroups: without privilege in the parent namespace, gids can't be mapped before.
  bool deny_setgroups = false;
};

// The kernel takes this many ranges.
inline constexpr size_t kMaxIdRanges = 340;

// kInvalidArgument unless there is at least one range and at most kMaxIdRanges, each is of some
// size, none runs over the last id (2^32 - 2), and no two overlap on either side.
absl::Status ValidateIdMap(absl::Span<const IdRange> map);

// The text of uid_map: three numbers a line.
std::string FormatIdMap(absl::Span<const IdRange> map);

// Validates and writes both maps (once only, the kernel insists) of a process that has just made
// its user namespace: setgroups first. Errors as PosixStatus with the file.
absl::Status WriteIdMaps(pid_t pid, const IdMaps& maps);

}  // namespace tiny::ns

#endif  // TINY_NS_ID_MAPS_H_
