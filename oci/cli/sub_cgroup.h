// Where a process of exec goes in the cgroup of its container: --cgroup, as runc has it.
//
//   PATH                              a cgroup below the container's, in every tree that it is in
//   CONTROLLER[,CONTROLLER...]:PATH   of version 1: in the trees of these controllers alone; in the
//                                     others it stays in the container's. May be given again for
//                                     other controllers.
#ifndef TINY_OCI_CLI_SUB_CGROUP_H_
#define TINY_OCI_CLI_SUB_CGROUP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "cgroup/hierarchy.h"

namespace tiny::oci {

struct SubCgroup {
  std::string path;             // for all trees
  std::vector<UniqueFd> tasks;  // from there: `tasks` of the cgroups that have a controller named
};

// `arguments` has one or more. kInvalidArgument for what is no such thing, leads out of the
// container's cgroup or names a controller that is not on version 1 here; kNotFound for a cgroup
// that is not there, and kFailedPrecondition where the container is in none: `container` is empty.
absl::StatusOr<SubCgroup> FindSubCgroup(const cgroup::Hierarchy& hierarchy,
                                        const std::string& container,
                                        const std::vector<std::string>& arguments);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_SUB_CGROUP_H_
