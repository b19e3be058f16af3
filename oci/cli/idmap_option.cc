#include "oci/cli/idmap_option.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::oci {
namespace {

// Where the container's range of ids is on the host; only in one piece.
absl::Status MakeAbsolute(const std::vector<IdMapping>& container, IdMapping& range) {
  for (const IdMapping& map : container) {
    if (range.host_id < map.container_id) continue;
    const uint32_t offset = range.host_id - map.container_id;
    if (offset >= map.size || map.size - offset < range.size) continue;
    range.host_id = map.host_id + offset;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("is not in the container's user namespace");
}

absl::Status AddRange(absl::string_view text, const std::vector<IdMapping>& container,
                      std::vector<IdMapping>& out) {
  const bool relative = absl::ConsumePrefix(&text, "@");
  const std::vector<absl::string_view> numbers = absl::StrSplit(text, '-');
  IdMapping range;
  if (numbers.size() != 3 || !absl::SimpleAtoi(numbers[0], &range.container_id) ||
      !absl::SimpleAtoi(numbers[1], &range.host_id) || !absl::SimpleAtoi(numbers[2], &range.size) ||
      range.size == 0 || uint64_t{range.container_id} + range.size > UINT32_MAX ||
      uint64_t{range.host_id} + range.size > UINT32_MAX) {
    return absl::InvalidArgumentError("is not FILE_ID-SEEN_AS-COUNT");
  }
  if (relative) RETURN_IF_ERROR(MakeAbsolute(container, range));
  out.push_back(range);
  return absl::OkStatus();
}

absl::Status ParseIdmap(absl::string_view text, const Linux& container, Mount& mount) {
  for (absl::string_view list : absl::StrSplit(text, ';')) {
    const bool uids = absl::ConsumePrefix(&list, "uids=");
    if (!uids && !absl::ConsumePrefix(&list, "gids=")) {
      return absl::InvalidArgumentError(absl::StrCat("\"", list, "\": neither uids= nor gids="));
    }
    for (const absl::string_view range : absl::StrSplit(list, '#')) {
      RETURN_IF_ERROR(
          Annotate(AddRange(range, uids ? container.uid_mappings : container.gid_mappings,
                            uids ? mount.uid_mappings : mount.gid_mappings),
                   absl::StrCat("\"", range, "\"")));
    }
  }
  if (!mount.uid_mappings.empty() && !mount.gid_mappings.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("needs both uids= and gids=");
}

}  // namespace

absl::Status ApplyIdmapOptions(Spec& spec) {
  for (Mount& mount : spec.mounts) {
    for (std::string& option : mount.options) {
      const size_t name = option.find('=');
      if (!absl::StartsWith(option, "idmap=") && !absl::StartsWith(option, "ridmap=")) continue;
      const std::string place = absl::StrCat("mount on ", mount.destination, ": ", option);
      if (!mount.uid_mappings.empty() || !mount.gid_mappings.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(place, ": the mount has mappings already"));
      }
      RETURN_IF_ERROR(Annotate(ParseIdmap(option.substr(name + 1), spec.linux_, mount), place));
      option.resize(name);
    }
  }
  return absl::OkStatus();
}

}  // namespace tiny::oci
