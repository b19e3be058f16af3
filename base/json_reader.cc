#include "base/json_reader.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tiny {
namespace {

void AppendUtf8(uint32_t code, std::string* out) {
  const auto push = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | code >> 6);
    push(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    push(0xE0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  } else {
    push(0xF0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3F));
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  }
}

// RFC 8259's grammar, which SimpleAtoi is laxer than.
bool IsNumber(absl::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t begin = i;
    while (i < text.size() && absl::ascii_isdigit(text[i])) ++i;
    return i > begin;
  };
  if (i < text.size() && text[i] == '-') ++i;
  if (i < text.size() && text[i] == '0') {
    ++i;
  } else if (!digits()) {
    return false;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

}  // namespace

bool JsonReader::Fail(absl::string_view message) {
  if (error_.empty()) error_ = absl::StrCat(message, " at byte ", position_);
  return false;
}

void JsonReader::SkipSpace() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') break;
    ++position_;
  }
}

bool JsonReader::Consume(char c) {
  if (position_ >= text_.size() || text_[position_] != c) return false;
  ++position_;
  return true;
}

bool JsonReader::ConsumeWord(absl::string_view word) {
  if (!absl::StartsWith(text_.substr(position_), word)) return false;
  position_ += word.size();
  return true;
}

JsonReader::Type JsonReader::Peek() {
  if (!ok()) return Type::kNone;
  SkipSpace();
  if (position_ >= text_.size()) return Type::kNone;
  switch (text_[position_]) {
    case '{':
      return Type::kObject;
    case '[':
      return Type::kArray;
    case '"':
      return Type::kString;
    case 't':
    case 'f':
      return Type::kBool;
    case 'n':
      return Type::kNull;
    case '-':
      return Type::kNumber;
    default:
      return absl::ascii_isdigit(text_[position_]) ? Type::kNumber : Type::kNone;
  }
}

bool JsonReader::Begin(char bracket, absl::string_view expected) {
  if (!ok()) return false;
  SkipSpace();
  if (!Consume(bracket)) return Fail(expected);
  if (++depth_ > kMaxDepth) return Fail("nested too deeply");
  first_ = true;
  return true;
}

// Goes to the next member or element, over the comma; false at the closing bracket.
bool JsonReader::Next(char bracket) {
  if (!ok()) return false;
  SkipSpace();
  if (Consume(bracket)) {
    --depth_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (!Consume(',')) return Fail(absl::StrCat("expected , or ", absl::string_view(&bracket, 1)));
    SkipSpace();
  }
  first_ = false;
  return true;
}

bool JsonReader::BeginObject() { return Begin('{', "expected an object"); }
bool JsonReader::BeginArray() { return Begin('[', "expected an array"); }
bool JsonReader::NextElement() { return Next(']'); }

bool JsonReader::NextKey(std::string* key) {
  if (!Next('}') || !ReadString(key)) return false;
  SkipSpace();
  return Consume(':') || Fail("expected :");
}

bool JsonReader::ReadHex4(uint32_t* code) {
  *code = 0;
  for (int i = 0; i < 4; ++i, ++position_) {
    if (position_ >= text_.size() || !absl::ascii_isxdigit(text_[position_])) {
      return Fail("malformed \\u");
    }
    const char c = absl::ascii_tolower(text_[position_]);
    *code = *code << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return true;
}

bool JsonReader::ReadEscape(std::string* value) {
  if (position_ >= text_.size()) return Fail("unfinished string");
  const char c = text_[position_++];
  switch (c) {
    case '"':
    case '\\':
    case '/':
      value->push_back(c);
      return true;
    case 'b':
      value->push_back('\b');
      return true;
    case 'f':
      value->push_back('\f');
      return true;
    case 'n':
      value->push_back('\n');
      return true;
    case 'r':
      value->push_back('\r');
      return true;
    case 't':
      value->push_back('\t');
      return true;
    case 'u':
      break;
    default:
      return Fail("unknown escape");
  }
  uint32_t code;
  if (!ReadHex4(&code)) return false;
  constexpr uint32_t kReplacement = 0xFFFD;
  if (code >= 0xD800 && code < 0xDC00) {
    uint32_t low;
    const size_t after_high = position_;
    if (ConsumeWord("\\u") && ReadHex4(&low) && low >= 0xDC00 && low < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else {
      if (!ok()) return false;
      position_ = after_high;
      code = kReplacement;
    }
  } else if (code >= 0xDC00 && code < 0xE000) {
    code = kReplacement;
  }
  AppendUtf8(code, value);
  return true;
}

bool JsonReader::ReadString(std::string* value) {
  value->clear();
  if (!ok()) return false;
  SkipSpace();
  if (!Consume('"')) return Fail("expected a string");
  while (true) {
    const char* const begin = text_.data() + position_;
    const char* const end = std::find_if(begin, text_.data() + text_.size(), [](char c) {
      return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
    });
    value->append(begin, end - begin);
    position_ += static_cast<size_t>(end - begin);
    if (position_ >= text_.size()) return Fail("unfinished string");
    const char c = text_[position_];
    if (c == '"') {
      ++position_;
      return true;
    }
    if (c != '\\') return Fail("control character in a string");
    ++position_;
    if (!ReadEscape(value)) return false;
  }
}

bool JsonReader::ReadNumber(absl::string_view* number) {
  if (!ok()) return false;
  SkipSpace();
  const size_t begin = position_;
  size_t end = begin;
  while (end < text_.size() && (absl::ascii_isalnum(text_[end]) || text_[end] == '-' ||
                                text_[end] == '+' || text_[end] == '.')) {
    ++end;
  }
  *number = text_.substr(begin, end - begin);
  if (!IsNumber(*number)) return Fail("expected a number");
  position_ = end;
  return true;
}

bool JsonReader::ReadInt(int64_t* value) {
  absl::string_view number;
  if (Peek() != Type::kNumber) return Fail("expected an integer");
  if (!ReadNumber(&number)) return false;
  return absl::SimpleAtoi(number, value) || Fail("expected an integer of 64 bits");
}

bool JsonReader::ReadUint(uint64_t* value) {
  absl::string_view number;
  if (Peek() != Type::kNumber) return Fail("expected an integer");
  if (!ReadNumber(&number)) return false;
  return absl::SimpleAtoi(number, value) || Fail("expected an unsigned integer of 64 bits");
}

bool JsonReader::ReadBool(bool* value) {
  if (Peek() != Type::kBool) return Fail("expected true or false");
  *value = text_[position_] == 't';
  return ConsumeWord(*value ? "true" : "false") || Fail("expected true or false");
}

bool JsonReader::SkipString() {
  std::string ignored;
  return ReadString(&ignored);
}

bool JsonReader::Skip() {
  absl::string_view number;
  switch (Peek()) {
    case Type::kObject: {
      std::string key;
      if (!BeginObject()) return false;
      while (NextKey(&key)) {
        if (!Skip()) return false;
      }
      return ok();
    }
    case Type::kArray:
      if (!BeginArray()) return false;
      while (NextElement()) {
        if (!Skip()) return false;
      }
      return ok();
    case Type::kString:
      return SkipString();
    case Type::kNumber:
      return ReadNumber(&number);
    case Type::kBool: {
      bool ignored;
      return ReadBool(&ignored);
    }
    case Type::kNull:
      return ConsumeWord("null") || Fail("expected a value");
    case Type::kNone:
      break;
  }
  return Fail("expected a value");
}

bool JsonReader::SkipText(absl::string_view* text) {
  SkipSpace();
  const size_t begin = position_;
  if (!Skip()) return false;
  *text = text_.substr(begin, position_ - begin);
  return true;
}

absl::Status JsonReader::Finish() {
  if (ok()) {
    SkipSpace();
    if (position_ != text_.size()) Fail("unexpected text after the value");
  }
  if (!ok()) return absl::InvalidArgumentError(error_);
  return absl::OkStatus();
}

}  // namespace tiny
