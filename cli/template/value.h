// A tree of values: what --format templates read and what --format json prints.
//
//   Value container = Value::Object({{"Name", "/web"}, {"RestartCount", 0}});
//   container.Set("Labels", Value::Dictionary());
//   std::string text = ToJson(container);   // {"Name":"/web","RestartCount":0,"Labels":{}}
//
// Members keep the order in which they were added. Thread-compatible.
#ifndef TINY_CLI_TEMPLATE_VALUE_H_
#define TINY_CLI_TEMPLATE_VALUE_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tiny::cli {

struct ValueMember;

// Converts from whatever it can hold. Its functions are defined where ValueMember is complete.
class Value {
 public:
  using List = std::vector<Value>;
  using Members = std::vector<ValueMember>;
  // What a template calls with arguments: {{.Label "key"}}. JSON leaves it out.
  using Function = std::function<absl::StatusOr<Value>(absl::Span<const Value> arguments)>;
  struct Map {
    Members members;
    // A dictionary's keys are data: one that is missing is no value. An object's are its fields:
    // one that is missing is a mistake in the template.
    bool is_dictionary = false;
  };

  Value();  // null
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  Value(bool value);
  Value(int value);
  Value(int64_t value);
  Value(uint64_t value);
  Value(double value);
  Value(const char* value);
  Value(absl::string_view value);
  Value(std::string value);
  Value(List value);
  Value(Function value);
  Value(const std::vector<std::string>& texts);

  static Value Object(std::initializer_list<std::pair<absl::string_view, Value>> members = {});
  static Value Dictionary(const std::map<std::string, std::string>& entries = {});

  // Of an object or dictionary: adds a member. Does not look for an older one of that key.
  void Set(absl::string_view key, Value value);
  void Append(Value value);  // of a list, or of null, which becomes one

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const int64_t* as_int() const { return std::get_if<int64_t>(&data_); }
  const double* as_double() const { return std::get_if<double>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  const List* as_list() const { return std::get_if<List>(&data_); }
  const Map* as_map() const { return std::get_if<Map>(&data_); }
  const Function* as_function() const { return std::get_if<Function>(&data_); }

  const Value* Find(absl::string_view key) const;  // nullptr: not a map, or no such member
  bool IsTrue() const;                             // as {{if}} takes it: not 0, not empty
  absl::string_view kind() const;                  // "string", "list", ... for messages

  bool operator==(const Value& other) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, List, Map, Function> data_;
};

struct ValueMember {
  std::string key;
  Value value;
};

// RFC 8259; bytes that are not UTF-8 become U+FFFD. With an indent, one member a line.
std::string ToJson(const Value& value, int indent = 0);

// What {{.}} prints: Go's %v, so [a b] for a list and map[k:v] for a map.
std::string ToText(const Value& value);

}  // namespace tiny::cli

#endif  // TINY_CLI_TEMPLATE_VALUE_H_
