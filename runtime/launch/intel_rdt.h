// linux.intelRdt: a container's class of service, a folder of the resctrl file system.
//
// Source: runtime-spec 1.3, config-linux.md, "IntelRdt"; Documentation/arch/x86/resctrl.rst. `root`
// is where resctrl is mounted; FindResctrl finds it. Errors are PosixStatus with the file, and the
// kernel's own reason (info/last_cmd_status) where it refuses a schema.
#ifndef TINY_RUNTIME_LAUNCH_INTEL_RDT_H_
#define TINY_RUNTIME_LAUNCH_INTEL_RDT_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "oci/spec.h"

namespace tiny::runtime {

// What is written to a class that is made: the lines of l3CacheSchema, where those of memory
// bandwidth give way to memBwSchema, and last schemata. Pure.
std::string SchemataOf(const oci::IntelRdt& rdt);

// kFailedPrecondition with a hint where no resctrl is mounted.
absl::StatusOr<std::string> FindResctrl();

// Makes the class where the specification wants it made, writes its schemata, and puts the process
// there. kFailedPrecondition for one that exists with other schemata, or that should and does not.
absl::Status ApplyIntelRdt(const oci::IntelRdt& rdt, const std::string& id, pid_t pid);
absl::Status ApplyIntelRdt(const oci::IntelRdt& rdt, const std::string& id, pid_t pid,
                           const std::string& root);

// Writes the schemata of a container that is there to its class.
absl::Status UpdateIntelRdt(const oci::IntelRdt& rdt, const std::string& id);
absl::Status UpdateIntelRdt(const oci::IntelRdt& rdt, const std::string& id,
                            const std::string& root);

// Removes what was made for this container alone: a class without a name of its own, and its
// monitoring group. What is gone, resctrl itself even, is ok.
absl::Status RemoveIntelRdt(const oci::IntelRdt& rdt, const std::string& id);
absl::Status RemoveIntelRdt(const oci::IntelRdt& rdt, const std::string& id,
                            const std::string& root);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_INTEL_RDT_H_
