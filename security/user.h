// Who a container's process is: "user[:group]" against the text of the rootfs's own passwd and
// group files. Pure; no NSS, no file access. Thread-safe.
//
//   ASSIGN_OR_RETURN(ResolvedUser user, ResolveUser("www-data", {}, passwd_text, group_text));
//
// A text that is all digits is always a number, from 0 to 2^32-2, and never looked up as a name
// (CVE-2016-3697, CVE-2024-40635). Names are [A-Za-z_][A-Za-z0-9_.-]*[$]?, at most 256 bytes.
// Source: passwd(5), group(5).
#ifndef TINY_SECURITY_USER_H_
#define TINY_SECURITY_USER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tiny::security {

struct ResolvedUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
  // Supplementary groups, sorted; the primary one is always among them, so that a file which
  // denies access to that group stays denied (CVE-2022-36109).
  std::vector<uint32_t> additional_gids;
  std::string name;        // of the passwd entry; empty where there is none
  std::string home = "/";  // of the passwd entry
};

// `spec` is "", "user", "uid", "user:group", "uid:gid", ...; empty is user 0, an empty group none.
// With an explicit group the user's groups of /etc/group are not added. `group_add` (names or
// numbers) always is. kInvalidArgument for a malformed spec, kNotFound for a name that is in
// neither file.
absl::StatusOr<ResolvedUser> ResolveUser(absl::string_view spec,
                                         absl::Span<const std::string> group_add,
                                         absl::string_view passwd, absl::string_view group);

}  // namespace tiny::security

#endif  // TINY_SECURITY_USER_H_
