#include "oci/spec_parser.h"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"
#include "oci/spec_fields.h"

namespace tiny::oci {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxSize = size_t{16} << 20;
constexpr int kMaxDepth = 64;

// Where in the document a value is; its text is made only for an error.
struct Path {
  const Path* parent = nullptr;
  const char* key = nullptr;  // nullptr: an element of a list
  size_t index = 0;

  std::string ToString() const {
    std::string text = parent == nullptr ? "" : parent->ToString();
    if (key == nullptr) {
      if (parent != nullptr) absl::StrAppend(&text, "[", index, "]");
    } else {
      absl::StrAppend(&text, text.empty() ? "" : ".", key);
    }
    return text;
  }
};

std::string Kind(const Json& json) {
  switch (json.type()) {
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return json.get<bool>() ? "true" : "false";
    case Json::value_t::number_float:
      return "a number with a fraction";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return absl::StrCat("the number ", json.dump());
    default:
      return "null";
  }
}

// Keeps the first error; after it nothing more is read.
class Decoder {
 public:
  const absl::Status& status() const { return status_; }

  template <typename T>
  void Decode(const Json& json, const Path& path, T& out) {
    if (!status_.ok()) return;
    if constexpr (std::same_as<T, bool>) {
      if (!json.is_boolean()) return Expected("true or false", json, path);
      out = json.get<bool>();
    } else if constexpr (std::integral<T>) {
      DecodeInteger(json, path, out);
    } else if constexpr (std::same_as<T, std::string>) {
      DecodeString(json, path, out);
    } else {
      DecodeStruct(json, path, out);
    }
  }

  template <typename T>
  void Decode(const Json& json, const Path& path, std::optional<T>& out) {
    Decode(json, path, out.emplace());
  }

  template <typename T>
  void Decode(const Json& json, const Path& path, std::vector<T>& out) {
    if (!status_.ok()) return;
    if (!json.is_array()) return Expected("a list", json, path);
    out.reserve(json.size());
    for (const Json& item : json) {
      const Path element{.parent = &path, .index = out.size()};
      Decode(item, element, out.emplace_back());
    }
  }

  template <typename T>
  void Decode(const Json& json, const Path& path, std::map<std::string, T>& out) {
    if (!status_.ok()) return;
    if (!json.is_object()) return Expected("an object", json, path);
    for (const auto& [key, value] : json.items()) {
      if (absl::StrContains(key, '\0')) return Fail(path, "a key has a NUL character");
      Decode(value, Path{.parent = &path, .key = key.c_str()}, out[key]);
    }
  }

 private:
  // What spec_fields.h visits an object with.
  class Object {
   public:
    Object(Decoder& decoder, const Json& json, const Path& path)
        : decoder_(decoder), json_(json), path_(path) {}

    template <typename T>
    void operator()(const char* key, T& out) {
      if (const Json* value = Find(json_, key); value != nullptr) {
        decoder_.Decode(*value, Path{.parent = &path_, .key = key}, out);
      }
    }

    template <typename T>
    void Inner(const char* outer, const char* key, T& out) {
      const Json* object = Find(json_, outer);
      if (object == nullptr) return;
      const Path path{.parent = &path_, .key = outer};
      if (!object->is_object()) return decoder_.Expected("an object", *object, path);
      Object(decoder_, *object, path)(key, out);
    }

   private:
    static const Json* Find(const Json& json, const char* key) {
      const auto found = json.find(key);
      return found == json.end() || found->is_null() ? nullptr : &*found;
    }

    Decoder& decoder_;
    const Json& json_;
    const Path& path_;
  };

  void Fail(const Path& path, absl::string_view why) {
    if (!status_.ok()) return;
    const std::string where = path.ToString();
    status_ = absl::InvalidArgumentError(where.empty() ? std::string(why)
                                                       : absl::StrCat(where, ": ", why));
  }

  void Expected(absl::string_view what, const Json& json, const Path& path) {
    Fail(path, absl::StrCat("expected ", what, ", found ", Kind(json)));
  }

  template <typename T>
  void DecodeInteger(const Json& json, const Path& path, T& out) {
    if (!json.is_number_integer()) return Expected("an integer", json, path);
    using Limits = std::numeric_limits<T>;
    const bool fits = json.is_number_unsigned()
                          ? json.get<uint64_t>() <= static_cast<uint64_t>(Limits::max())
                          : std::cmp_greater_equal(json.get<int64_t>(), Limits::min());
    if (!fits) {
      return Fail(path, absl::StrCat(json.dump(), " is not between ", Limits::min(), " and ",
                                     Limits::max()));
    }
    out = json.get<T>();
  }

  void DecodeString(const Json& json, const Path& path, std::string& out) {
    if (!json.is_string()) return Expected("a string", json, path);
    out = json.get_ref<const std::string&>();
    // The kernel would see only what is before it.
    if (absl::StrContains(out, '\0')) Fail(path, "has a NUL character");
  }

  template <typename T>
  void DecodeStruct(const Json& json, const Path& path, T& out) {
    if (!json.is_object()) return Expected("an object", json, path);
    // Required, and so without the default that a spec made here has.
    if constexpr (std::same_as<T, Process>) out.cwd.clear();
    if constexpr (std::same_as<T, Spec>) out.oci_version.clear();
    Object object(*this, json, path);
    Fields(object, out);
    if constexpr (std::same_as<T, Mount>) {
      // Old configurations may have a relative one, which is meant from the root.
      if (!out.destination.empty() && out.destination[0] != '/') out.destination.insert(0, 1, '/');
    }
  }

  absl::Status status_;
};

// The JSON library's own recursion is bounded by what this lets through.
absl::Status CheckDepth(absl::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) {
        return absl::InvalidArgumentError(
            absl::StrCat("is nested deeper than ", kMaxDepth, " levels"));
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Json> ParseJson(absl::string_view text) {
  if (text.size() > kMaxSize) return absl::InvalidArgumentError("is longer than 16 MiB");
  RETURN_IF_ERROR(CheckDepth(text));
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& error) {
    const absl::string_view before = text.substr(0, error.byte > 0 ? error.byte - 1 : 0);
    const size_t line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    return absl::InvalidArgumentError(
        absl::StrCat("is not JSON: error at line ", line, ", column ", column));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("is not JSON: ", error.what()));
  }
}

template <typename T>
absl::StatusOr<T> Parse(absl::string_view text, const Path& path) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  T result;
  Decoder decoder;
  decoder.Decode(json, path, result);
  if (!decoder.status().ok()) return decoder.status();
  return result;
}

}  // namespace

absl::StatusOr<Spec> ParseSpec(absl::string_view json) { return Parse<Spec>(json, Path{}); }

absl::StatusOr<Process> ParseProcess(absl::string_view json) {
  return Parse<Process>(json, Path{.key = "process"});
}

absl::StatusOr<Resources> ParseResources(absl::string_view json) {
  return Parse<Resources>(json, Path{.key = "linux.resources"});
}

}  // namespace tiny::oci
