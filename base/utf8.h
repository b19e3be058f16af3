// UTF-8 (RFC 3629), a character at a time. Pure functions, thread-safe.
#ifndef TINY_BASE_UTF8_H_
#define TINY_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tiny {

struct Utf8Char {
  uint32_t code = 0;   // the byte itself where it is broken
  size_t length = 1;   // bytes of it; 1 where it is broken
  bool valid = false;  // well-formed: shortest form, no surrogates
};

// The first character of `text`, which is not empty.
Utf8Char DecodeUtf8(absl::string_view text);

bool IsUtf8(absl::string_view text);

// The text with U+FFFD in the place of each broken byte.
std::string ReplaceInvalidUtf8(absl::string_view text);

}  // namespace tiny

#endif  // TINY_BASE_UTF8_H_
