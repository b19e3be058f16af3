#include "oci/cli/sub_cgroup.h"

#include <fcntl.h>

#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/files.h"
#include "base/status_macros.h"

namespace tiny::oci {
namespace {

// "a/b/" as "/a/b", the container's own as "".
absl::StatusOr<std::string> Normalize(absl::string_view path) {
  std::string below;
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == "..") {
      return absl::InvalidArgumentError(
          absl::StrCat("--cgroup: ", path, " is not a sub cgroup path"));
    }
    if (part != ".") absl::StrAppend(&below, "/", part);
  }
  return below;
}

// Of that cgroup in one tree, opened with `flags`; kNotFound says which is missing.
absl::StatusOr<UniqueFd> OpenIn(const std::string& mount_point, const std::string& container,
                                const std::string& below, absl::string_view file, int flags) {
  absl::StatusOr<UniqueFd> opened =
      OpenFile(absl::StrCat(mount_point, container, below, file), flags);
  if (!absl::IsNotFound(opened.status())) return opened;
  return absl::NotFoundError(absl::StrCat("--cgroup: the container has no cgroup ",
                                          below.empty() ? "" : below.substr(1),
                                          below.empty() ? "" : " ", "in ", mount_point));
}

bool IsThere(const std::string& directory) {
  return OpenFile(directory, O_PATH | O_DIRECTORY).ok();
}

// Where it is missing in one tree, the process would not stay where the container is, but where its
// runtime is.
absl::Status CheckEveryTree(const cgroup::Hierarchy& hierarchy, const std::string& container,
                            const std::string& below) {
  std::vector<std::string> mount_points;
  if (!hierarchy.unified().empty()) mount_points.push_back(hierarchy.unified());
  for (const cgroup::LegacyTree& tree : hierarchy.legacy()) {
    mount_points.push_back(tree.mount_point);
  }
  for (const std::string& mount_point : mount_points) {
    if (!IsThere(absl::StrCat(mount_point, container))) continue;
    RETURN_IF_ERROR(OpenIn(mount_point, container, below, "", O_PATH | O_DIRECTORY).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<const cgroup::LegacyTree*> FindTree(const cgroup::Hierarchy& hierarchy,
                                                   absl::string_view controller) {
  if (hierarchy.mode() == cgroup::Mode::kUnified) {
    return absl::InvalidArgumentError(
        absl::StrCat("--cgroup: version 2 has one tree for all controllers: a path without \"",
                     controller, ":\" is wanted"));
  }
  const cgroup::LegacyTree* tree = hierarchy.FindLegacy(controller);
  if (tree != nullptr) return tree;
  return absl::InvalidArgumentError(
      absl::StrCat("--cgroup: unknown controller \"", controller, "\""));
}

}  // namespace

absl::StatusOr<SubCgroup> FindSubCgroup(const cgroup::Hierarchy& hierarchy,
                                        const std::string& container,
                                        const std::vector<std::string>& arguments) {
  if (container.empty()) {
    return absl::FailedPreconditionError("--cgroup: the container has no cgroup");
  }
  std::map<const cgroup::LegacyTree*, std::string> paths;
  for (const std::string& argument : arguments) {
    const size_t colon = argument.find(':');
    ASSIGN_OR_RETURN(const std::string below,
                     Normalize(colon == std::string::npos ? argument : argument.substr(colon + 1)));
    if (colon == std::string::npos) {
      if (arguments.size() > 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("--cgroup: ", argument, " is for all controllers: no other may be given"));
      }
      RETURN_IF_ERROR(CheckEveryTree(hierarchy, container, below));
      return SubCgroup{container + below, {}};
    }
    for (const absl::string_view name : absl::StrSplit(argument.substr(0, colon), ',')) {
      ASSIGN_OR_RETURN(const cgroup::LegacyTree* tree, FindTree(hierarchy, name));
      const auto [place, is_new] = paths.emplace(tree, below);
      if (!is_new && place->second != below) {
        return absl::InvalidArgumentError(absl::StrCat("--cgroup: several paths for ", name));
      }
    }
  }
  SubCgroup found{container, {}};
  for (const auto& [tree, below] : paths) {
    ASSIGN_OR_RETURN(UniqueFd tasks,
                     OpenIn(tree->mount_point, container, below, "/tasks", O_WRONLY));
    found.tasks.push_back(std::move(tasks));
  }
  return found;
}

}  // namespace tiny::oci
