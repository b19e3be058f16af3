#include "cgroup/systemd/unit_name.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tiny::systemd {
namespace {

constexpr size_t kMaxName = 255;

bool IsUnitName(absl::string_view name) {
  return name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || absl::StrContains(":-_.\\@", absl::string_view(&c, 1));
         });
}

// Each dash is a level, so that none may be empty: "a-b.slice" is within "a.slice".
bool IsSlice(absl::string_view name) {
  if (name == "-.slice") return true;
  return IsUnitName(name) && absl::EndsWith(name, ".slice") && name.size() > 6 && name[0] != '-' &&
         !absl::StrContains(name, "--") && !absl::EndsWith(name, "-.slice");
}

}  // namespace

absl::StatusOr<UnitName> UnitOfCgroupsPath(absl::string_view cgroups_path, absl::string_view id,
                                           absl::string_view default_slice) {
  std::vector<absl::string_view> parts = {"", "", ""};
  if (!cgroups_path.empty()) parts = absl::StrSplit(cgroups_path, ':');
  if (parts.size() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", cgroups_path, "\" is not of the form slice:prefix:name"));
  }
  UnitName name;
  name.slice = std::string(parts[0].empty() ? default_slice : parts[0]);
  if (name.slice == "-") name.slice = "-.slice";
  if (!IsSlice(name.slice)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", name.slice, "\" is no name of a slice"));
  }
  const absl::string_view last = parts[2].empty() ? id : parts[2];
  if (absl::EndsWith(last, ".slice")) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", last, "\" is a slice; a container's processes need a scope"));
  }
  const absl::string_view prefix = cgroups_path.empty() ? "tiny" : parts[1];
  name.unit = absl::StrCat(prefix, prefix.empty() ? "" : "-", last, ".scope");
  if (!IsUnitName(name.unit)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", name.unit, "\" is no name of a unit"));
  }
  return name;
}

}  // namespace tiny::systemd
