// "Did you mean": the nearest of some names. Pure functions, thread-safe.
#ifndef TINY_CLI_SUGGEST_H_
#define TINY_CLI_SUGGEST_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tiny::cli {

// The Damerau-Levenshtein distance: insertions, deletions, replacements and swaps of neighbours.
size_t EditDistance(absl::string_view a, absl::string_view b);

// The name that `word` was most likely meant to be, or an empty string where none is near: at most
// one change for each three letters, or a prefix of at least three letters.
absl::string_view NearestName(absl::string_view word, absl::Span<const absl::string_view> names);

}  // namespace tiny::cli

#endif  // TINY_CLI_SUGGEST_H_
