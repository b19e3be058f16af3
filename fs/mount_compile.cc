#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "fs/clean_path.h"
#include "fs/compiled_mounts.h"
#include "fs/mount_plan.h"
#include "fs/mount_syscalls_child.h"
#include "fs/plan_compiler.h"

namespace tiny::fs {
namespace {

constexpr long kProcMagic = 0x9fa0;

// What lxcfs and its like may put over files of procfs.
constexpr absl::string_view kMayCoverProc[] = {"/proc/cpuinfo",
                                               "/proc/diskstats",
                                               "/proc/loadavg",
                                               "/proc/meminfo",
                                               "/proc/slabinfo",
                                               "/proc/stat",
                                               "/proc/swaps",
                                               "/proc/uptime",
                                               "/proc/sys/crypto/fips_enabled",
                                               "/proc/sys/kernel/ns_last_pid"};

absl::Status CheckProcTarget(const Mount& mount, absl::string_view target, int tree) {
  if (target != "/proc" && !IsBeneath(target, "/proc")) return absl::OkStatus();
  if (std::find(std::begin(kMayCoverProc), std::end(kMayCoverProc), target) !=
      std::end(kMayCoverProc)) {
    return absl::OkStatus();
  }
  if (target == "/proc" && mount.type == "proc") return absl::OkStatus();
  if (target == "/proc" && tree >= 0) {
    struct statfs file_system = {};
    struct stat directory = {};
    if (fstatfs(tree, &file_system) == 0 && fstat(tree, &directory) == 0 &&
        file_system.f_type == kProcMagic && directory.st_ino == 1) {
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("mount on ", target, ": only procfs may be mounted on /proc"));
}

bool IsLabelledByKernel(absl::string_view type) {
  return type == "proc" || type == "sysfs" || type == "cgroup" || type == "cgroup2";
}

// What CloneTree and then mount_setattr(2) give a bind mount.
absl::Status SetBindAttributes(const Mount& mount, MountStep& step) {
  const MountOptions& options = mount.options;
  mount_attr whole = Attributes(options.recursive_set, options.recursive_clear);
  mount_attr own = Attributes(options.set, options.clear);
  const Propagation propagation = options.propagation.type == 0
                                      ? Propagation{MS_PRIVATE, options.recursive}
                                      : options.propagation;
  (propagation.recursive ? whole : own).propagation = propagation.type;
  if (options.id_mapping != IdMapping::kNone) {
    if (mount.id_map_user_namespace < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(step.what, ": no user namespace for its id map"));
    }
    mount_attr& mapped = options.id_mapping == IdMapping::kRecursive ? whole : own;
    mapped.attr_set |= MOUNT_ATTR_IDMAP;
    mapped.userns_fd = static_cast<uint64_t>(mount.id_map_user_namespace);
  }
  if (options.recursive) {
    step.clone_flags = kRecursive;
    step.first = whole;
    step.second = own;
  } else {
    step.first = {.attr_set = whole.attr_set | own.attr_set,
                  .attr_clr = whole.attr_clr | own.attr_clr,
                  .propagation = whole.propagation | own.propagation,
                  .userns_fd = whole.userns_fd | own.userns_fd};
  }
  return absl::OkStatus();
}

// A tree that is no namespace's can be moved, and not cloned: a descriptor of the one that a source
// in /proc/self/fd is; -EINVAL where it is none.
long TakeDetachedTree(absl::string_view source, const MountStep& step) {
  int descriptor = -1;
  if (!absl::ConsumePrefix(&source, "/proc/self/fd/") || !absl::SimpleAtoi(source, &descriptor)) {
    return -EINVAL;
  }
  const int tree = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (tree < 0) return -errno;
  const long error = MountSetattr(tree, "", kEmptyPath | step.clone_flags, step.first);
  if (error == 0) return tree;
  close(tree);
  return error;
}

}  // namespace

bool PlanCompiler::GiveSlot(MountStep& step) {
  if (step.slot != kNoAnchor) return true;
  if (slots_ == kMaxAnchors) return false;
  step.slot = slots_++;
  step.kind = MountStep::Kind::kMoved;
  return true;
}

// Where `path` is reached from. The anchor is given a slot, unless it is beneath another one, from
// which the path leads on by names that are no less the kernel's own.
absl::StatusOr<Place> PlanCompiler::PlaceOf(absl::string_view path) {
  ASSIGN_OR_RETURN(const std::string clean, CleanPath(path));
  Place place;
  place.path = out_.Keep(clean);
  for (auto step = out_.mounts.rbegin(); step != out_.mounts.rend(); ++step) {
    const absl::string_view target = step->target.path;
    if (clean == target) break;
    if (!IsBeneath(clean, target)) continue;
    const absl::string_view type = step->type == nullptr ? "" : step->type;
    const bool is_tmpfs = type == "tmpfs" && !step->copy_up;
    if (!is_tmpfs && type != "proc" && type != "sysfs") break;
    const bool read_only = is_tmpfs && (step->flags & MS_RDONLY) != 0;
    if (step->target.anchor != kNoAnchor && step->kind == MountStep::Kind::kNew) {
      place.anchor = step->target.anchor;
      place.relative = place.path + (step->target.relative - step->target.path);
    } else {
      if (!GiveSlot(*step)) break;
      place.anchor = step->slot;
      place.relative = place.path + target.size() + 1;
    }
    if (read_only) {
      step->late_readonly = true;
      step->flags &= ~static_cast<unsigned long>(MS_RDONLY);
    }
    place.anchor_is_writable = is_tmpfs;
    break;
  }
  return place;
}

absl::Status PlanCompiler::AddMount(const Mount& mount) {
  ASSIGN_OR_RETURN(const std::string target, CleanPath(mount.target));
  if (target == "/") {
    return absl::InvalidArgumentError("a mount on / is the root file system's place");
  }
  // What this covers is not found by its path any more when it is made read-only.
  for (MountStep& covered : out_.mounts) {
    const absl::string_view path = covered.target.path;
    if (!covered.late_readonly || (path != target && !IsBeneath(path, target))) continue;
    if (!GiveSlot(covered)) {
      return absl::ResourceExhaustedError(absl::StrCat("mount on ", target, ": too many mounts"));
    }
  }
  MountStep step;
  ASSIGN_OR_RETURN(step.target, PlaceOf(target));
  const bool bind = mount.options.bind || mount.type == "bind";
  step.what = out_.Keep(
      absl::StrCat(bind ? "bind " : "mount ", bind ? mount.source : mount.type, " on ", target));
  if (bind) {
    RETURN_IF_ERROR(AddBind(mount, target, step));
  } else {
    RETURN_IF_ERROR(AddNew(mount, target, step));
  }
  out_.mounts.push_back(step);
  return absl::OkStatus();
}

absl::Status PlanCompiler::AddBind(const Mount& mount, absl::string_view target, MountStep& step) {
  step.kind = MountStep::Kind::kTree;
  if (mount.source.empty() || mount.source[0] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("bind on ", target, ": the source \"", mount.source, "\" is not absolute"));
  }
  step.source = out_.Keep(mount.source);
  struct stat file = {};
  if (mount.options.copy_symlink && lstat(step.source, &file) == 0 && S_ISLNK(file.st_mode)) {
    std::string link(PATH_MAX, '\0');
    const ssize_t length = readlink(step.source, link.data(), link.size());
    if (length < 0) return PosixStatus(errno, absl::StrCat("readlink ", mount.source));
    link.resize(static_cast<size_t>(length));
    step.kind = MountStep::Kind::kSymlink;
    step.source = out_.Keep(std::move(link));
    return absl::OkStatus();
  }

  RETURN_IF_ERROR(SetBindAttributes(mount, step));
  long tree = CloneTree(AT_FDCWD, step.source, step.clone_flags, step.first);
  if (tree == -EINVAL) tree = TakeDetachedTree(mount.source, step);
  // An unprivileged parent can't; the child, in its user namespace, can.
  UniqueFd source;
  if (tree == -EPERM && plan_.user_namespace) {
    source.Reset(open(step.source, O_PATH | O_CLOEXEC));
    if (!source || fstat(source.get(), &file) != 0) return PosixStatus(errno, step.what);
  } else if (tree < 0) {
    return PosixStatus(static_cast<int>(-tree), step.what);
  } else {
    step.tree = out_.Keep(UniqueFd(static_cast<int>(tree)));
    if (absl::EndsWith(mount.source, "/.")) {
      file.st_mode = S_IFDIR;  // else there would be nothing of that name
    } else if (fstat(step.tree, &file) != 0) {
      return PosixStatus(errno, step.what);
    }
    if (!IsEmpty(step.second)) {
      const long error = MountSetattr(step.tree, "", kEmptyPath, step.second);
      if (error < 0) return PosixStatus(static_cast<int>(-error), step.what);
    }
  }
  step.target_is_file = !S_ISDIR(file.st_mode);
  RETURN_IF_ERROR(CheckProcTarget(mount, target, source ? source.get() : step.tree));
  step.may_cover_proc = IsBeneath(target, "/proc");
  return absl::OkStatus();
}

absl::Status PlanCompiler::AddNew(const Mount& mount, absl::string_view target, MountStep& step) {
  if (mount.type.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("mount on ", target, ": no type"));
  }
  RETURN_IF_ERROR(CheckProcTarget(mount, target, -1));
  step.kind = MountStep::Kind::kNew;
  step.type = out_.Keep(mount.type);
  step.source = out_.Keep(mount.source.empty() ? mount.type : mount.source);
  step.flags =
      ToMountFlags(mount.options.set | mount.options.recursive_set) | mount.options.superblock;
  step.ordinary_directory = mount.type == "proc" || mount.type == "sysfs";
  step.may_cover_proc = target == "/proc";
  step.copy_up = mount.options.copy_up && mount.type == "tmpfs";
  if (step.copy_up) step.kind = MountStep::Kind::kMoved;
  std::vector<std::string> options = mount.options.data;
  step.takes_mode = mount.type == "tmpfs" && !step.copy_up &&
                    std::none_of(options.begin(), options.end(), [](absl::string_view option) {
                      return absl::StartsWith(option, "mode=");
                    });
  if (!plan_.label.empty()) {
    if (mount.type == "mqueue") {
      // An IPC namespace has one from its beginning, which takes no other options than it was
      // made with.
      step.kind = MountStep::Kind::kMoved;
      step.label = out_.Keep(plan_.label);
    } else if (!IsLabelledByKernel(mount.type)) {
      options.push_back(ContextOption());
    }
  }
  if (!options.empty()) {
    std::string data = absl::StrJoin(options, ",");
    if (data.size() >= 4096) {
      return absl::InvalidArgumentError(absl::StrCat(step.what, ": options of over 4095 bytes"));
    }
    step.data = out_.Keep(std::move(data));
  }
  // A mount that is new is private.
  if (const uint64_t type = mount.options.propagation.type; type != 0 && type != MS_PRIVATE) {
    step.kind = MountStep::Kind::kMoved;
    step.first.propagation = type;
  }
  return absl::OkStatus();
}

}  // namespace tiny::fs
