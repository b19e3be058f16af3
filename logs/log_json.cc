#include "logs/log_json.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "logs/log_time.h"

namespace tiny::logs {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr absl::string_view kHex = "0123456789abcdef";

// The length of the UTF-8 character at the beginning of `text` (RFC 3629); 0 where it is broken.
size_t CharLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Too long a form, surrogates, and what is beyond U+10FFFF.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
      (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

// Appends `text` escaped; false where something had to be replaced.
bool AppendEscaped(absl::string_view text, std::string* out) {
  bool exact = true;
  while (!text.empty()) {
    const size_t length = CharLength(text);
    const char c = text[0];
    if (length == 0) {
      exact = false;
      absl::StrAppend(out, kReplacement);
    } else if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (static_cast<uint8_t>(c) < 0x20) {
      const char escaped[] = {'\\',         'u', '0', '0', kHex[static_cast<uint8_t>(c) >> 4],
                              kHex[c & 0xF]};
      out->append(escaped, sizeof(escaped));
    } else {
      out->append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return exact;
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr uint8_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out->push_back(static_cast<char>(kLead[more] | code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) {
    out->push_back(static_cast<char>(0x80 | (code >> (6 * i) & 0x3F)));
  }
}

// Reads one JSON object of one line, member by member.
class Scanner {
 public:
  explicit Scanner(absl::string_view text) : text_(text) {}

  void SkipBlanks() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t' || text_[0] == '\r')) {
      text_.remove_prefix(1);
    }
  }
  bool Take(char c) {
    SkipBlanks();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool AtString() {
    SkipBlanks();
    return !text_.empty() && text_[0] == '"';
  }
  bool AtEnd() {
    SkipBlanks();
    return text_.empty();
  }

  // The string's inside, escapes not undone.
  bool TakeRawString(absl::string_view* raw) {
    if (!Take('"')) return false;
    size_t end = 0;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return false;
    *raw = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return true;
  }

  // Any value: what is in braces and brackets by counting them.
  bool SkipValue() {
    int depth = 0;
    do {
      SkipBlanks();
      if (text_.empty()) return false;
      const char c = text_[0];
      if (c == '"') {
        absl::string_view raw;
        if (!TakeRawString(&raw)) return false;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) return false;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      text_.remove_prefix(1);
      if (depth == 0 && c != '}' && c != ']') SkipWord();
    } while (depth > 0);
    return true;
  }

 private:
  void SkipWord() {
    while (!text_.empty() && text_[0] != ',' && text_[0] != '}' && text_[0] != ' ') {
      text_.remove_prefix(1);
    }
  }

  absl::string_view text_;
};

bool TakeHex4(absl::string_view* raw, uint32_t* code) {
  if (raw->size() < 4) return false;
  *code = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = (*raw)[i];
    const size_t digit = kHex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
    if (digit == absl::string_view::npos) return false;
    *code = *code << 4 | static_cast<uint32_t>(digit);
  }
  raw->remove_prefix(4);
  return true;
}

// \uXXXX, with a second one where the first is half of a pair; a lone half is U+FFFD.
bool UnescapeUnicode(absl::string_view* raw, std::string* out) {
  uint32_t code = 0;
  if (!TakeHex4(raw, &code)) return false;
  if (code >= 0xD800 && code < 0xDC00) {
    absl::string_view rest = *raw;
    uint32_t low = 0;
    if (absl::ConsumePrefix(&rest, "\\u") && TakeHex4(&rest, &low) && low >= 0xDC00 &&
        low < 0xE000) {
      *raw = rest;
      AppendUtf8(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), out);
      return true;
    }
  }
  if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;
  AppendUtf8(code, out);
  return true;
}

bool Unescape(absl::string_view raw, std::string* out) {
  while (!raw.empty()) {
    const size_t plain = raw.find('\\');
    out->append(raw.data(), plain == absl::string_view::npos ? raw.size() : plain);
    if (plain == absl::string_view::npos) return true;
    raw.remove_prefix(plain + 1);
    if (raw.empty()) return false;
    const char c = raw[0];
    raw.remove_prefix(1);
    constexpr absl::string_view kEscapes = "\"\\/bfnrt";
    constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const size_t escape = kEscapes.find(c);
    if (c == 'u') {
      if (!UnescapeUnicode(&raw, out)) return false;
    } else if (escape != absl::string_view::npos) {
      out->push_back(kMeanings[escape]);
    } else {
      return false;
    }
  }
  return true;
}

struct RawRecord {
  absl::string_view log;
  absl::string_view stream;
  absl::string_view time;
  absl::string_view base64;
  bool has_log = false;
  bool has_base64 = false;
};

bool ScanRecord(absl::string_view line, RawRecord* raw) {
  Scanner scanner(line);
  if (!scanner.Take('{')) return false;
  do {
    absl::string_view key;
    if (!scanner.TakeRawString(&key) || !scanner.Take(':')) return false;
    absl::string_view value;
    if (!scanner.AtString()) {
      if (!scanner.SkipValue()) return false;
      continue;
    }
    if (!scanner.TakeRawString(&value)) return false;
    if (key == "log") {
      raw->log = value;
      raw->has_log = true;
    } else if (key == "stream") {
      raw->stream = value;
    } else if (key == "time") {
      raw->time = value;
    } else if (key == "log_base64") {
      raw->base64 = value;
      raw->has_base64 = true;
    }
  } while (scanner.Take(','));
  return scanner.Take('}') && scanner.AtEnd();
}

}  // namespace

void AppendJsonRecord(const LogRecord& record, std::string* out) {
  absl::StrAppend(out, "{\"log\":\"");
  const bool exact = AppendEscaped(record.text, out);
  absl::StrAppend(out, record.ends_line ? "\\n" : "", "\",\"stream\":\"",
                  record.stream == Stream::kStdout ? "stdout" : "stderr");
  if (!exact) absl::StrAppend(out, "\",\"log_base64\":\"", absl::Base64Escape(record.text));
  absl::StrAppend(out, "\",\"time\":\"");
  AppendTimestamp(record.time, out);
  absl::StrAppend(out, "\"}\n");
}

bool ParseJsonRecord(absl::string_view line, std::string* scratch, LogRecord* record) {
  RawRecord raw;
  if (!ScanRecord(line, &raw) || !raw.has_log) return false;
  record->time = ParseLogTimestamp(raw.time);
  if (record->time == absl::InfinitePast()) return false;
  if (raw.stream != "stdout" && raw.stream != "stderr") return false;
  record->stream = raw.stream == "stdout" ? Stream::kStdout : Stream::kStderr;
  scratch->clear();
  if (raw.log.find('\\') == absl::string_view::npos) {
    record->ends_line = false;
    record->text = raw.log;
  } else {
    if (!Unescape(raw.log, scratch)) return false;
    record->text = *scratch;
    record->ends_line = absl::ConsumeSuffix(&record->text, "\n");
  }
  if (raw.has_base64) {
    if (!absl::Base64Unescape(raw.base64, scratch)) return false;
    record->text = *scratch;
  }
  return true;
}

}  // namespace tiny::logs
