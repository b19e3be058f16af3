#include "cli/template/escapes.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tiny::cli {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

std::string HexOf(unsigned char byte) { return {kHex[byte >> 4], kHex[byte & 15]}; }

}  // namespace

std::string EscapeHtml(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\0':
        out += "\uFFFD";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string EscapeJs(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::StrContains("\\'\"", c)) {
      absl::StrAppend(&out, "\\", absl::string_view(&c, 1));
    } else if (absl::StrContains("<>&=", c) || absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      absl::StrAppend(&out, "\\u00", HexOf(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out;
}

std::string EscapeUrlQuery(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-_.~", c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      absl::StrAppend(&out, "%", HexOf(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

}  // namespace tiny::cli
