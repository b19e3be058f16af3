// The work of Compile (mount_plan.h): a MountPlan into CompiledMounts.
#ifndef TINY_FS_PLAN_COMPILER_H_
#define TINY_FS_PLAN_COMPILER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fs/compiled_mounts.h"
#include "fs/mount_plan.h"

namespace tiny::fs {

class PlanCompiler {
 public:
  PlanCompiler(const MountPlan& plan, CompiledMounts& out) : plan_(plan), out_(out) {}
  absl::Status Run();

 private:
  // root_compile.cc
  absl::Status AddRoot();
  absl::Status AddOverlay();

  // mount_compile.cc
  absl::Status AddMount(const Mount& mount);
  absl::Status AddBind(const Mount& mount, absl::string_view target, MountStep& step);
  absl::Status AddNew(const Mount& mount, absl::string_view target, MountStep& step);
  std::string ContextOption() const { return absl::StrCat("context=\"", plan_.label, "\""); }
  // Keeps the mount's descriptor while the mounts are made; false: there are too many.
  bool GiveSlot(MountStep& step);
  // The place of `path` among the mounts so far.
  absl::StatusOr<Place> PlaceOf(absl::string_view path);

  // plan_compile.cc
  bool DevIsTheHosts() const;
  absl::Status AddDevice(const DeviceNode& device);
  absl::Status AddDevices();
  absl::Status AddConsole();
  absl::Status AddPaths(const std::vector<std::string>& paths, std::vector<PathStep>& steps);
  bool IsInBareAnchor(const Place& place) const;
  absl::Status ChooseNull();
  absl::Status OpenNull();

  const MountPlan& plan_;
  CompiledMounts& out_;
  int slots_ = 0;
};

}  // namespace tiny::fs

#endif  // TINY_FS_PLAN_COMPILER_H_
