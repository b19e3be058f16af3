// Which container a name belongs to: symbolic links names/<name> -> id. Internal to state/.
//
// A link is made without any lock: symlink(2) lets one of several claimants win. It is only ever
// deleted under flock(2) on names/, after a look at whose it is, so that nobody deletes a claim
// that was made since. All functions take a descriptor of the root.
#ifndef TINY_STATE_NAME_CLAIMS_H_
#define TINY_STATE_NAME_CLAIMS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "state/container_id.h"

namespace tiny::state {

// The caller has the lock of `owner`, whose directory exists. kAlreadyExists where the name belongs
// to another container, or to one that is being made. A claim is free again if its container is
// gone, has another name, or never got a record since its creator died.
absl::Status ClaimName(int root, absl::string_view name, const ContainerId& owner);

// Ok, and nothing done, where the name is not the owner's.
absl::Status ReleaseName(int root, absl::string_view name, const ContainerId& owner);

// For a container whose record cannot say its name.
absl::Status ReleaseAllNames(int root, const ContainerId& owner);

// Frees every name whose claim is void.
absl::Status SweepNames(int root);

// kNotFound where there is no such claim.
absl::StatusOr<ContainerId> ReadClaim(int root, absl::string_view name);

}  // namespace tiny::state

#endif  // TINY_STATE_NAME_CLAIMS_H_
