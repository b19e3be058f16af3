#include "cli/utf8.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace tiny::cli {
namespace {

struct Interval {
  uint32_t first;
  uint32_t last;
};

// The blocks that matter of Unicode's EastAsianWidth.txt (W and F) and of its emoji.
constexpr Interval kWide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x2614, 0x2615},
    {0x26A1, 0x26A1},   {0x2705, 0x2705},   {0x274C, 0x274C},   {0x2E80, 0x303E},
    {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
    {0x1FA70, 0x1FAFF}, {0x20000, 0x2FFFD}, {0x30000, 0x3FFFD},
};
constexpr Interval kZeroWidth[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},
    {0x064B, 0x065F}, {0x0E34, 0x0E3A}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};

template <size_t N>
bool Contains(const Interval (&intervals)[N], uint32_t code) {
  const Interval* found =
      std::upper_bound(std::begin(intervals), std::end(intervals), code,
                       [](uint32_t value, const Interval& each) { return value < each.first; });
  return found != std::begin(intervals) && code <= std::prev(found)->last;
}

size_t CharWidth(const Utf8Char& character) {
  if (!character.valid || character.code < 0x300) return 1;
  if (Contains(kZeroWidth, character.code)) return 0;
  return Contains(kWide, character.code) ? 2 : 1;
}

}  // namespace

size_t PlainPrefix(absl::string_view text) {
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  return std::find_if_not(text.begin(), text.end(), plain) - text.begin();
}

bool IsControl(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

size_t DisplayWidth(absl::string_view text) {
  size_t width = 0;
  while (true) {
    const size_t plain = PlainPrefix(text);
    width += plain;
    text.remove_prefix(plain);
    if (text.empty()) return width;
    const Utf8Char next = DecodeUtf8(text);
    width += CharWidth(next);
    text.remove_prefix(next.length);
  }
}

absl::string_view TruncateToWidth(absl::string_view text, size_t width) {
  size_t used = 0;
  size_t length = 0;
  while (length < text.size()) {
    const Utf8Char next = DecodeUtf8(text.substr(length));
    used += CharWidth(next);
    if (used > width) break;
    length += next.length;
  }
  return text.substr(0, length);
}

std::string Ellipsis(absl::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  return absl::StrCat(TruncateToWidth(text, width - 1), "…");
}

}  // namespace tiny::cli
