#include "state/container_id.h"

#include <errno.h>
#include <sys/random.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"

namespace tiny::state {
namespace {

bool IsLowerHex(char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); }

}  // namespace

absl::StatusOr<ContainerId> ContainerId::Generate() {
  constexpr char kHex[] = "0123456789abcdef";
  while (true) {
    unsigned char bytes[kLength / 2];
    // Up to 256 bytes are never cut short by a signal.
    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) return PosixStatus(errno, "getrandom");
    std::string value;
    value.reserve(kLength);
    for (unsigned char byte : bytes) {
      value.push_back(kHex[byte >> 4]);
      value.push_back(kHex[byte & 15]);
    }
    if (!std::all_of(value.begin(), value.begin() + kShortLength, absl::ascii_isdigit)) {
      return ContainerId(std::move(value));
    }
  }
}

absl::StatusOr<ContainerId> ContainerId::Parse(absl::string_view text) {
  if (text.size() != kLength || !IsPrefix(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text.substr(0, 80), "\" is no container id: 64 of 0-9 and a-f"));
  }
  return ContainerId(std::string(text));
}

bool ContainerId::IsPrefix(absl::string_view text) {
  return !text.empty() && text.size() <= kLength &&
         std::all_of(text.begin(), text.end(), IsLowerHex);
}

}  // namespace tiny::state
