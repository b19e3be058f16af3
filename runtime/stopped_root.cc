#include "runtime/stopped_root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/child_step.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "fs/mount_options.h"
#include "fs/mount_plan.h"
#include "fs/rooted_dir.h"
#include "runtime/files/container_files.h"

namespace tiny::runtime {
namespace {

using state::MountConfig;

ptrdiff_t Depth(const fs::Mount& mount) {
  return std::count(mount.target.begin(), mount.target.end(), '/');
}

absl::StatusOr<fs::MountPlan> PlanOf(const state::ContainerConfig& config,
                                     const std::vector<std::string>& sources) {
  fs::MountPlan plan;
  plan.standard_links = false;
  plan.root.readonly = config.read_only || config.rootfs_overlay;
  if (config.rootfs_overlay) {
    plan.root.lower_dirs = {config.rootfs};
  } else {
    plan.root.path = config.rootfs;
  }
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].empty()) continue;
    const MountConfig& mount = config.mounts[i];
    std::vector<std::string> options = {mount.recursive ? "rbind" : "bind", "rprivate"};
    if (mount.read_only) options.push_back(mount.recursive ? "rro" : "ro");
    fs::Mount planned;
    planned.type = "bind";
    planned.source = sources[i];
    planned.target = mount.destination;
    ASSIGN_OR_RETURN(planned.options, fs::ParseMountOptions(options));
    plan.mounts.push_back(std::move(planned));
  }
  std::stable_sort(plan.mounts.begin(), plan.mounts.end(),
                   [](const fs::Mount& a, const fs::Mount& b) { return Depth(a) < Depth(b); });
  return plan;
}

ChildResult MountAll(const fs::CompiledMounts* mounts) {
  if (unshare(CLONE_NEWNS) != 0) return ChildError(errno, "make a mount namespace");
  ChildResult result = fs::ApplyMountsInChild(mounts);
  if (result.ok()) result = fs::PivotRootInChild(mounts);
  return result;
}

// What the child has mounted, while it waits.
absl::StatusOr<StoppedRoot> OpenMounted(int socket, pid_t child) {
  ChildResult result;
  const ssize_t got = recv(socket, &result, sizeof(result), MSG_WAITALL);
  if (got != sizeof(result)) {
    return absl::InternalError("the child that mounts a container's volumes was killed");
  }
  if (!result.ok()) return PosixStatus(result.error_number, result.detail);
  ASSIGN_OR_RETURN(const UniqueFd pidfd, OpenPidfd(child));
  ASSIGN_OR_RETURN(const fs::RootedDir root, OpenProcessRoot(child, pidfd.get()));
  StoppedRoot opened;
  ASSIGN_OR_RETURN(opened.root, root.OpenIn("/", O_PATH | O_DIRECTORY));
  ASSIGN_OR_RETURN(opened.mounts, OpenFile(absl::StrCat("/proc/", child, "/ns/mnt"), O_RDONLY));
  return opened;
}

}  // namespace

absl::StatusOr<StoppedRoot> OpenStoppedRoot(const state::ContainerConfig& config,
                                            const std::vector<std::string>& sources) {
  if (config.rootfs.empty()) return absl::UnimplementedError("images are not supported yet");
  ASSIGN_OR_RETURN(const fs::MountPlan plan, PlanOf(config, sources));
  if (plan.mounts.empty()) {
    StoppedRoot opened;
    ASSIGN_OR_RETURN(opened.root, OpenFile(config.rootfs, O_PATH | O_DIRECTORY));
    return opened;
  }
  ASSIGN_OR_RETURN(const fs::CompiledMountsPtr mounts, fs::Compile(plan));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return PosixStatus(errno, "make a socket pair");
  }
  UniqueFd parent(ends[0]);
  const UniqueFd own(ends[1]);
  const pid_t child = fork();
  if (child < 0) return PosixStatus(errno, "fork");
  if (child == 0) {
    parent.Reset();
    const ChildResult result = MountAll(mounts.get());
    char end = 0;
    // Until the parent has what it wants, or is dead.
    if (send(own.get(), &result, sizeof(result), MSG_NOSIGNAL) > 0) {
      while (recv(own.get(), &end, 1, 0) < 0 && errno == EINTR) {
      }
    }
    _exit(0);
  }
  absl::StatusOr<StoppedRoot> opened = OpenMounted(parent.get(), child);
  parent.Reset();
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return opened;
}

}  // namespace tiny::runtime
