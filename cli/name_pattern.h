// The pattern of `ps --filter name=`: an extended regular expression, as Docker takes one.
#ifndef TINY_CLI_NAME_PATTERN_H_
#define TINY_CLI_NAME_PATTERN_H_

#include "absl/strings/string_view.h"

namespace tiny::cli {

// Whether the pattern matches anywhere in the text: literals . [abc] [^a-z] ( | ) * + ? {m,n} ^ $
// and, after a backslash, d w s or a character that stands for itself. One that is malformed, or
// over 4096 bytes, matches where it stands in the text as it is written. Gives up, as if nothing
// matched, on one that would take very long. Thread-safe.
bool MatchesPattern(absl::string_view pattern, absl::string_view text);

}  // namespace tiny::cli

#endif  // TINY_CLI_NAME_PATTERN_H_
