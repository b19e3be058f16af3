// A user namespace that nobody is in: what an idmapped mount takes its id maps from.
#ifndef TINY_RUNTIME_LAUNCH_ID_MAP_NAMESPACE_H_
#define TINY_RUNTIME_LAUNCH_ID_MAP_NAMESPACE_H_

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "ns/id_maps.h"

namespace tiny::runtime {

// mount_setattr(2), MOUNT_ATTR_IDMAP.
absl::StatusOr<UniqueFd> MakeIdMapNamespace(const ns::IdMaps& maps);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_ID_MAP_NAMESPACE_H_
