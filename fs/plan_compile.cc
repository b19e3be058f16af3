#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "fs/clean_path.h"
#include "fs/mount_syscalls_child.h"
#include "fs/plan_compiler.h"

namespace tiny::fs {
namespace {

constexpr struct {
  const char* path;
  const char* target;
} kStandardLinks[] = {
    {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
    {"/dev/ptmx", "pts/ptmx"},
};

// Masked paths that are directories on most kernels; the child finds out where they are not.
constexpr absl::string_view kUsualDirectories[] = {"/proc/acpi",    "/proc/asound",
                                                   "/proc/scsi",    "/sys/devices/virtual/powercap",
                                                   "/sys/firmware", "/sys/fs/selinux"};

bool IsUsuallyDirectory(absl::string_view path) {
  return std::find(std::begin(kUsualDirectories), std::end(kUsualDirectories), path) !=
             std::end(kUsualDirectories) ||
         IsBeneath(path, "/sys/devices/system/cpu");
}

}  // namespace

std::vector<DeviceNode> DefaultDevices() {
  constexpr mode_t kMode = S_IFCHR | 0666;
  return {{"/dev/null", kMode, makedev(1, 3)},    {"/dev/zero", kMode, makedev(1, 5)},
          {"/dev/full", kMode, makedev(1, 7)},    {"/dev/random", kMode, makedev(1, 8)},
          {"/dev/urandom", kMode, makedev(1, 9)}, {"/dev/tty", kMode, makedev(5, 0)}};
}

absl::Status PlanCompiler::Run() {
  out_.user_namespace = plan_.user_namespace;
  out_.root_readonly = plan_.root.readonly;
  out_.root_propagation = plan_.root.propagation;
  out_.no_pivot = plan_.root.no_pivot;
  // (The child's chdir(2) tells what is wrong with another.)
  std::string cwd = CleanPath(plan_.working_directory).value_or("/");
  if (cwd.size() > 1) out_.working_directory = out_.Keep(std::move(cwd));
  RETURN_IF_ERROR(AddRoot());
  out_.mounts.reserve(plan_.mounts.size());
  for (const Mount& mount : plan_.mounts) RETURN_IF_ERROR(AddMount(mount));
  RETURN_IF_ERROR(AddDevices());
  RETURN_IF_ERROR(AddConsole());
  RETURN_IF_ERROR(AddPaths(plan_.masked_paths, out_.masked));
  // So that the working directory changes once for each anchor; first come those with mounts in
  // them.
  std::stable_sort(
      out_.masked.begin(), out_.masked.end(),
      [](const PathStep& a, const PathStep& b) { return a.place.anchor < b.place.anchor; });
  RETURN_IF_ERROR(AddPaths(plan_.readonly_paths, out_.readonly));
  if (!plan_.label.empty()) out_.mask_data = out_.Keep(ContextOption());
  for (PathStep& path : out_.readonly) path.in_bare_anchor = IsInBareAnchor(path.place);
  return out_.masked.empty() ? absl::OkStatus() : ChooseNull();
}

bool PlanCompiler::DevIsTheHosts() const {
  bool bound = false;
  for (const MountStep& step : out_.mounts) {
    if (absl::string_view(step.target.path) == "/dev") bound = step.kind == MountStep::Kind::kTree;
  }
  return bound;
}

absl::Status PlanCompiler::AddDevice(const DeviceNode& device) {
  const mode_t type = device.mode & S_IFMT;
  if (type != S_IFCHR && type != S_IFBLK && type != S_IFIFO) {
    return absl::InvalidArgumentError(
        absl::StrCat("device ", device.path, ": neither a device nor a fifo"));
  }
  DeviceStep& step = out_.devices.emplace_back();
  ASSIGN_OR_RETURN(step.place, PlaceOf(device.path));
  if (absl::string_view(step.place.path) == "/") {
    return absl::InvalidArgumentError(absl::StrCat("device ", device.path, ": not a file name"));
  }
  step.mode = device.mode;
  step.number = device.number;
  step.uid = device.uid;
  step.gid = device.gid;
  if (plan_.user_namespace && type != S_IFIFO) step.host_path = step.place.path;
  return absl::OkStatus();
}

absl::Status PlanCompiler::AddDevices() {
  if (DevIsTheHosts()) return absl::OkStatus();
  out_.devices.reserve(plan_.devices.size());
  for (const DeviceNode& device : plan_.devices) RETURN_IF_ERROR(AddDevice(device));
  if (plan_.standard_links) {
    for (const auto& link : kStandardLinks) {
      LinkStep& step = out_.links.emplace_back();
      ASSIGN_OR_RETURN(step.place, PlaceOf(link.path));
      step.target = link.target;
    }
  }
  for (const Link& link : plan_.links) {
    LinkStep& step = out_.links.emplace_back();
    ASSIGN_OR_RETURN(step.place, PlaceOf(link.path));
    step.target = out_.Keep(link.target);
  }
  return absl::OkStatus();
}

absl::Status PlanCompiler::AddConsole() {
  if (plan_.console_master == nullptr || plan_.console_slave == nullptr) return absl::OkStatus();
  out_.console.master = plan_.console_master;
  out_.console.slave = plan_.console_slave;
  ASSIGN_OR_RETURN(out_.console.ptmx, PlaceOf("/dev/pts/ptmx"));
  ASSIGN_OR_RETURN(out_.console.console, PlaceOf("/dev/console"));
  return absl::OkStatus();
}

absl::Status PlanCompiler::AddPaths(const std::vector<std::string>& paths,
                                    std::vector<PathStep>& steps) {
  steps.reserve(paths.size());
  for (const std::string& path : paths) {
    PathStep& step = steps.emplace_back();
    ASSIGN_OR_RETURN(step.place, PlaceOf(path));
    step.probably_directory = IsUsuallyDirectory(step.place.path);
    // Nothing mounted over the root covers it for those who are in it.
    if (&steps == &out_.readonly && step.place.path[1] == '\0') {
      out_.root_readonly = true;
      steps.pop_back();
    }
  }
  return absl::OkStatus();
}

bool PlanCompiler::IsInBareAnchor(const Place& place) const {
  const MountStep* anchor = nullptr;
  for (const MountStep& step : out_.mounts) {
    if (step.slot != kNoAnchor && step.slot == place.anchor) {
      anchor = &step;
    } else if (anchor != nullptr && IsBeneath(step.target.path, anchor->target.path)) {
      return false;
    }
  }
  // Devices may be bound into a tmpfs.
  return anchor != nullptr && anchor->type != absl::string_view("tmpfs") &&
         (anchor->flags & MS_RDONLY) == 0;
}

absl::Status PlanCompiler::ChooseNull() {
  for (const DeviceStep& device : out_.devices) {
    const absl::string_view path = device.place.path;
    const bool is_new = device.place.anchor_is_writable && device.host_path == nullptr;
    if (path == "/dev/null" && is_new && S_ISCHR(device.mode) && device.number == makedev(1, 3)) {
      const bool is_covered =
          std::any_of(out_.mounts.begin(), out_.mounts.end(),
                      [&](const MountStep& step) { return step.target.path == path; });
      if (is_covered) break;
      out_.null_device = device.place;
      return absl::OkStatus();
    }
  }
  return OpenNull();
}

absl::Status PlanCompiler::OpenNull() {
  const long tree =
      CloneTree(AT_FDCWD, "/dev/null", 0, Attributes(MOUNT_ATTR_RDONLY, 0, MS_PRIVATE));
  if (tree == -EPERM && plan_.user_namespace) return absl::OkStatus();
  if (tree < 0) return PosixStatus(static_cast<int>(-tree), "open_tree /dev/null");
  out_.null_tree = out_.Keep(UniqueFd(static_cast<int>(tree)));
  struct stat file = {};
  if (fstat(out_.null_tree, &file) != 0) return PosixStatus(errno, "fstat /dev/null");
  if (!S_ISCHR(file.st_mode) || file.st_rdev != makedev(1, 3)) {
    return absl::FailedPreconditionError("/dev/null of the host is not the null device (1:3)");
  }
  return absl::OkStatus();
}

void CompiledMountsDeleter::operator()(const CompiledMounts* mounts) const { delete mounts; }

absl::StatusOr<CompiledMountsPtr> Compile(const MountPlan& plan) {
  auto mounts = std::make_unique<CompiledMounts>();
  RETURN_IF_ERROR(PlanCompiler(plan, *mounts).Run());
  return CompiledMountsPtr(mounts.release());
}

}  // namespace tiny::fs
