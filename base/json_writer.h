// Writes JSON text (RFC 8259) by appending to a string: for records on paths where a tree of
// values would cost more than all the rest.
//
//   JsonWriter json(&text);
//   json.BeginObject();
//   json.Key("pid");
//   json.Int(42);
//   json.EndObject();  // {"pid":42}
//
// The caller sees to the nesting. Bytes of strings that are not ASCII go through as they are, so
// that what is not UTF-8 comes back byte by byte from JsonReader. Thread-compatible.
#ifndef TINY_BASE_JSON_WRITER_H_
#define TINY_BASE_JSON_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tiny {

// Appends `text` as a JSON string, quotes included.
void AppendJsonString(absl::string_view text, std::string* out);

class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : out_(out) {}

  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }
  void Key(absl::string_view key);

  void String(absl::string_view value);
  void Int(int64_t value);
  void Uint(uint64_t value);
  void Bool(bool value);

  // For leaving out what turned out to be empty: takes back everything after a mark.
  struct Mark {
    size_t size;
    bool comma;
  };
  Mark mark() const { return {out_->size(), comma_}; }
  void RollBack(Mark mark) {
    out_->resize(mark.size);
    comma_ = mark.comma;
  }

 private:
  void Begin(char bracket);
  void End(char bracket);
  void Separate();

  std::string* out_;
  bool comma_ = false;  // one is due before the next key or value
};

}  // namespace tiny

#endif  // TINY_BASE_JSON_WRITER_H_
