#include "oci/cli/glance.h"

#include <string>

#include "base/json_reader.h"

namespace tiny::oci {
namespace {

// Calls `visit` with each member's name; it reads or skips the value. False: this is no object.
template <typename Visit>
bool ForEachMember(JsonReader& json, Visit visit) {
  std::string key;
  if (json.Peek() != JsonReader::Type::kObject || !json.BeginObject()) return false;
  while (json.NextKey(&key)) visit(key);
  return json.ok();
}

struct Namespaces {
  bool network = false;
  bool user = false;
};

void ReadNamespaces(JsonReader& json, Namespaces& found) {
  if (json.Peek() != JsonReader::Type::kArray || !json.BeginArray()) {
    json.Skip();
    return;
  }
  while (json.NextElement()) {
    std::string type, path;
    const bool is_object = ForEachMember(json, [&](const std::string& key) {
      std::string* const value = key == "type" ? &type : key == "path" ? &path : nullptr;
      if (value == nullptr || json.Peek() != JsonReader::Type::kString) {
        json.Skip();
      } else {
        json.ReadString(value);
      }
    });
    if (!is_object) json.Skip();
    found.network = found.network || (type == "network" && path.empty());
    found.user = found.user || type == "user";
  }
}

}  // namespace

Glance GlanceAt(absl::string_view config) {
  JsonReader json(config);
  Glance glance;
  Namespaces namespaces;
  int profiles = 0;
  const auto visit_linux = [&](const std::string& key) {
    if (key == "namespaces") {
      ReadNamespaces(json, namespaces);
    } else if (key == "seccomp") {
      ++profiles;
      const bool is_object = json.Peek() == JsonReader::Type::kObject;
      absl::string_view text;
      if (json.SkipText(&text) && is_object) glance.seccomp = text;
    } else {
      json.Skip();
    }
  };
  const bool is_object = ForEachMember(json, [&](const std::string& key) {
    if (key != "linux" || !ForEachMember(json, visit_linux)) json.Skip();
  });
  if (!is_object || !json.Finish().ok()) return {};
  glance.new_network = namespaces.network && !namespaces.user;
  if (profiles != 1) glance.seccomp = {};
  return glance;
}

}  // namespace tiny::oci
