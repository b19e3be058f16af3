// Turns structs with VisitFields (state/record_fields.h) into JSON and back. Internal to state/.
#ifndef TINY_STATE_RECORD_CODEC_H_
#define TINY_STATE_RECORD_CODEC_H_

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/timestamp.h"
#include "state/record_fields.h"

namespace tiny::state {

// The names of an enum's values; indexed by value. Specialised beside each enum's codec.
template <class Enum>
struct EnumNames;

template <>
struct EnumNames<MountConfig::Type> {
  static constexpr absl::string_view kNames[] = {"bind", "volume", "tmpfs"};
};

template <>
struct EnumNames<Status> {
  static constexpr absl::string_view kNames[] = {"created",  "running", "paused", "restarting",
                                                 "removing", "exited",  "dead"};
};

// Writes members that differ from their defaults.
class RecordWriter {
 public:
  explicit RecordWriter(std::string* out) : json_(out) {}

  // `version` is of the record's format; 0: none, for what is nested.
  template <class T>
  void Write(const T& value, int version) {
    json_.BeginObject();
    if (version > 0) (*this)("version", version, 0);
    VisitFields(*this, value, T());
    json_.EndObject();
  }

  template <class T>
  void operator()(absl::string_view key, const T& member, const T& standard) {
    const JsonWriter::Mark mark = json_.mark();
    json_.Key(key);
    if (!Value(member, standard)) json_.RollBack(mark);
  }

 private:
  // Each returns false for a value that is the default and so need not be there.
  bool Value(const std::string& value, const std::string& standard) {
    json_.String(value);
    return value != standard;
  }
  bool Value(bool value, bool standard) {
    json_.Bool(value);
    return value != standard;
  }
  template <std::signed_integral T>
  bool Value(T value, T standard) {
    json_.Int(value);
    return value != standard;
  }
  template <std::unsigned_integral T>
  bool Value(T value, T standard) {
    json_.Uint(value);
    return value != standard;
  }
  bool Value(absl::Time value, absl::Time standard) {
    json_.String(FormatTimestamp(value));
    return value != standard;
  }
  bool Value(absl::Duration value, absl::Duration standard) {
    json_.Int(absl::ToInt64Nanoseconds(value));
    return value != standard;
  }
  template <class T>
  requires std::is_enum_v<T>
  bool Value(T value, T standard) {
    json_.String(EnumNames<T>::kNames[static_cast<size_t>(value)]);
    return value != standard;
  }
  template <class T>
  bool Value(const std::optional<T>& value, const std::optional<T>&) {
    if (value.has_value()) Value(*value, T());
    return value.has_value();
  }
  template <class T>
  bool Value(const std::vector<T>& values, const std::vector<T>&) {
    json_.BeginArray();
    for (const T& value : values) Value(value, T());
    json_.EndArray();
    return !values.empty();
  }
  bool Value(const std::map<std::string, std::string>& values,
             const std::map<std::string, std::string>&) {
    json_.BeginObject();
    for (const auto& [key, value] : values) {
      json_.Key(key);
      json_.String(value);
    }
    json_.EndObject();
    return !values.empty();
  }
  template <class T>
  requires std::is_class_v<T>
  bool Value(const T& value, const T& standard) {
    json_.BeginObject();
    const JsonWriter::Mark empty = json_.mark();
    VisitFields(*this, value, standard);
    const bool written = json_.mark().size != empty.size;
    json_.EndObject();
    return written;
  }

  JsonWriter json_;
};

// Reads members by their keys; skips keys that no member has.
class RecordReader {
 public:
  explicit RecordReader(absl::string_view text) : json_(text) {}

  template <class T>
  absl::Status Read(int version, T* value) {
    version_limit_ = version;
    Value(*value);
    if (newer_ > 0) {
      return absl::FailedPreconditionError(absl::StrCat(
          "written by a newer version: format ", newer_, ", and this one knows up to ", version));
    }
    const absl::Status status = json_.Finish();
    if (status.ok() || path_.empty()) return status;
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", status.message()));
  }

  template <class T>
  void operator()(absl::string_view key, T& member, const T&) {
    Object& object = *object_;
    if (!object.has_key || key != object.key) return;
    object.matched = true;
    if (Value(member)) {
      object.has_key = json_.NextKey(&object.key);
    } else {
      object.has_key = false;
      path_ = absl::StrCat(key, path_.empty() || path_[0] == '[' ? "" : ".", path_);
    }
  }

 private:
  // One that is being read.
  struct Object {
    bool has_key = false;  // `key` is the next member's
    std::string key;
    bool matched = false;  // in this pass over the fields
  };

  bool Value(std::string& value) { return json_.ReadString(&value); }
  bool Value(bool& value) { return json_.ReadBool(&value); }
  template <std::signed_integral T>
  bool Value(T& value) {
    int64_t wide;
    if (!json_.ReadInt(&wide)) return false;
    if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max()) {
      return json_.Fail("number out of range");
    }
    value = static_cast<T>(wide);
    return true;
  }
  template <std::unsigned_integral T>
  bool Value(T& value) {
    uint64_t wide;
    if (!json_.ReadUint(&wide)) return false;
    if (wide > std::numeric_limits<T>::max()) return json_.Fail("number out of range");
    value = static_cast<T>(wide);
    return true;
  }
  bool Value(absl::Time& value) {
    if (!json_.ReadString(&scratch_)) return false;
    const absl::StatusOr<absl::Time> time = ParseTimestamp(scratch_);
    if (!time.ok()) return json_.Fail("expected a time");
    value = *time;
    return true;
  }
  bool Value(absl::Duration& value) {
    int64_t nanoseconds;
    if (!json_.ReadInt(&nanoseconds)) return false;
    value = absl::Nanoseconds(nanoseconds);
    return true;
  }
  template <class T>
  requires std::is_enum_v<T>
  bool Value(T& value) {
    if (!json_.ReadString(&scratch_)) return false;
    int index = 0;
    for (const absl::string_view name : EnumNames<T>::kNames) {
      if (name == scratch_) {
        value = static_cast<T>(index);
        return true;
      }
      ++index;
    }
    return json_.Fail(absl::StrCat("unknown value \"", scratch_, "\""));
  }
  template <class T>
  bool Value(std::optional<T>& value) {
    return Value(value.emplace());
  }
  template <class T>
  bool Value(std::vector<T>& values) {
    values.clear();
    if (!json_.BeginArray()) return false;
    while (json_.NextElement()) {
      if (!Value(values.emplace_back())) {
        path_ = absl::StrCat("[", values.size() - 1, "]", path_.empty() ? "" : ".", path_);
        return false;
      }
    }
    return json_.ok();
  }
  bool Value(std::map<std::string, std::string>& values) {
    values.clear();
    if (!json_.BeginObject()) return false;
    std::string key;
    while (json_.NextKey(&key)) {
      std::string value;
      if (!json_.ReadString(&value)) {
        path_ = key;
        return false;
      }
      values.insert_or_assign(key, std::move(value));
    }
    return json_.ok();
  }
  template <class T>
  requires std::is_class_v<T>
  bool Value(T& value) {
    if (!json_.BeginObject()) return false;
    Object* const outer = object_;
    Object object;
    object.has_key = json_.NextKey(&object.key);
    // One pass over the fields is enough where the keys come in the order in which they are
    // written.
    while (object.has_key) {
      if (outer == nullptr && object.key == "version") {
        object.has_key = Version() && json_.NextKey(&object.key);
        continue;
      }
      object.matched = false;
      object_ = &object;
      VisitFields(*this, value, value);  // a reader looks at no defaults
      object_ = outer;
      if (object.matched) continue;
      json_.Skip();
      object.has_key = json_.ok() && json_.NextKey(&object.key);
    }
    return json_.ok();
  }
  // Only the outermost object has one.
  bool Version() {
    int version = 0;
    if (!Value(version)) {
      path_ = "version";
      return false;
    }
    if (version > version_limit_) {
      newer_ = version;
      return json_.Fail("a newer version");
    }
    return true;
  }

  JsonReader json_;
  int version_limit_ = 0;
  int newer_ = 0;
  Object* object_ = nullptr;  // whose fields are visited
  std::string path_;          // to the value that was wrong
  std::string scratch_;
};

}  // namespace tiny::state

#endif  // TINY_STATE_RECORD_CODEC_H_
