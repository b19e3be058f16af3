// What Compile makes and the child applies: see mount_plan.h.
//
// A mount whose file system is new and empty, or the kernel's own (tmpfs, proc, sysfs), is an
// "anchor": nobody else has ever put a symbolic link there, so that what goes beneath it is reached
// from its descriptor by a plain relative path, in one system call. Everything else is resolved in
// the root by openat2(2).
#ifndef TINY_FS_COMPILED_MOUNTS_H_
#define TINY_FS_COMPILED_MOUNTS_H_

#include <sys/mount.h>
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "fs/mount_plan.h"

namespace tiny::fs {

inline constexpr int kMaxAnchors = 32;
inline constexpr int kNoAnchor = -1;

// A place in the container.
struct Place {
  const char* path = nullptr;      // absolute, clean
  const char* relative = nullptr;  // to the anchor
  int anchor = kNoAnchor;
  bool anchor_is_writable = false;  // a tmpfs: what is missing can be made
};

struct MountStep {
  enum class Kind {
    kTree,     // a bind mount: `tree`, or a clone of `source` made by the child
    kNew,      // a file system that is mounted by one mount(2) on a pinned directory
    kMoved,    // one that is opened before it goes to its place, as its descriptor is needed
    kSymlink,  // a symbolic link to `source`
  };
  Kind kind = Kind::kNew;
  Place target;
  const char* type = nullptr;
  const char* source = nullptr;
  const char* what = nullptr;  // for errors: "mount proc on /proc"
  int slot = kNoAnchor;        // where its descriptor is kept, if it is an anchor

  int tree = -1;
  unsigned clone_flags = 0;  // kRecursive
  mount_attr first = {};     // applied with the clone
  mount_attr second = {};    // then, to the mount alone
  bool target_is_file = false;

  unsigned long flags = 0;     // MS_*, for kNew and kMoved
  const char* data = nullptr;  // likewise
  std::string_view label;      // of the root directory, for kMoved; empty: none is set

  bool ordinary_directory = false;  // proc, sysfs: no symbolic link on the way
  bool may_cover_proc = false;      // the target is one that is allowed in procfs
  bool late_readonly = false;       // made read-only when all that goes into it is there
  bool copy_up = false;
  bool takes_mode = false;  // a tmpfs that is told none: the mode of the directory that it covers
};

struct RootStep {
  int tree = -1;
  const char* path = nullptr;
  mount_attr attributes = {};
  bool in_place = false;
  bool overlay = false;
  bool upper_on_tmpfs = false;
  mode_t upper_mode = 0755;  // of the topmost lower directory
  uid_t upper_uid = 0;
  gid_t upper_gid = 0;
  int* upper_descriptor = nullptr;
  const char* overlay_data = nullptr;  // for mount(2)
  bool lower_by_descriptor = false;    // its lower directories are names in /proc/self/fd
};

struct DeviceStep {
  Place place;
  const char* host_path = nullptr;  // bound in a user namespace
  mode_t mode = 0;
  dev_t number = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct LinkStep {
  Place place;
  const char* target = nullptr;
};

struct ConsoleStep {
  int* master = nullptr;
  int* slave = nullptr;
  Place ptmx;
  Place console;
};

struct PathStep {
  Place place;
  bool probably_directory = false;
  bool in_bare_anchor = false;  // which is writable, and has no other mount in it
};

class CompiledMounts {
 public:
  RootStep root;
  bool root_readonly = false;
  Propagation root_propagation;
  const char* working_directory = nullptr;
  bool no_pivot = false;
  bool user_namespace = false;
  // The null device to mask files with: one that is made in a tmpfs of the container's own, else a
  // detached mount of the host's, or -1: the child opens it.
  Place null_device;
  int null_tree = -1;
  std::vector<MountStep> mounts;
  std::vector<DeviceStep> devices;
  std::vector<LinkStep> links;
  ConsoleStep console;
  std::vector<PathStep> masked;
  const char* mask_data = nullptr;  // of the tmpfs on masked directories, for mount(2)
  std::vector<PathStep> readonly;

  // What the pointers and numbers above refer to.
  const char* Keep(std::string text) { return strings.emplace_back(std::move(text)).c_str(); }
  int Keep(UniqueFd fd) { return descriptors.emplace_back(std::move(fd)).get(); }
  std::deque<std::string> strings;
  std::vector<UniqueFd> descriptors;
};

}  // namespace tiny::fs

#endif  // TINY_FS_COMPILED_MOUNTS_H_
