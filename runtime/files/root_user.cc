#include "runtime/files/root_user.h"

#include "base/posix_status.h"
#include "base/status_macros.h"
#include "fs/rooted_dir.h"

namespace tiny::runtime {

absl::StatusOr<security::ResolvedUser> ResolveUserOfRoot(const state::ContainerConfig& config) {
  constexpr size_t kMaxSize = 1 << 20;
  ASSIGN_OR_RETURN(const fs::RootedDir root, fs::RootedDir::Open(config.rootfs));
  absl::StatusOr<security::ResolvedUser> user = security::ResolveUser(
      config.user, config.group_add, root.ReadFile("/etc/passwd", kMaxSize).value_or(""),
      root.ReadFile("/etc/group", kMaxSize).value_or(""));
  if (!user.ok()) return Annotate(user.status(), "--user");
  return user;
}

}  // namespace tiny::runtime
