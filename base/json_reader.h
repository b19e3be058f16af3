// Reads JSON text (RFC 8259) value by value, without building a tree.
//
//   JsonReader json(R"({"pid": 42, "more": [1, 2]})");
//   std::string key;
//   if (json.BeginObject()) {
//     while (json.NextKey(&key)) {
//       if (key == "pid") json.ReadInt(&pid); else json.Skip();
//     }
//   }
//   RETURN_IF_ERROR(json.Finish());
//
// The first error sticks: every later call returns false, so a caller may check once at the end.
// Strict, but for strings: any bytes from 0x20 on are taken, UTF-8 or not. Nesting is limited to
// kMaxDepth, so hostile text cannot exhaust the stack. Thread-compatible.
#ifndef TINY_BASE_JSON_READER_H_
#define TINY_BASE_JSON_READER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tiny {

class JsonReader {
 public:
  static constexpr int kMaxDepth = 64;
  enum class Type { kNull, kBool, kNumber, kString, kArray, kObject, kNone };

  // `text` outlives the reader.
  explicit JsonReader(absl::string_view text) : text_(text) {}

  // What the next value is; kNone where there is no value.
  Type Peek();

  bool BeginObject();
  // The next member's key, after which its value is to be read or skipped. False: the object has
  // ended, or there was an error.
  bool NextKey(std::string* key);
  bool BeginArray();
  bool NextElement();  // false: the array has ended, or there was an error

  bool ReadString(std::string* value);
  // A number without fraction that fits the type; else an error.
  bool ReadInt(int64_t* value);
  bool ReadUint(uint64_t* value);
  bool ReadBool(bool* value);
  bool Skip();                             // any value, however deep
  bool SkipText(absl::string_view* text);  // likewise; the text is the value's

  // Makes the reader fail, for a value that is not what the caller can use.
  bool Fail(absl::string_view message);
  bool ok() const { return error_.empty(); }

  // Ok where there was no error and only white space is left; else kInvalidArgument with what was
  // wrong and at which byte.
  absl::Status Finish();

 private:
  bool Consume(char c);
  bool ConsumeWord(absl::string_view word);
  void SkipSpace();
  bool Begin(char bracket, absl::string_view expected);
  bool Next(char bracket);
  bool ReadNumber(absl::string_view* number);
  bool ReadEscape(std::string* value);
  bool ReadHex4(uint32_t* code);
  bool SkipString();

  absl::string_view text_;
  size_t position_ = 0;
  int depth_ = 0;
  bool first_ = false;  // no member or element of the innermost container was read yet
  std::string error_;
};

}  // namespace tiny

#endif  // TINY_BASE_JSON_READER_H_
