// What UTF-8 text does on a terminal: how wide it is, and what in it would steer the terminal.
// Pure functions, thread-safe.
#ifndef TINY_CLI_UTF8_H_
#define TINY_CLI_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tiny::cli {

// How many bytes from the first on are printable ASCII, of which most text is made: each is a
// character of one column.
size_t PlainPrefix(absl::string_view text);

bool IsControl(uint32_t code);  // C0, DEL, C1, and the marks that turn the writing direction

// Columns that a terminal gives the text: 2 for East Asian wide characters and emoji, 0 for
// combining ones. Broken bytes count 1.
size_t DisplayWidth(absl::string_view text);

// The longest prefix of whole characters that is at most `width` columns wide.
absl::string_view TruncateToWidth(absl::string_view text, size_t width);

// docker's cut: at most `width` columns, the last one "…" where something was cut.
std::string Ellipsis(absl::string_view text, size_t width);

}  // namespace tiny::cli

#endif  // TINY_CLI_UTF8_H_
