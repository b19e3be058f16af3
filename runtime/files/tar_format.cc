#include "runtime/files/tar_format.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

struct Field {
  size_t offset;
  size_t size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12},
    kMtime{136, 12}, kChecksum{148, 8}, kType{156, 1}, kLink{157, 100}, kMagic{257, 8},
    kMajor{329, 8}, kMinor{337, 8}, kPrefix{345, 155};

constexpr char kTypeFlags[] = {'0', '5', '2', '1', '6', '3', '4'};  // by TarMember::Type

void Put(std::string& block, Field field, absl::string_view text) {
  memcpy(&block[field.offset], text.data(), std::min(field.size, text.size()));
}

bool Fits(Field field, uint64_t value) { return value < uint64_t{1} << (3 * (field.size - 1)); }

// Zero where it does not fit: the extended header says it then.
void PutNumber(std::string& block, Field field, uint64_t value) {
  const std::string text =
      absl::StrFormat("%0*o", static_cast<int>(field.size - 1), Fits(field, value) ? value : 0);
  Put(block, field, text);
}

unsigned Checksum(absl::string_view block) {
  unsigned sum = 0;
  for (size_t i = 0; i < kTarBlock; ++i) {
    const bool own = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.size;
    sum += own ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

std::string RenderBlock(const TarMember& member, char type_flag) {
  std::string block(kTarBlock, '\0');
  Put(block, kName, member.name);
  PutNumber(block, kMode, member.mode);
  PutNumber(block, kUid, member.uid);
  PutNumber(block, kGid, member.gid);
  PutNumber(block, kSize, member.size);
  PutNumber(block, kMtime, member.mtime < 0 ? 0 : static_cast<uint64_t>(member.mtime));
  block[kType.offset] = type_flag;
  Put(block, kLink, member.link);
  Put(block, kMagic, absl::string_view("ustar\00000", 8));
  PutNumber(block, kMajor, member.device_major);
  PutNumber(block, kMinor, member.device_minor);
  Put(block, kChecksum, absl::StrFormat("%06o", Checksum(block)) + std::string("\0 ", 2));
  return block;
}

// "<length> <key>=<value>\n", where the length counts itself.
void AddRecord(std::string& records, absl::string_view key, absl::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (absl::StrCat(length).size() + rest != length) ++length;
  absl::StrAppend(&records, length, " ", key, "=", value, "\n");
}

absl::string_view GetText(absl::string_view block, Field field) {
  const absl::string_view text = block.substr(field.offset, field.size);
  return text.substr(0, text.find('\0'));
}

// Octal digits, or with the first bit set, as GNU tar writes large numbers, base 256.
bool GetNumber(absl::string_view block, Field field, uint64_t* value) {
  absl::string_view text = block.substr(field.offset, field.size);
  *value = 0;
  if ((static_cast<unsigned char>(text[0]) & 0x80) != 0) {
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(i == 0 ? text[i] & 0x7f : text[i]);
      if (*value >> 55 != 0) return false;
      *value = *value << 8 | byte;
    }
    return true;
  }
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  for (const char c : text) {
    if (c < '0' || c > '7') return false;
    *value = *value << 3 | static_cast<unsigned>(c - '0');
  }
  return true;
}

absl::Status ApplyRecord(absl::string_view key, absl::string_view value, TarMember& member) {
  bool ok = true;
  if (key == "path") {
    member.name = std::string(value);
  } else if (key == "linkpath") {
    member.link = std::string(value);
  } else if (key == "size") {
    ok = absl::SimpleAtoi(value, &member.size) && member.size < uint64_t{1} << 62;
  } else if (key == "uid") {
    ok = absl::SimpleAtoi(value, &member.uid);
  } else if (key == "gid") {
    ok = absl::SimpleAtoi(value, &member.gid);
  } else if (key == "mtime") {
    ok = absl::SimpleAtoi(value.substr(0, value.find('.')), &member.mtime);
  }
  if (ok && !absl::StrContains(value, '\0')) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("tar: bad value of ", key));
}

}  // namespace

std::string RenderTarHeader(const TarMember& member) {
  std::string records;
  if (member.name.size() > kName.size) AddRecord(records, "path", member.name);
  if (member.link.size() > kLink.size) AddRecord(records, "linkpath", member.link);
  if (!Fits(kSize, member.size)) AddRecord(records, "size", absl::StrCat(member.size));
  if (!Fits(kUid, member.uid)) AddRecord(records, "uid", absl::StrCat(member.uid));
  if (!Fits(kGid, member.gid)) AddRecord(records, "gid", absl::StrCat(member.gid));
  std::string blocks;
  if (!records.empty()) {
    TarMember extended;
    extended.name = "././@PaxHeader";
    extended.mode = 0644;
    extended.size = records.size();
    blocks = RenderBlock(extended, 'x') + records + std::string(TarPadding(records.size()), '\0');
  }
  return blocks + RenderBlock(member, kTypeFlags[static_cast<size_t>(member.type)]);
}

absl::StatusOr<TarHeader> ParseTarHeader(absl::string_view block) {
  const absl::Status bad = absl::InvalidArgumentError("tar: not a header");
  uint64_t checksum = 0;
  if (block.size() != kTarBlock || !GetNumber(block, kChecksum, &checksum) ||
      checksum != Checksum(block)) {
    return bad;
  }
  TarHeader header;
  TarMember& member = header.member;
  header.type_flag =
      block[kType.offset] == '\0' || block[kType.offset] == '7' ? '0' : block[kType.offset];
  for (size_t i = 0; i < sizeof(kTypeFlags); ++i) {
    if (kTypeFlags[i] == header.type_flag) member.type = static_cast<TarMember::Type>(i);
  }
  member.name = std::string(GetText(block, kName));
  member.link = std::string(GetText(block, kLink));
  // GNU tar's own format has no prefix there.
  if (absl::StartsWith(block.substr(kMagic.offset), absl::string_view("ustar\0", 6))) {
    const absl::string_view prefix = GetText(block, kPrefix);
    if (!prefix.empty()) member.name = absl::StrCat(prefix, "/", member.name);
  }
  uint64_t mode = 0, uid = 0, gid = 0, mtime = 0, major = 0, minor = 0;
  if (!GetNumber(block, kMode, &mode) || !GetNumber(block, kUid, &uid) ||
      !GetNumber(block, kGid, &gid) || !GetNumber(block, kSize, &member.size) ||
      !GetNumber(block, kMtime, &mtime) || !GetNumber(block, kMajor, &major) ||
      !GetNumber(block, kMinor, &minor) || member.size >= uint64_t{1} << 62 ||
      (uid | gid | major | minor) > 0xffffffff) {
    return bad;
  }
  member.mode = mode & 07777;
  member.uid = static_cast<uint32_t>(uid);
  member.gid = static_cast<uint32_t>(gid);
  member.mtime = static_cast<int64_t>(mtime);
  member.device_major = static_cast<uint32_t>(major);
  member.device_minor = static_cast<uint32_t>(minor);
  return header;
}

absl::Status ApplyPaxRecords(absl::string_view records, TarMember& member) {
  const absl::Status bad = absl::InvalidArgumentError("tar: bad extended header");
  while (!records.empty() && records[0] != '\0') {
    const size_t blank = records.find(' ');
    size_t length = 0;
    if (blank == absl::string_view::npos || !absl::SimpleAtoi(records.substr(0, blank), &length) ||
        length > records.size() || length < blank + 3 || records[length - 1] != '\n') {
      return bad;
    }
    const absl::string_view record = records.substr(blank + 1, length - blank - 2);
    const size_t equals = record.find('=');
    if (equals == absl::string_view::npos) return bad;
    RETURN_IF_ERROR(ApplyRecord(record.substr(0, equals), record.substr(equals + 1), member));
    records.remove_prefix(length);
  }
  return absl::OkStatus();
}

}  // namespace tiny::runtime
