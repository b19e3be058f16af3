#include "base/utf8.h"

namespace tiny {

Utf8Char DecodeUtf8(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  Utf8Char result{.code = byte(0)};
  if (result.code < 0x80) {
    result.valid = true;
    return result;
  }
  size_t length = 0;
  uint32_t code = 0;
  uint32_t smallest = 0;
  if ((byte(0) & 0xE0) == 0xC0) {
    length = 2, code = byte(0) & 0x1F, smallest = 0x80;
  } else if ((byte(0) & 0xF0) == 0xE0) {
    length = 3, code = byte(0) & 0x0F, smallest = 0x800;
  } else if ((byte(0) & 0xF8) == 0xF0) {
    length = 4, code = byte(0) & 0x07, smallest = 0x10000;
  } else {
    return result;
  }
  if (text.size() < length) return result;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return result;
    code = code << 6 | (byte(i) & 0x3F);
  }
  if (code < smallest || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return result;
  return {.code = code, .length = length, .valid = true};
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const Utf8Char next = DecodeUtf8(text);
    if (!next.valid) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

std::string ReplaceInvalidUtf8(absl::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char next = DecodeUtf8(text);
    const absl::string_view bytes = next.valid ? text.substr(0, next.length) : "\xEF\xBF\xBD";
    result.append(bytes.data(), bytes.size());
    text.remove_prefix(next.length);
  }
  return result;
}

}  // namespace tiny
