#include "cli/suggest.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"

namespace tiny::cli {

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before_previous(b.size() + 1);
  std::vector<size_t> previous(b.size() + 1);
  std::vector<size_t> current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_previous[j - 2] + 1);
      }
    }
    std::swap(before_previous, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

absl::string_view NearestName(absl::string_view word, absl::Span<const absl::string_view> names) {
  constexpr size_t kLongestWord = 64;
  if (word.size() > kLongestWord) return "";
  absl::string_view nearest;
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  for (const absl::string_view name : names) {
    if (name.size() > kLongestWord) continue;
    const size_t distance = EditDistance(word, name);
    if (distance < best) {
      best = distance;
      nearest = name;
    }
  }
  if (!nearest.empty() || word.size() < 3) return nearest;
  for (const absl::string_view name : names) {
    if (absl::StartsWith(name, word)) return name;
  }
  return "";
}

}  // namespace tiny::cli
