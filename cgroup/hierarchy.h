// Where this machine keeps its cgroups: version 2, version 1, or both at once.
//
//   ASSIGN_OR_RETURN(const Hierarchy hierarchy, Hierarchy::Detect());
//   if (hierarchy.mode() == Mode::kHybrid) ...
//
// Sources: cgroups(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cgroups.rst of Linux.
#ifndef TINY_CGROUP_HIERARCHY_H_
#define TINY_CGROUP_HIERARCHY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::cgroup {

enum class Mode {
  kUnified,  // version 2 alone: one tree with all controllers
  kHybrid,   // controllers on version 1, and a version 2 tree beside them
  kLegacy,   // version 1 alone: a tree for each controller, or for a few together
};

absl::string_view ModeName(Mode mode);  // "v2", "hybrid", "v1"

// One mounted tree of version 1.
struct LegacyTree {
  std::string mount_point;               // "/sys/fs/cgroup/cpu,cpuacct"
  std::vector<std::string> controllers;  // "cpu", "cpuacct"; "name=systemd" for a named tree

  bool operator==(const LegacyTree&) const = default;
};

// Immutable, so thread-safe.
class Hierarchy {
 public:
  // Asks the kernel. kFailedPrecondition, with a hint, where no cgroup file system is mounted.
  static absl::StatusOr<Hierarchy> Detect();

  // From the text of /proc/self/mountinfo. `root` is put before each mount point found, so that a
  // test may keep its trees in a folder; the files read there are the unified tree's
  // cgroup.controllers.
  static absl::StatusOr<Hierarchy> FromMountInfo(absl::string_view mount_info,
                                                 absl::string_view root = "");

  // Itself, with no other version 1 trees than these.
  Hierarchy WithLegacy(std::vector<LegacyTree> legacy) const;

  // What FromMountInfo makes it from again: to keep it. But the mode of one that is left no version
  // 1 controllers is then kUnified.
  std::string MountInfo() const;

  Mode mode() const { return mode_; }

  // The mount point of the version 2 tree; empty with kLegacy.
  const std::string& unified() const { return unified_; }
  // The controllers that its root offers, none on most hybrid machines: read at each call, as
  // hardly a start has to know. None where they can't be read.
  std::vector<std::string> UnifiedControllers() const;

  const std::vector<LegacyTree>& legacy() const { return legacy_; }

  // The version 1 tree of a controller, or nullptr.
  const LegacyTree* FindLegacy(absl::string_view controller) const;

  // Every controller that a limit can be set with, by its version 2 name where it has one ("io",
  // not "blkio"), sorted; "devices" and "freezer" too, which version 2 does by other means.
  std::vector<std::string> Controllers() const;

 private:
  Mode mode_ = Mode::kLegacy;
  std::string unified_;
  std::vector<LegacyTree> legacy_;
};

// Checks the path of a cgroup: absolute, no "." or "..", no empty or over-long component, no
// control characters. kInvalidArgument else, naming the path.
absl::Status ValidateCgroupPath(absl::string_view path);

}  // namespace tiny::cgroup

#endif  // TINY_CGROUP_HIERARCHY_H_
