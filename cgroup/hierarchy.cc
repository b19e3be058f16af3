#include "cgroup/hierarchy.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/value_file.h"

namespace tiny::cgroup {
namespace {

constexpr absl::string_view kUsualMountPoint = "/sys/fs/cgroup";
constexpr size_t kMaxName = 255;
constexpr size_t kMaxPath = 3072;

// A tree's controllers stand among the options of its mount.
constexpr absl::string_view kControllers[] = {
    "blkio",  "cpu",  "cpuacct", "cpuset",   "debug", "devices",    "freezer", "hugetlb",
    "memory", "misc", "net_cls", "net_prio", "pids",  "perf_event", "rdma",
};

struct CgroupMount {
  bool unified = false;
  LegacyTree tree;  // with `unified`, the mount point alone
};

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string UnescapeMountInfo(absl::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      result +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string EscapeMountInfo(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"\\", "\\134"}, {" ", "\\040"}, {"\t", "\\011"}, {"\n", "\\012"}});
}

std::vector<std::string> ControllersOf(absl::string_view options) {
  std::vector<std::string> controllers;
  for (const absl::string_view option : absl::StrSplit(options, ',')) {
    if (std::find(std::begin(kControllers), std::end(kControllers), option) !=
            std::end(kControllers) ||
        absl::StartsWith(option, "name=")) {
      controllers.emplace_back(option);
    }
  }
  return controllers;
}

// proc_pid_mountinfo(5): "36 35 98:0 / /mnt rw master:1 - ext4 /dev/root rw,errors=continue".
std::vector<CgroupMount> CgroupMounts(absl::string_view mount_info) {
  std::vector<CgroupMount> mounts;
  for (const absl::string_view line : absl::StrSplit(mount_info, '\n')) {
    const size_t separator = line.find(" - cgroup");
    if (separator == absl::string_view::npos) continue;
    const std::vector<absl::string_view> before = absl::StrSplit(line.substr(0, separator), ' ');
    const std::vector<absl::string_view> after = absl::StrSplit(line.substr(separator + 3), ' ');
    if (before.size() < 6 || after.size() < 3) continue;
    CgroupMount mount;
    mount.unified = after[0] == "cgroup2";
    if (!mount.unified && after[0] != "cgroup") continue;
    mount.tree.mount_point = UnescapeMountInfo(before[4]);
    if (!mount.unified) mount.tree.controllers = ControllersOf(after.back());
    mounts.push_back(std::move(mount));
  }
  // A tree may be mounted in several places, say in a container's rootfs too.
  std::stable_partition(mounts.begin(), mounts.end(), [](const CgroupMount& mount) {
    return absl::StartsWith(mount.tree.mount_point, kUsualMountPoint);
  });
  return mounts;
}

bool HasFileSystemType(const std::string& path, long magic) {
  struct statfs info;
  return statfs(path.c_str(), &info) == 0 && info.f_type == magic;
}

struct MountPlace {
  absl::string_view id;
  absl::string_view parent;
  absl::string_view point;  // as mountinfo writes it
};

std::vector<MountPlace> MountPlaces(absl::string_view mount_info) {
  std::vector<MountPlace> places;
  for (const absl::string_view line : absl::StrSplit(mount_info, '\n')) {
    absl::string_view fields[5];
    size_t begin = 0;
    for (absl::string_view& field : fields) {
      const size_t end = std::min(line.find(' ', begin), line.size());
      field = line.substr(begin, end - begin);
      begin = std::min(end + 1, line.size());
    }
    if (!fields[4].empty()) places.push_back({fields[0], fields[1], fields[4]});
  }
  return places;
}

bool IsAtOrAbove(absl::string_view path, absl::string_view other) {
  return path == "/" || (absl::StartsWith(other, path) &&
                         (other.size() == path.size() || other[path.size()] == '/'));
}

// The mount that a look-up of `path` ends in, as the kernel walks: in each mount to the first one
// that is mounted on the way. Null where that is the process's root itself.
const MountPlace* MountAt(absl::string_view path, const std::vector<MountPlace>& places) {
  std::vector<const MountPlace*> on_the_way;
  for (const MountPlace& place : places) {
    if (IsAtOrAbove(place.point, path)) on_the_way.push_back(&place);
  }
  const auto is_root = [&](const MountPlace& mount) {
    return mount.parent == mount.id ||
           std::none_of(on_the_way.begin(), on_the_way.end(),
                        [&](const MountPlace* other) { return other->id == mount.parent; });
  };
  const MountPlace* found = nullptr;
  while (true) {
    const MountPlace* next = nullptr;
    for (const MountPlace* place : on_the_way) {
      const bool is_in_found =
          found == nullptr ? is_root(*place) : place->parent == found->id && place->id != found->id;
      if (is_in_found && (next == nullptr || place->point.size() < next->point.size())) {
        next = place;
      }
    }
    if (next == nullptr) return found;
    found = next;
  }
}

absl::Status NotMounted() {
  return WithHint(absl::FailedPreconditionError("no cgroup file system is mounted"),
                  "mount -t cgroup2 none /sys/fs/cgroup");
}

}  // namespace

absl::string_view ModeName(Mode mode) {
  switch (mode) {
    case Mode::kUnified:
      return "v2";
    case Mode::kHybrid:
      return "hybrid";
    case Mode::kLegacy:
      return "v1";
  }
  return "unknown";
}

absl::StatusOr<Hierarchy> Hierarchy::Detect() {
  // On most machines this tells all, and spares reading a mountinfo that may be long.
  if (HasFileSystemType(std::string(kUsualMountPoint), CGROUP2_SUPER_MAGIC)) {
    return FromMountInfo(
        absl::StrCat("0 0 0:0 / ", kUsualMountPoint, " rw - cgroup2 cgroup2 rw\n"));
  }
  ASSIGN_OR_RETURN(const std::string mount_info, ReadFile("/proc/self/mountinfo"));
  // What another mount hides is listed still.
  const std::vector<MountPlace> places = MountPlaces(mount_info);
  std::string visible;
  for (const absl::string_view line : absl::StrSplit(mount_info, '\n')) {
    if (!absl::StrContains(line, " - cgroup")) continue;
    const MountPlace mount = MountPlaces(line)[0];
    const MountPlace* seen = MountAt(mount.point, places);
    if (seen != nullptr && seen->id == mount.id) absl::StrAppend(&visible, line, "\n");
  }
  return FromMountInfo(visible);
}

absl::StatusOr<Hierarchy> Hierarchy::FromMountInfo(absl::string_view mount_info,
                                                   absl::string_view root) {
  Hierarchy hierarchy;
  bool has_controllers = false;
  for (CgroupMount& mount : CgroupMounts(mount_info)) {
    mount.tree.mount_point.insert(0, root.data(), root.size());
    if (mount.unified) {
      if (hierarchy.unified_.empty()) hierarchy.unified_ = std::move(mount.tree.mount_point);
      continue;
    }
    const std::vector<std::string>& controllers = mount.tree.controllers;
    if (controllers.empty() || hierarchy.FindLegacy(controllers[0]) != nullptr) continue;
    has_controllers = has_controllers || !absl::StartsWith(controllers[0], "name=");
    hierarchy.legacy_.push_back(std::move(mount.tree));
  }
  if (hierarchy.unified_.empty()) {
    if (!has_controllers) return NotMounted();
    hierarchy.mode_ = Mode::kLegacy;
    return hierarchy;
  }
  hierarchy.mode_ = has_controllers ? Mode::kHybrid : Mode::kUnified;
  return hierarchy;
}

Hierarchy Hierarchy::WithLegacy(std::vector<LegacyTree> legacy) const {
  Hierarchy result;
  result.mode_ = mode_;
  result.unified_ = unified_;
  result.legacy_ = std::move(legacy);
  return result;
}

std::string Hierarchy::MountInfo() const {
  std::string text;
  const auto append = [&text](absl::string_view mount_point, absl::string_view type,
                              absl::string_view options) {
    absl::StrAppend(&text, "0 0 0:0 / ", EscapeMountInfo(mount_point), " rw - ", type, " none ",
                    options, "\n");
  };
  if (!unified_.empty()) append(unified_, "cgroup2", "rw");
  for (const LegacyTree& tree : legacy_) {
    append(tree.mount_point, "cgroup", absl::StrJoin(tree.controllers, ","));
  }
  return text;
}

std::vector<std::string> Hierarchy::UnifiedControllers() const {
  if (unified_.empty()) return {};
  const std::string offered = ReadValue(absl::StrCat(unified_, "/cgroup.controllers")).value_or("");
  return absl::StrSplit(offered, absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

const LegacyTree* Hierarchy::FindLegacy(absl::string_view controller) const {
  for (const LegacyTree& tree : legacy_) {
    for (const std::string& name : tree.controllers) {
      if (name == controller) return &tree;
    }
  }
  return nullptr;
}

std::vector<std::string> Hierarchy::Controllers() const {
  std::vector<std::string> result = UnifiedControllers();
  for (const LegacyTree& tree : legacy_) {
    for (const std::string& name : tree.controllers) {
      if (absl::StartsWith(name, "name=") || name == "cpuacct") continue;
      result.push_back(name == "blkio" ? "io" : name);
    }
  }
  if (!unified_.empty()) {
    result.push_back("devices");
    result.push_back("freezer");
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

absl::Status ValidateCgroupPath(absl::string_view path) {
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("cgroup path \"", absl::CHexEscape(path.substr(0, 80)), "\" ", why));
  };
  if (!absl::StartsWith(path, "/")) return refuse("is not absolute");
  if (path.size() == 1) return refuse("is the root, which cannot be a container's");
  if (path.size() > kMaxPath) return refuse("is too long");
  for (const absl::string_view name : absl::StrSplit(path.substr(1), '/')) {
    if (name.empty()) return refuse("has an empty component");
    if (name == "." || name == "..") return refuse("has a \".\" or \"..\" component");
    if (name.size() > kMaxName) return refuse("has a component of more than 255 bytes");
    for (const char c : name) {
      if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
        return refuse("has a control character");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace tiny::cgroup
