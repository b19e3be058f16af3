#include "cgroup/subtree_control.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/value_file.h"
#include "cgroup/missing_controller.h"

namespace tiny::cgroup {
namespace {

constexpr absl::string_view kLeaf = "tiny.leaf";
constexpr int kEvacuations = 5;

bool Contains(const std::vector<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> Names(absl::string_view text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

absl::StatusOr<std::vector<std::string>> ReadNames(const Directory& directory,
                                                   absl::string_view file) {
  absl::StatusOr<std::string> text = ReadValueAt(directory.fd.get(), file);
  if (!text.ok()) return Annotate(text.status(), directory.path);
  return Names(*text);
}

std::vector<std::string> Without(const std::vector<std::string>& names,
                                 const std::vector<std::string>& excluded) {
  std::vector<std::string> rest;
  for (const std::string& name : names) {
    if (!Contains(excluded, name)) rest.push_back(name);
  }
  return rest;
}

// Only the system's root has no cgroup.type.
bool IsSystemRoot(const Directory& directory) {
  return faccessat(directory.fd.get(), "cgroup.type", F_OK, 0) != 0;
}

absl::Status MissingIn(const Hierarchy& hierarchy, const Directory& directory,
                       absl::string_view controller) {
  return ExplainMissingController({.controller = controller,
                                   .mode = hierarchy.mode(),
                                   .cgroup = directory.path,
                                   .at_root = IsSystemRoot(directory)},
                                  ReadFile("/proc/cgroups").value_or(""));
}

absl::Status WriteSubtreeControl(const Directory& directory,
                                 const std::vector<std::string>& controllers) {
  std::string value;
  for (const std::string& name : controllers) {
    absl::StrAppend(&value, value.empty() ? "+" : " +", name);
  }
  return Annotate(WriteControlFileAt(directory.fd.get(), "cgroup.subtree_control", value),
                  directory.path);
}

absl::Status MoveProcessesToLeaf(const Directory& directory) {
  ASSIGN_OR_RETURN(const Directory leaf, MakeBeneath(directory, kLeaf));
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, ReadPids(directory));
  for (const pid_t pid : pids) {
    const absl::Status moved = WriteControlFileAt(leaf.fd.get(), "cgroup.procs", absl::StrCat(pid));
    if (!moved.ok() && GetErrno(moved) != ESRCH) return Annotate(moved, leaf.path);
  }
  return absl::OkStatus();
}

absl::Status EnableIn(const Directory& directory, bool is_mount_root,
                      const std::vector<std::string>& controllers) {
  absl::Status status = WriteSubtreeControl(directory, controllers);
  for (int i = 0; i < kEvacuations && is_mount_root && GetErrno(status) == EBUSY; ++i) {
    RETURN_IF_ERROR(MoveProcessesToLeaf(directory));
    status = WriteSubtreeControl(directory, controllers);
  }
  if (GetErrno(status) == EBUSY) {
    return WithHint(status, absl::StrCat("processes in ", directory.path,
                                         " itself forbid it: move them to a cgroup below, or "
                                         "choose another parent with --cgroup-parent"));
  }
  return status;
}

}  // namespace

absl::Status EnableControllers(const Hierarchy& hierarchy, absl::string_view relative,
                               const std::vector<std::string>& required,
                               const std::vector<std::string>& wanted) {
  std::vector<std::string> all = required;
  for (const std::string& name : wanted) {
    if (!Contains(all, name)) all.push_back(name);
  }
  if (all.empty()) return absl::OkStatus();
  // Another start has enabled them, as a rule.
  const absl::StatusOr<std::string> already =
      ReadValue(absl::StrCat(hierarchy.unified(), relative, "/cgroup.subtree_control"));
  if (already.ok() && Without(all, Names(*already)).empty()) return absl::OkStatus();
  const std::vector<std::string> at_root = hierarchy.UnifiedControllers();
  all.erase(std::remove_if(all.begin() + static_cast<std::ptrdiff_t>(required.size()), all.end(),
                           [&](const std::string& name) { return !Contains(at_root, name); }),
            all.end());
  if (all.empty() || (already.ok() && Without(all, Names(*already)).empty())) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Directory root, OpenRoot(hierarchy.unified()));
  RETURN_IF_ERROR(MakeBeneath(root, relative).status());
  ASSIGN_OR_RETURN(Directory current, OpenBeneath(root, ""));
  bool is_mount_root = true;
  std::vector<absl::string_view> names = absl::StrSplit(relative, '/', absl::SkipEmpty());
  names.push_back("");  // the last directory, which has no next
  for (const absl::string_view next : names) {
    ASSIGN_OR_RETURN(const std::vector<std::string> offered,
                     ReadNames(current, "cgroup.controllers"));
    ASSIGN_OR_RETURN(const std::vector<std::string> enabled,
                     ReadNames(current, "cgroup.subtree_control"));
    const std::vector<std::string> lacking = Without(required, offered);
    if (!lacking.empty()) return MissingIn(hierarchy, current, lacking[0]);
    if (const auto missing = Without(required, enabled); !missing.empty()) {
      RETURN_IF_ERROR(EnableIn(current, is_mount_root, missing));
    }
    for (const std::string& name : Without(Without(all, required), enabled)) {
      if (Contains(offered, name)) (void)WriteSubtreeControl(current, {name});
    }
    if (!next.empty()) {
      ASSIGN_OR_RETURN(current, OpenBeneath(current, next));
    }
    is_mount_root = false;
  }
  return absl::OkStatus();
}

}  // namespace tiny::cgroup
