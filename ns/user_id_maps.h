// The id maps of a user namespace whose maker is not privileged in the one around it.
//
// Such a user may map one id, its own, and gids only once setgroups(2) is denied for good. More are
// for the setuid programs newuidmap(1) and newgidmap(1) of the package uidmap, which ask
// /etc/subuid and /etc/subgid: no system call does it, so these two are run, by absolute path.
// Source: user_namespaces(7), "Defining user and group ID mappings".
#ifndef TINY_NS_USER_ID_MAPS_H_
#define TINY_NS_USER_ID_MAPS_H_

#include <sys/types.h>

#include "absl/status/status.h"
#include "ns/id_maps.h"

namespace tiny::ns {

// Whether the map is of that id, the user's own, alone.
bool MapsOnly(const IdMap& map, uint32_t id);

// WriteIdMaps by the user `uid` of the group `gid`. kFailedPrecondition, with a hint, where a
// helper is needed and missing, or refuses.
absl::Status WriteIdMapsAsUser(pid_t pid, const IdMaps& maps, uid_t uid, gid_t gid);

}  // namespace tiny::ns

#endif  // TINY_NS_USER_ID_MAPS_H_
