// Handing controllers down the version 2 tree.
#ifndef TINY_CGROUP_SUBTREE_CONTROL_H_
#define TINY_CGROUP_SUBTREE_CONTROL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cgroup/directory.h"
#include "cgroup/hierarchy.h"

namespace tiny::cgroup {

// Makes controllers available to the children of the cgroup `relative` ("/tiny") of the unified
// tree, by the cgroup.subtree_control of every cgroup on the way, which is made where it is
// missing. `required` ones must be had: kFailedPrecondition names the first cgroup that lacks one.
// `wanted` ones are tried.
//
// A cgroup other than the system's root cannot have both processes and controllers for its
// children. Where the tree's root is such a one, as for an engine that runs in a container or under
// a systemd unit with Delegate=yes, its processes are moved into a child named "tiny.leaf".
absl::Status EnableControllers(const Hierarchy& hierarchy, absl::string_view relative,
                               const std::vector<std::string>& required,
                               const std::vector<std::string>& wanted);

}  // namespace tiny::cgroup

#endif  // TINY_CGROUP_SUBTREE_CONTROL_H_
