// linux.resources of a spec as what //cgroup takes.
#ifndef TINY_RUNTIME_CGROUP_RESOURCES_H_
#define TINY_RUNTIME_CGROUP_RESOURCES_H_

#include "absl/status/statusor.h"
#include "cgroup/resources.h"
#include "oci/spec.h"

namespace tiny::runtime {

// A field that is absent there stays absent here. kInvalidArgument for a device number that is out
// of range and an unknown device type; kUnimplemented for limits that Linux no longer has (kernel
// memory). Pure.
absl::StatusOr<cgroup::Resources> CgroupResources(const oci::Resources& resources);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_CGROUP_RESOURCES_H_
