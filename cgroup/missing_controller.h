// Why a limit cannot be had here, and what would make it possible.
#ifndef TINY_CGROUP_MISSING_CONTROLLER_H_
#define TINY_CGROUP_MISSING_CONTROLLER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cgroup/hierarchy.h"

namespace tiny::cgroup {

struct MissingController {
  absl::string_view controller;  // "memory", "io" or "blkio"
  Mode mode = Mode::kUnified;
  // Of the unified tree: the first cgroup, from the top, that does not offer it; empty where there
  // is no tree for it at all. `at_root`: that cgroup is the system's root.
  absl::string_view cgroup;
  bool at_root = false;
};

// kFailedPrecondition with a hint. Pure: `proc_cgroups` is the text of /proc/cgroups.
absl::Status ExplainMissingController(const MissingController& missing,
                                      absl::string_view proc_cgroups);

}  // namespace tiny::cgroup

#endif  // TINY_CGROUP_MISSING_CONTROLLER_H_
