#include "oci/spec_serializer.h"

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"
#include "oci/spec_fields.h"

namespace tiny::oci {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json Encode(const T& value);

bool IsEmpty(const Json& json) {
  return json.is_null() || (json.is_structured() && json.empty()) ||
         (json.is_string() && json.get_ref<const std::string&>().empty());
}

// What spec_fields.h visits a struct with.
class Object {
 public:
  template <typename T>
  void operator()(const char* key, const T& value) {
    if (Json json = Encode(value); !IsEmpty(json)) json_[key] = std::move(json);
  }
  // An optional that is there is written even where it has nothing in it.
  template <typename T>
  void operator()(const char* key, const std::optional<T>& value) {
    if (value) json_[key] = Encode(*value);
  }
  template <typename T>
  void Inner(const char* outer, const char* key, const std::optional<T>& value) {
    if (value) json_[outer][key] = Encode(*value);
  }

  Json Take() && { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

template <typename T>
Json EncodeAll(const std::vector<T>& list) {
  Json json = Json::array();
  for (const T& item : list) json.push_back(Encode(item));
  return json;
}

template <typename T>
Json EncodeAll(const std::map<std::string, T>& map) {
  Json json = Json::object();
  for (const auto& [key, value] : map) json[key] = Encode(value);
  return json;
}

template <typename T>
Json Encode(const T& value) {
  if constexpr (std::integral<T> || std::same_as<T, std::string>) {
    return value;
  } else if constexpr (requires { EncodeAll(value); }) {
    return EncodeAll(value);
  } else {
    Object object;
    Fields(object, value);
    return std::move(object).Take();
  }
}

}  // namespace

std::string SerializeSpec(const Spec& spec, bool pretty) {
  return Encode(spec).dump(pretty ? 1 : -1, '\t', false, Json::error_handler_t::replace);
}

}  // namespace tiny::oci
