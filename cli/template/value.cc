#include "cli/template/value.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/json_writer.h"
#include "base/utf8.h"

namespace tiny::cli {
namespace {

std::string NumberText(double number) {
  return std::isfinite(number) ? absl::StrFormat("%.10g", number) : "null";
}

class ValueWriter {
 public:
  ValueWriter(int indent, std::string* out) : indent_(indent), out_(out) {}

  void Write(const Value& value, int depth) {
    if (value.as_bool() != nullptr) {
      out_->append(*value.as_bool() ? "true" : "false");
    } else if (value.as_int() != nullptr) {
      absl::StrAppend(out_, *value.as_int());
    } else if (value.as_double() != nullptr) {
      out_->append(NumberText(*value.as_double()));
    } else if (value.as_string() != nullptr) {
      WriteString(*value.as_string());
    } else if (value.as_list() != nullptr) {
      WriteList(*value.as_list(), depth);
    } else if (value.as_map() != nullptr) {
      WriteMap(value.as_map()->members, depth);
    } else {
      out_->append("null");
    }
  }

 private:
  void WriteString(absl::string_view text) { AppendJsonString(ReplaceInvalidUtf8(text), out_); }

  void NewLine(int depth) {
    if (indent_ == 0) return;
    out_->push_back('\n');
    out_->append(static_cast<size_t>(depth) * indent_, ' ');
  }

  void WriteList(const Value::List& list, int depth) {
    out_->push_back('[');
    for (size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out_->push_back(',');
      NewLine(depth + 1);
      Write(list[i], depth + 1);
    }
    if (!list.empty()) NewLine(depth);
    out_->push_back(']');
  }

  void WriteMap(const Value::Members& members, int depth) {
    out_->push_back('{');
    bool first = true;
    for (const ValueMember& member : members) {
      if (member.value.as_function() != nullptr) continue;
      if (!first) out_->push_back(',');
      first = false;
      NewLine(depth + 1);
      WriteString(member.key);
      out_->append(indent_ == 0 ? ":" : ": ");
      Write(member.value, depth + 1);
    }
    if (!first) NewLine(depth);
    out_->push_back('}');
  }

  int indent_;
  std::string* out_;
};

}  // namespace

Value::Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value::Value(bool value) : data_(value) {}
Value::Value(int value) : data_(int64_t{value}) {}
Value::Value(int64_t value) : data_(value) {}
Value::Value(uint64_t value) : data_(static_cast<int64_t>(value)) {}
Value::Value(double value) : data_(value) {}
Value::Value(const char* value) : data_(std::string(value)) {}
Value::Value(absl::string_view value) : data_(std::string(value)) {}
Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(List value) : data_(std::move(value)) {}
Value::Value(Function value) : data_(std::move(value)) {}
Value::Value(const std::vector<std::string>& texts) : data_(List(texts.begin(), texts.end())) {}

Value Value::Object(std::initializer_list<std::pair<absl::string_view, Value>> members) {
  Value value;
  value.data_ = Map{};
  for (const auto& [key, member] : members) value.Set(key, member);
  return value;
}

Value Value::Dictionary(const std::map<std::string, std::string>& entries) {
  Value value;
  value.data_ = Map{.members = {}, .is_dictionary = true};
  for (const auto& [key, text] : entries) value.Set(key, text);
  return value;
}

void Value::Set(absl::string_view key, Value value) {
  if (Map* map = std::get_if<Map>(&data_)) {
    map->members.push_back({std::string(key), std::move(value)});
  }
}

void Value::Append(Value value) {
  if (is_null()) data_ = List();
  if (List* list = std::get_if<List>(&data_)) list->push_back(std::move(value));
}

const Value* Value::Find(absl::string_view key) const {
  if (as_map() == nullptr) return nullptr;
  for (const ValueMember& member : as_map()->members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

bool Value::IsTrue() const {
  if (as_bool() != nullptr) return *as_bool();
  if (as_int() != nullptr) return *as_int() != 0;
  if (as_double() != nullptr) return *as_double() != 0;
  if (as_string() != nullptr) return !as_string()->empty();
  if (as_list() != nullptr) return !as_list()->empty();
  if (as_map() != nullptr) return !as_map()->is_dictionary || !as_map()->members.empty();
  return as_function() != nullptr;
}

absl::string_view Value::kind() const {
  constexpr absl::string_view kKinds[] = {"nothing", "truth value", "number", "number",
                                          "string",  "list",        "map",    "function"};
  return kKinds[data_.index()];
}

bool Value::operator==(const Value& other) const {
  if (as_int() != nullptr && other.as_double() != nullptr) {
    return static_cast<double>(*as_int()) == *other.as_double();
  }
  if (as_double() != nullptr && other.as_int() != nullptr) return other == *this;
  if (data_.index() != other.data_.index()) return false;
  return as_function() == nullptr && ToJson(*this) == ToJson(other);
}

std::string ToJson(const Value& value, int indent) {
  std::string text;
  ValueWriter(indent, &text).Write(value, 0);
  return text;
}

std::string ToText(const Value& value) {
  if (value.is_null()) return "<no value>";
  if (value.as_string() != nullptr) return *value.as_string();
  std::string text;
  if (const Value::List* list = value.as_list()) {
    for (const Value& each : *list) absl::StrAppend(&text, text.empty() ? "" : " ", ToText(each));
    return absl::StrCat("[", text, "]");
  }
  if (const Value::Map* map = value.as_map()) {
    for (const ValueMember& member : map->members) {
      if (member.value.as_function() != nullptr) continue;
      absl::StrAppend(&text, text.empty() ? "" : " ", member.key, ":", ToText(member.value));
    }
    return absl::StrCat(map->is_dictionary ? "map[" : "{", text, map->is_dictionary ? "]" : "}");
  }
  return ToJson(value);
}

}  // namespace tiny::cli
