#include "state/container_id.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/random_id.h"
#include "base/status_macros.h"

namespace tiny::state {
namespace {

bool IsLowerHex(char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); }

}  // namespace

absl::StatusOr<ContainerId> ContainerId::Generate() {
  while (true) {
    ASSIGN_OR_RETURN(std::string value, RandomId());
    static_assert(kLength == 64);
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
