#include "runtime/volumes/volume_json.h"

#include "nlohmann/json.hpp"

namespace tiny::runtime {
namespace {

using Json = nlohmann::json;

bool ReadStrings(const Json& record, const char* key, std::map<std::string, std::string>* strings) {
  const auto found = record.find(key);
  if (found == record.end()) return true;
  if (!found->is_object()) return false;
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) return false;
    (*strings)[name] = value.get<std::string>();
  }
  return true;
}

}  // namespace

std::string SerializeVolume(const Volume& volume) {
  Json record;
  record["created_at"] = absl::FormatTime(volume.created_at, absl::UTCTimeZone());
  record["labels"] = volume.labels;
  record["options"] = volume.options;
  record["anonymous"] = volume.anonymous;
  return record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<Volume> ParseVolume(absl::string_view text) {
  const Json record = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return absl::DataLossError("volume.json is not a JSON object");
  Volume volume;
  const auto created = record.find("created_at");
  std::string error;
  if (created == record.end() || !created->is_string() ||
      !absl::ParseTime(absl::RFC3339_full, created->get<std::string>(), &volume.created_at,
                       &error)) {
    return absl::DataLossError("volume.json: created_at is not a time");
  }
  if (!ReadStrings(record, "labels", &volume.labels) ||
      !ReadStrings(record, "options", &volume.options)) {
    return absl::DataLossError("volume.json: labels and options are not maps of strings");
  }
  const auto anonymous = record.find("anonymous");
  volume.anonymous = anonymous != record.end() && anonymous->is_boolean() && anonymous->get<bool>();
  return volume;
}

}  // namespace tiny::runtime
