// A process with a file system of its own: fs without the rest of tiny.
//
//   fs_example /srv/rootfs /bin/sh
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/mount_plan.h"

using tiny::ChildResult;
namespace fs = tiny::fs;

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: fs_example ROOTFS PROGRAM [ARGUMENT...]\n");
    return 2;
  }

  // Describe.
  fs::MountPlan plan;
  plan.root.lower_dirs = {argv[1]};  // below an overlay, so that it stays as it is
  plan.mounts = {
      {.type = "proc", .source = "proc", .target = "/proc", .options = {}},
      {.type = "tmpfs",
       .source = "tmpfs",
       .target = "/dev",
       .options = fs::ParseMountOptions({"nosuid", "mode=755"}).value()},
      {.type = "devpts",
       .source = "devpts",
       .target = "/dev/pts",
       .options = fs::ParseMountOptions({"noexec", "newinstance", "ptmxmode=0666"}).value()},
  };
  plan.devices = fs::DefaultDevices();
  plan.masked_paths = {"/proc/keys", "/proc/kcore"};
  plan.readonly_paths = {"/proc/sys"};

  // Compile, while the host's paths are in reach and memory may be allocated.
  const absl::StatusOr<fs::CompiledMountsPtr> mounts = fs::Compile(plan);
  if (!mounts.ok()) {
    fprintf(stderr, "%s\n", std::string(mounts.status().message()).c_str());
    return 1;
  }

  // Apply: by system calls only, so it might as well be a child that shares our memory.
  if (unshare(CLONE_NEWNS) != 0) {
    perror("unshare");
    return 1;
  }
  ChildResult result = fs::ApplyMountsInChild(mounts->get());
  if (result.ok()) result = fs::PivotRootInChild(mounts->get());
  if (!result.ok()) {
    fprintf(stderr, "%s: %s\n", result.detail, strerror(result.error_number));
    return 1;
  }
  execv(argv[2], argv + 2);
  perror(argv[2]);
  return 127;
}
