#include "cgroup/missing_controller.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/posix_status.h"

namespace tiny::cgroup {
namespace {

// A line of /proc/cgroups: "memory 4 16 1", the last being whether it is enabled at boot.
struct KernelController {
  bool built_in = false;
  bool enabled = false;
  bool on_version_1 = false;
};

KernelController FindController(absl::string_view proc_cgroups, absl::string_view controller) {
  const absl::string_view kernel_name = controller == "io" ? "blkio" : controller;
  for (const absl::string_view line : absl::StrSplit(proc_cgroups, '\n')) {
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (fields.size() != 4 || fields[0] != kernel_name) continue;
    return {.built_in = true, .enabled = fields[3] == "1", .on_version_1 = fields[1] != "0"};
  }
  return {};
}

std::string Hint(const MissingController& missing, const KernelController& kernel) {
  const absl::string_view name = missing.controller;
  if (!missing.cgroup.empty() && !missing.at_root) {
    const absl::string_view parent = missing.cgroup.substr(0, missing.cgroup.rfind('/'));
    return absl::StrCat("write +", name, " to ", parent,
                        "/cgroup.subtree_control, or with systemd set Delegate=yes in the unit "
                        "that owns ",
                        missing.cgroup);
  }
  if (!kernel.built_in) {
    return absl::StrCat("this kernel was built without it, or booted with cgroup_disable=", name);
  }
  if (!kernel.enabled) {
    return absl::StrCat("boot with cgroup_enable=", name, " and without cgroup_disable=", name,
                        " on the kernel's command line");
  }
  if (!missing.cgroup.empty()) {
    return kernel.on_version_1 ? "version 1 of cgroups has it mounted: unmount it there"
                               : "this kernel has it for version 1 of cgroups only";
  }
  return absl::StrCat("mount -t cgroup -o ", name, " cgroup /sys/fs/cgroup/", name);
}

}  // namespace

absl::Status ExplainMissingController(const MissingController& missing,
                                      absl::string_view proc_cgroups) {
  const std::string where = missing.cgroup.empty()
                                ? std::string("it is not mounted")
                                : absl::StrCat(missing.cgroup, "/cgroup.controllers lacks it");
  return WithHint(
      absl::FailedPreconditionError(absl::StrCat("no ", missing.controller, " controller (cgroup ",
                                                 ModeName(missing.mode), "): ", where)),
      Hint(missing, FindController(proc_cgroups, missing.controller)));
}

}  // namespace tiny::cgroup
