#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "cgroup/device_program.h"
#include "cgroup/missing_controller.h"
#include "cgroup/subtree_control.h"

namespace tiny::cgroup {
namespace {

// Of version 2: had for their counters wherever that is possible.
constexpr const char* kCounting[] = {"memory", "pids", "io"};
constexpr const char* kLegacyCounting[] = {"memory", "cpu", "cpuacct", "pids", "blkio"};

constexpr char kAdditions[] = "tiny.more";  // see MarkAdditions

absl::string_view LegacyName(absl::string_view controller) {
  return controller == "io" ? "blkio" : controller;
}

// A new directory, or one left behind with no process in it. (In a tree of cgroups there is no
// symbolic link for mkdir to follow, and the path was checked to have no "..".)
absl::StatusOr<Directory> MakeEmpty(const std::string& mount_point, absl::string_view path) {
  const std::string whole = absl::StrCat(mount_point, path);
  if (mkdir(whole.c_str(), 0755) == 0) {
    absl::StatusOr<Directory> made = OpenCgroup(mount_point, path);
    if (!made.ok()) rmdir(whole.c_str());
    return made;
  }
  if (errno == ENOENT) {
    ASSIGN_OR_RETURN(const Directory root, OpenRoot(mount_point));
    RETURN_IF_ERROR(MakeBeneath(root, SplitLast(path).first).status());
    return MakeEmpty(mount_point, path);
  }
  if (errno != EEXIST) return PosixStatus(errno, absl::StrCat("make cgroup ", whole));
  // Made anew it has no old limits; rmdir fails where it has children or processes.
  if (rmdir(whole.c_str()) == 0) return MakeEmpty(mount_point, path);
  ASSIGN_OR_RETURN(Directory leaf, OpenCgroup(mount_point, path));
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, ReadPidsOfTree(leaf));
  if (!pids.empty()) {
    return absl::AlreadyExistsError(
        absl::StrCat("cgroup ", leaf.path, " has processes in it already, such as ", pids[0]));
  }
  return leaf;
}

// A version 1 cpuset takes no process until both of its lists are filled.
absl::Status InheritCpuset(const Directory& parent, const Directory& child) {
  for (const absl::string_view file : {"cpuset.cpus", "cpuset.mems"}) {
    ASSIGN_OR_RETURN(const std::string own, ReadFileAt(child.fd.get(), file));
    if (!absl::StripAsciiWhitespace(own).empty()) continue;
    ASSIGN_OR_RETURN(const std::string value, ReadFileAt(parent.fd.get(), file));
    RETURN_IF_ERROR(Annotate(
        WriteControlFileAt(child.fd.get(), file, absl::StripAsciiWhitespace(value)), child.path));
  }
  return absl::OkStatus();
}

absl::Status InheritCpusets(absl::string_view mount_point, absl::string_view path) {
  ASSIGN_OR_RETURN(const Directory root, OpenRoot(mount_point));
  ASSIGN_OR_RETURN(Directory parent, OpenBeneath(root, ""));
  for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    ASSIGN_OR_RETURN(Directory child, OpenBeneath(parent, name));
    RETURN_IF_ERROR(InheritCpuset(parent, child));
    parent = std::move(child);
  }
  return absl::OkStatus();
}

std::vector<std::string> UnifiedControllers(const std::vector<ControlWrite>& writes) {
  std::vector<std::string> names;
  for (const ControlWrite& write : writes) {
    if (write.version == Version::kV2 && write.controller != "cgroup" &&
        std::find(names.begin(), names.end(), write.controller) == names.end()) {
      names.push_back(write.controller);
    }
  }
  return names;
}

absl::Status WritePid(const Directory& directory, pid_t pid) {
  return Annotate(WriteControlFileAt(directory.fd.get(), "cgroup.procs", absl::StrCat(pid)),
                  directory.path);
}

}  // namespace

// The file that was written to last: device rules of version 1 are dozens of writes to two files.
class Cgroup::OpenedFile {
 public:
  absl::Status Write(const Directory& directory, const std::string& name, absl::string_view value) {
    if (directory_ != &directory || name_ != name) {
      ASSIGN_OR_RETURN(file_, OpenFileAt(directory.fd.get(), name, O_WRONLY));
      directory_ = &directory;
      name_ = name;
    }
    if (write(file_.get(), value.data(), value.size()) >= 0) return absl::OkStatus();
    return PosixStatus(errno, absl::StrCat("write \"", value, "\" to ", name));
  }

 private:
  const Directory* directory_ = nullptr;
  std::string name_;
  UniqueFd file_;
};

absl::StatusOr<Cgroup> Cgroup::Create(const Hierarchy& hierarchy, absl::string_view path,
                                      const Resources& resources) {
  RETURN_IF_ERROR(ValidateCgroupPath(path));
  Cgroup cgroup;
  cgroup.hierarchy_ = hierarchy;
  cgroup.path_ = std::string(path);
  absl::Cleanup remove = [&] { (void)cgroup.RemoveDirectories(); };
  RETURN_IF_ERROR(cgroup.Make(resources));
  std::move(remove).Cancel();
  return cgroup;
}

absl::StatusOr<Cgroup> Cgroup::Adopt(const Hierarchy& hierarchy, absl::string_view path,
                                     const Resources& resources) {
  RETURN_IF_ERROR(ValidateCgroupPath(path));
  Cgroup cgroup;
  cgroup.hierarchy_ = hierarchy;
  cgroup.path_ = std::string(path);
  cgroup.adopts_ = true;
  RETURN_IF_ERROR(cgroup.Make(resources));
  RETURN_IF_ERROR(cgroup.OpenNamedTree());
  return cgroup;
}

absl::Status Cgroup::Make(const Resources& resources) {
  ASSIGN_OR_RETURN(
      const std::vector<ControlWrite> writes,
      RenderControlWrites(resources, [&](absl::string_view c) { return VersionOf(c); }));
  RETURN_IF_ERROR(MakeUnified(writes));
  if (hierarchy_.unified().empty()) RETURN_IF_ERROR(AddLegacy("freezer").status());
  RETURN_IF_ERROR(AddLegacyFor(writes).status());
  for (const char* controller : kLegacyCounting) {
    if (!resources.count_usage || hierarchy_.FindLegacy(controller) == nullptr) continue;
    RETURN_IF_ERROR(AddLegacy(controller).status());
  }
  // A JVM heeds limits of version 1 only where it finds a cpuset beside them.
  const bool is_limited = std::any_of(writes.begin(), writes.end(), [](const ControlWrite& write) {
    return write.version == Version::kV1;
  });
  if (resources.count_usage && is_limited && hierarchy_.FindLegacy("cpuset") != nullptr) {
    RETURN_IF_ERROR(AddLegacy("cpuset").status());
  }
  RETURN_IF_ERROR(WriteLimits(writes));
  return AttachDevices(resources);
}

absl::StatusOr<Directory> Cgroup::MakeLeaf(const std::string& mount_point) const {
  if (!adopts_) return MakeEmpty(mount_point, path_);
  ASSIGN_OR_RETURN(const Directory root, OpenRoot(mount_point));
  return MakeBeneath(root, path_);
}

absl::Status Cgroup::OpenNamedTree() {
  const LegacyTree* tree = hierarchy_.FindLegacy("name=systemd");
  if (tree == nullptr) return absl::OkStatus();
  absl::StatusOr<Directory> directory = OpenCgroup(tree->mount_point, path_);
  if (absl::IsNotFound(directory.status())) return absl::OkStatus();
  if (!directory.ok()) return directory.status();
  legacy_.push_back({tree->controllers, *std::move(directory)});
  return absl::OkStatus();
}

absl::StatusOr<Cgroup> Cgroup::Open(const Hierarchy& hierarchy, absl::string_view path) {
  RETURN_IF_ERROR(ValidateCgroupPath(path));
  Cgroup cgroup;
  cgroup.hierarchy_ = hierarchy;
  cgroup.path_ = std::string(path);
  bool found = false;
  const auto open = [&](absl::string_view mount_point, Directory& directory) -> absl::Status {
    absl::StatusOr<Directory> opened = OpenCgroup(mount_point, path);
    if (absl::IsNotFound(opened.status())) return absl::OkStatus();
    found = true;
    RETURN_IF_ERROR(opened.status());
    directory = *std::move(opened);
    return absl::OkStatus();
  };
  if (!hierarchy.unified().empty()) {
    RETURN_IF_ERROR(open(hierarchy.unified(), cgroup.unified_));
  }
  for (const LegacyTree& tree : hierarchy.legacy()) {
    if (absl::StartsWith(tree.controllers[0], "name=")) continue;
    LegacyDirectory legacy = {tree.controllers, {}};
    RETURN_IF_ERROR(open(tree.mount_point, legacy.directory));
    if (legacy.directory.fd) cgroup.legacy_.push_back(std::move(legacy));
  }
  RETURN_IF_ERROR(cgroup.OpenNamedTree());
  if (!found) return absl::NotFoundError(absl::StrCat("no cgroup ", path));
  return cgroup;
}

Version Cgroup::VersionOf(absl::string_view controller) const {
  // Version 2 has device rules as BPF programs, for which its tree need not have any controller.
  if (controller == "devices") return hierarchy_.unified().empty() ? Version::kV1 : Version::kV2;
  if (hierarchy_.FindLegacy(LegacyName(controller)) != nullptr) return Version::kV1;
  if (hierarchy_.mode() == Mode::kUnified) return Version::kV2;
  const std::vector<std::string> offered = hierarchy_.UnifiedControllers();
  return std::find(offered.begin(), offered.end(), controller) != offered.end() ? Version::kV2
                                                                                : Version::kV1;
}

absl::Status Cgroup::MakeUnified(const std::vector<ControlWrite>& writes) {
  if (hierarchy_.unified().empty()) return absl::OkStatus();
  // Those that version 1 has are not to be had here.
  std::vector<std::string> counting;
  for (const char* controller : kCounting) {
    if (VersionOf(controller) == Version::kV2) counting.push_back(controller);
  }
  RETURN_IF_ERROR(
      EnableControllers(hierarchy_, SplitLast(path_).first, UnifiedControllers(writes), counting));
  ASSIGN_OR_RETURN(unified_, MakeLeaf(hierarchy_.unified()));
  return absl::OkStatus();
}

absl::Status Cgroup::MissingControllerError(absl::string_view controller) const {
  return ExplainMissingController(
      {.controller = controller, .mode = hierarchy_.mode(), .cgroup = ""},
      ReadFile("/proc/cgroups").value_or(""));
}

absl::StatusOr<bool> Cgroup::AddLegacy(absl::string_view controller) {
  if (Find(controller, Version::kV1) != nullptr) return false;
  const LegacyTree* tree = hierarchy_.FindLegacy(controller);
  if (tree == nullptr) return MissingControllerError(controller);
  LegacyDirectory legacy = {tree->controllers, {}};
  ASSIGN_OR_RETURN(legacy.directory, MakeLeaf(tree->mount_point));
  legacy_.push_back(std::move(legacy));
  for (const std::string& together : tree->controllers) {
    if (together == "cpuset") RETURN_IF_ERROR(InheritCpusets(tree->mount_point, path_));
  }
  return true;
}

absl::StatusOr<bool> Cgroup::AddLegacyFor(const std::vector<ControlWrite>& writes) {
  bool added = false;
  for (const ControlWrite& write : writes) {
    if (write.version != Version::kV1) continue;
    ASSIGN_OR_RETURN(const bool is_new, AddLegacy(write.controller));
    added = added || is_new;
  }
  return added;
}

absl::Status Cgroup::MarkAdditions(const std::vector<ControlWrite>& writes) const {
  const bool adds = std::any_of(writes.begin(), writes.end(), [this](const ControlWrite& write) {
    return write.version == Version::kV1 && Find(write.controller, Version::kV1) == nullptr;
  });
  if (!adds || mkdirat(Tracking().fd.get(), kAdditions, 0755) == 0 || errno == EEXIST) {
    return absl::OkStatus();
  }
  return PosixStatus(errno, absl::StrCat("make cgroup ", Tracking().path, "/", kAdditions));
}

absl::Status Cgroup::WriteLimits(const std::vector<ControlWrite>& writes) const {
  OpenedFile file;
  // Some limits bound each other (memory and memory with swap, quota and period), so that the order
  // in which the kernel takes them depends on the old values: what it refused is tried again.
  std::vector<const ControlWrite*> refused;
  for (const ControlWrite& write : writes) {
    const absl::Status status = WriteLimit(write, file);
    if (status.ok()) continue;
    if (GetErrno(status) != EINVAL) return status;
    refused.push_back(&write);
  }
  for (const ControlWrite* write : refused) RETURN_IF_ERROR(WriteLimit(*write, file));
  return absl::OkStatus();
}

absl::Status Cgroup::WriteLimit(const ControlWrite& write, OpenedFile& file) const {
  const Directory* directory = Find(write.controller, write.version);
  if (directory == nullptr) return MissingControllerError(write.controller);
  absl::Status status = file.Write(*directory, write.file, write.value);
  if (GetErrno(status) != ENOENT) return Annotate(status, directory->path);
  if (!write.fallback_file.empty()) {
    const absl::Status fallback = file.Write(*directory, write.fallback_file, write.fallback_value);
    if (GetErrno(fallback) != ENOENT) return Annotate(fallback, directory->path);
  }
  if (write.optional) return absl::OkStatus();
  return WithHint(Annotate(status, directory->path),
                  absl::StrCat("this kernel was built or booted without ", write.file));
}

absl::Status Cgroup::AttachDevices(const Resources& resources) {
  if (resources.devices.empty() || VersionOf("devices") == Version::kV1) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<bpf_insn> program, CompileDeviceProgram(resources.devices));
  absl::StatusOr<UniqueFd> attached = AttachDeviceProgram(unified_.fd.get(), program);
  if (attached.ok()) {
    device_program_ = *std::move(attached);
    return absl::OkStatus();
  }
  if (hierarchy_.FindLegacy("devices") == nullptr) return attached.status();
  Resources devices;
  devices.devices = resources.devices;
  ASSIGN_OR_RETURN(const std::vector<ControlWrite> writes,
                   RenderControlWrites(devices, [](absl::string_view) { return Version::kV1; }));
  RETURN_IF_ERROR(AddLegacyFor(writes).status());
  return WriteLimits(writes);
}

const Directory* Cgroup::Find(absl::string_view controller, Version version) const {
  if (version == Version::kV2) return unified_.fd ? &unified_ : nullptr;
  for (const LegacyDirectory& legacy : legacy_) {
    for (const std::string& name : legacy.controllers) {
      if (name == controller) return &legacy.directory;
    }
  }
  return nullptr;
}

const Directory& Cgroup::Tracking() const {
  if (unified_.fd) return unified_;
  const Directory* freezer = Find("freezer", Version::kV1);
  return freezer != nullptr ? *freezer : legacy_[0].directory;
}

absl::string_view Cgroup::TrackingTree(const Hierarchy& hierarchy) {
  if (!hierarchy.unified().empty()) return hierarchy.unified();
  const LegacyTree* freezer = hierarchy.FindLegacy("freezer");
  return freezer != nullptr ? absl::string_view(freezer->mount_point) : "";
}

bool Cgroup::IsAllIn(const Hierarchy& own_trees, absl::string_view path) {
  const std::string tracking = absl::StrCat(TrackingTree(own_trees), path);
  return PathExists(tracking) && !PathExists(absl::StrCat(tracking, "/", kAdditions));
}

std::vector<LegacyTree> Cgroup::LegacyTrees() const {
  std::vector<LegacyTree> trees;
  for (const LegacyDirectory& legacy : legacy_) {
    const LegacyTree* tree = hierarchy_.FindLegacy(legacy.controllers[0]);
    if (tree != nullptr) trees.push_back(*tree);
  }
  return trees;
}

absl::StatusOr<std::vector<UniqueFd>> Cgroup::OpenLegacyTasks() const {
  std::vector<UniqueFd> files;
  for (const LegacyDirectory& legacy : legacy_) {
    absl::StatusOr<UniqueFd> file = OpenFileAt(legacy.directory.fd.get(), "tasks", O_WRONLY);
    if (!file.ok()) return Annotate(file.status(), legacy.directory.path);
    files.push_back(*std::move(file));
  }
  return files;
}

absl::Status Cgroup::EnterLegacy(pid_t pid) const {
  for (const LegacyDirectory& legacy : legacy_) RETURN_IF_ERROR(WritePid(legacy.directory, pid));
  return absl::OkStatus();
}

absl::Status Cgroup::Enter(pid_t pid) const {
  if (unified_.fd) RETURN_IF_ERROR(WritePid(unified_, pid));
  return EnterLegacy(pid);
}

absl::Status Cgroup::CheckMemoryLimit(const Resources& resources) const {
  if (!resources.memory_limit || *resources.memory_limit < 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Stats stats, ReadStats());
  const auto limit = static_cast<uint64_t>(*resources.memory_limit);
  if (stats.memory_usage <= limit) return absl::OkStatus();
  return WithHint(
      absl::FailedPreconditionError(
          absl::StrCat("memory limit of ", FormatBinaryBytes(limit),
                       " is too low: ", FormatBinaryBytes(stats.memory_usage), " are in use")),
      "the kernel would kill the container's processes; stop it or choose a higher one");
}

absl::StatusOr<Resources> Cgroup::WithMemoryLimit(Resources resources) const {
  const bool limits_swap = resources.memory_swap.value_or(-1) >= 0;
  if (!limits_swap || resources.memory_limit.has_value()) return resources;
  ASSIGN_OR_RETURN(const Stats stats, ReadStats());
  if (stats.memory_limit.has_value()) {
    resources.memory_limit = static_cast<int64_t>(*stats.memory_limit);
  }
  return resources;
}

absl::Status Cgroup::Update(const Resources& wanted) {
  ASSIGN_OR_RETURN(const Resources resources, WithMemoryLimit(wanted));
  ASSIGN_OR_RETURN(
      const std::vector<ControlWrite> writes,
      RenderControlWrites(resources, [&](absl::string_view c) { return VersionOf(c); }));
  RETURN_IF_ERROR(CheckMemoryLimit(resources));
  if (unified_.fd) {
    RETURN_IF_ERROR(
        EnableControllers(hierarchy_, SplitLast(path_).first, UnifiedControllers(writes), {}));
  }
  RETURN_IF_ERROR(MarkAdditions(writes));
  ASSIGN_OR_RETURN(const bool added, AddLegacyFor(writes));
  RETURN_IF_ERROR(WriteLimits(writes));
  // What is forked while the others are moved may stay behind, so once more until all are in.
  std::vector<pid_t> moved;
  while (added) {
    ASSIGN_OR_RETURN(const std::vector<pid_t> pids, Pids());
    if (std::includes(moved.begin(), moved.end(), pids.begin(), pids.end())) break;
    for (const pid_t pid : pids) {
      const absl::Status status = EnterLegacy(pid);
      if (!status.ok() && GetErrno(status) != ESRCH) return status;
    }
    moved = pids;
  }
  return absl::OkStatus();
}

}  // namespace tiny::cgroup
