#include "runtime/attach/detach_keys.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tiny::runtime {

absl::StatusOr<DetachKeys> DetachKeys::Parse(absl::string_view text) {
  DetachKeys keys;
  if (text.empty()) return keys;
  for (absl::string_view key : absl::StrSplit(text, ',')) {
    if (key.size() == 1) {
      keys.keys_ += key[0];
      continue;
    }
    constexpr absl::string_view kControls = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
    const size_t control = key.size() == 6 && absl::StartsWith(key, "ctrl-")
                               ? kControls.find(key[5])
                               : absl::string_view::npos;
    if (control == absl::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("invalid detach keys \"", text, "\": unknown key \"", key,
                       "\"; want single characters and ctrl-X, separated by commas"));
    }
    keys.keys_ += static_cast<char>(control);
  }
  return keys;
}

bool DetachKeys::Feed(absl::string_view input, std::string& out) {
  for (const char byte : input) {
    if (keys_.empty()) {
      out += byte;
      continue;
    }
    // The longest end of what was seen, with this byte, that the keys begin with.
    const std::string seen = keys_.substr(0, held_) + byte;
    size_t kept = std::min(seen.size(), keys_.size());
    while (kept > 0 && seen.substr(seen.size() - kept) != keys_.substr(0, kept)) --kept;
    const size_t passed = seen.size() - kept;
    if (passed > released_) out.append(seen, released_, passed - released_);
    released_ = released_ > passed ? released_ - passed : 0;
    held_ = kept;
    if (held_ == keys_.size()) return true;
  }
  return false;
}

void DetachKeys::Release(std::string& out) {
  out.append(keys_, released_, held_ - released_);
  released_ = held_;
}

}  // namespace tiny::runtime
