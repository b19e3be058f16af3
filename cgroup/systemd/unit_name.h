// How systemd names what a container's cgroup is: a scope within a slice.
//
//   UnitOfCgroupsPath("machine.slice:libpod:0123", "0123", "system.slice")
//     // {.slice = "machine.slice", .unit = "libpod-0123.scope"}
//
// Pure. Sources: systemd.slice(5), systemd.scope(5); the form "slice:prefix:name" is the one that
// engines write where they have chosen the systemd driver.
#ifndef TINY_CGROUP_SYSTEMD_UNIT_NAME_H_
#define TINY_CGROUP_SYSTEMD_UNIT_NAME_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::systemd {

struct UnitName {
  std::string slice;  // "-.slice" is the root
  std::string unit;
};

// An empty slice is `default_slice`, an empty name the id; an empty path is ":tiny:". Errors are
// kInvalidArgument: another form, a slice that is none, characters that no unit's name may have.
absl::StatusOr<UnitName> UnitOfCgroupsPath(absl::string_view cgroups_path, absl::string_view id,
                                           absl::string_view default_slice);

}  // namespace tiny::systemd

#endif  // TINY_CGROUP_SYSTEMD_UNIT_NAME_H_
