#include "fs/mount_info.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tiny::fs {
namespace {

bool IsOctal(char c) { return c >= '0' && c <= '7'; }

bool ParseDevice(absl::string_view text, MountInfo& mount) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  return absl::SimpleAtoi(parts.first, &mount.major) &&
         absl::SimpleAtoi(parts.second, &mount.minor);
}

// Unknown fields are for later kernels to define.
bool ParseOptionalField(absl::string_view field, MountInfo& mount) {
  if (absl::ConsumePrefix(&field, "shared:")) return absl::SimpleAtoi(field, &mount.shared);
  if (absl::ConsumePrefix(&field, "master:")) return absl::SimpleAtoi(field, &mount.master);
  if (field == "unbindable") mount.unbindable = true;
  return true;
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
bool ParseLine(absl::string_view line, MountInfo& mount) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
  if (fields.size() < 9) return false;
  if (!absl::SimpleAtoi(fields[0], &mount.id) || !absl::SimpleAtoi(fields[1], &mount.parent_id) ||
      !ParseDevice(fields[2], mount)) {
    return false;
  }
  mount.root = UnescapeMountPath(fields[3]);
  mount.target = UnescapeMountPath(fields[4]);
  mount.options = std::string(fields[5]);
  size_t i = 6;
  for (; i < fields.size() && fields[i] != "-"; ++i) {
    if (!ParseOptionalField(fields[i], mount)) return false;
  }
  // The source may be empty, and is then no field between two blanks but an empty one.
  if (fields.size() != i + 4) return false;
  mount.type = UnescapeMountPath(fields[i + 1]);
  mount.source = UnescapeMountPath(fields[i + 2]);
  mount.super_options = std::string(fields[i + 3]);
  return true;
}

}  // namespace

std::string UnescapeMountPath(absl::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && IsOctal(text[i + 1]) &&
        IsOctal(text[i + 2]) && IsOctal(text[i + 3])) {
      plain.push_back(static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
                                        (text[i + 3] - '0')));
      i += 3;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

absl::StatusOr<std::vector<MountInfo>> ParseMountInfo(absl::string_view text) {
  std::vector<MountInfo> mounts;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty()) continue;
    if (!ParseLine(line, mounts.emplace_back())) {
      return absl::InvalidArgumentError(absl::StrCat("mountinfo: bad line \"", line, "\""));
    }
  }
  return mounts;
}

}  // namespace tiny::fs
