// The mount option "idmap=uids=0-1000-10#20-30-5;gids=0-1000-10" of crun and podman, as the
// uidMappings and gidMappings of the mount: ids of the files, ids that they are seen as, how many.
// With "@" before a range, what they are seen as are ids of the container's user namespace.
//
// Pure; thread-safe.
#ifndef TINY_OCI_CLI_IDMAP_OPTION_H_
#define TINY_OCI_CLI_IDMAP_OPTION_H_

#include "absl/status/status.h"
#include "oci/spec.h"

namespace tiny::oci {

// Makes "idmap" of such options of all mounts ("ridmap" likewise), with mappings. kInvalidArgument
// where one is malformed, or a mount has mappings already.
absl::Status ApplyIdmapOptions(Spec& spec);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_IDMAP_OPTION_H_
