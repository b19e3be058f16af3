#include "runtime/volumes/volume_json.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

namespace tiny::runtime {
namespace {

void WriteStrings(const std::map<std::string, std::string>& strings, JsonWriter& json) {
  json.BeginObject();
  for (const auto& [key, value] : strings) {
    json.Key(key);
    json.String(value);
  }
  json.EndObject();
}

void ReadStrings(JsonReader& json, std::map<std::string, std::string>* strings) {
  std::string key;
  if (!json.BeginObject()) return;
  while (json.NextKey(&key)) json.ReadString(&(*strings)[key]);
}

}  // namespace

std::string SerializeVolume(const Volume& volume) {
  std::string text;
  JsonWriter json(&text);
  json.BeginObject();
  json.Key("created_at");
  json.String(absl::FormatTime(volume.created_at, absl::UTCTimeZone()));
  json.Key("labels");
  WriteStrings(volume.labels, json);
  json.Key("options");
  WriteStrings(volume.options, json);
  json.Key("anonymous");
  json.Bool(volume.anonymous);
  json.EndObject();
  return text + "\n";
}

absl::StatusOr<Volume> ParseVolume(absl::string_view text) {
  Volume volume;
  std::string created;
  std::string key;
  JsonReader json(text);
  if (json.BeginObject()) {
    while (json.NextKey(&key)) {
      if (key == "created_at") {
        json.ReadString(&created);
      } else if (key == "labels") {
        ReadStrings(json, &volume.labels);
      } else if (key == "options") {
        ReadStrings(json, &volume.options);
      } else if (key == "anonymous") {
        json.ReadBool(&volume.anonymous);
      } else {
        json.Skip();
      }
    }
  }
  if (const absl::Status read = json.Finish(); !read.ok()) {
    return absl::DataLossError(absl::StrCat("volume.json: ", read.message()));
  }
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, created, &volume.created_at, &error)) {
    return absl::DataLossError("volume.json: created_at is not a time");
  }
  return volume;
}

}  // namespace tiny::runtime
