// Members of a tar stream: POSIX.1-2001 (pax), as in pax(1), "ustar Interchange Format".
#ifndef TINY_RUNTIME_FILES_TAR_FORMAT_H_
#define TINY_RUNTIME_FILES_TAR_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::runtime {

inline constexpr size_t kTarBlock = 512;

struct TarMember {
  enum class Type { kFile, kDirectory, kSymlink, kHardLink, kFifo, kCharDevice, kBlockDevice };
  Type type = Type::kFile;
  std::string name;
  std::string link;  // of links: the target
  uint64_t size = 0;
  uint32_t mode = 0;  // permission bits
  uint32_t uid = 0;
  uint32_t gid = 0;
  int64_t mtime = 0;  // seconds since the epoch
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
};

// The header blocks of a member, a pax extended header before it where a field does not fit.
std::string RenderTarHeader(const TarMember& member);

// How many bytes of zeros follow `size` bytes of content.
inline size_t TarPadding(uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

// What a header block says, extended headers of its own kind included.
struct TarHeader {
  TarMember member;
  char type_flag = '0';
};

// kInvalidArgument for a block whose checksum is wrong, or whose numbers are none.
absl::StatusOr<TarHeader> ParseTarHeader(absl::string_view block);

// Overrides fields of `member` by the records of a pax extended header: path, linkpath, size, uid,
// gid, mtime. Others are left out. kInvalidArgument for malformed records.
absl::Status ApplyPaxRecords(absl::string_view records, TarMember& member);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_FILES_TAR_FORMAT_H_
