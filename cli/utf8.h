// Just enough of UTF-8 to align columns and to keep control characters off a terminal.
// Pure functions, thread-safe.
#ifndef TINY_CLI_UTF8_H_
#define TINY_CLI_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tiny::cli {

struct Utf8Char {
  uint32_t code = 0;
  size_t length = 1;   // bytes of it; 1 where it is broken
  bool valid = false;  // well-formed by RFC 3629: shortest form, no surrogates
};

// The first character of `text`, which is not empty.
Utf8Char DecodeUtf8(absl::string_view text);

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
