#include "ns/id_maps.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/status_macros.h"

namespace tiny::ns {
namespace {

constexpr uint64_t kIds = 0xffffffff;  // the id 2^32 - 1 means "none"

std::string FormatRange(const IdRange& range) {
  return absl::StrCat(range.inside, " ", range.outside, " ", range.size);
}

absl::Status CheckOverlap(absl::Span<const IdRange> map, uint32_t IdRange::*first,
                          absl::string_view side) {
  std::vector<IdRange> sorted(map.begin(), map.end());
  std::sort(sorted.begin(), sorted.end(),
            [first](const IdRange& a, const IdRange& b) { return a.*first < b.*first; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (uint64_t{sorted[i - 1].*first} + sorted[i - 1].size > sorted[i].*first) {
      return absl::InvalidArgumentError(absl::StrCat("id mappings overlap ", side, ": \"",
                                                     FormatRange(sorted[i - 1]), "\" and \"",
                                                     FormatRange(sorted[i]), "\""));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateIdMap(absl::Span<const IdRange> map) {
  if (map.empty()) return absl::InvalidArgumentError("no id mapping");
  if (map.size() > kMaxIdRanges) {
    return absl::InvalidArgumentError(
        absl::StrCat("more than ", kMaxIdRanges, " id mappings: ", map.size()));
  }
  for (const IdRange& range : map) {
    if (range.size == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("id mapping \"", FormatRange(range), "\" has size 0"));
    }
    if (uint64_t{range.inside} + range.size > kIds || uint64_t{range.outside} + range.size > kIds) {
      return absl::InvalidArgumentError(
          absl::StrCat("id mapping \"", FormatRange(range), "\" runs over the last id"));
    }
  }
  RETURN_IF_ERROR(CheckOverlap(map, &IdRange::inside, "inside"));
  return CheckOverlap(map, &IdRange::outside, "outside");
}

std::string FormatIdMap(absl::Span<const IdRange> map) {
  std::string text;
  for (const IdRange& range : map) absl::StrAppend(&text, FormatRange(range), "\n");
  return text;
}

absl::Status WriteIdMaps(pid_t pid, const IdMaps& maps) {
  RETURN_IF_ERROR(ValidateIdMap(maps.uids));
  RETURN_IF_ERROR(ValidateIdMap(maps.gids));
  const std::string process = absl::StrCat("/proc/", pid);
  if (maps.deny_setgroups) {
    RETURN_IF_ERROR(WriteControlFile(absl::StrCat(process, "/setgroups"), "deny"));
  }
  RETURN_IF_ERROR(WriteControlFile(absl::StrCat(process, "/gid_map"), FormatIdMap(maps.gids)));
  return WriteControlFile(absl::StrCat(process, "/uid_map"), FormatIdMap(maps.uids));
}

}  // namespace tiny::ns
