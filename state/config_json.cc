#include "state/config_json.h"

#include "base/status_macros.h"
#include "state/record_codec.h"

namespace tiny::state {

std::string ConfigToJson(const ContainerConfig& config) {
  std::string json;
  json.reserve(2048);
  RecordWriter(&json).Write(config, kConfigVersion);
  json.push_back('\n');
  return json;
}

absl::StatusOr<ContainerConfig> ConfigFromJson(absl::string_view json) {
  if (json.size() > kMaxRecordSize) return absl::OutOfRangeError("longer than 4 MiB");
  ContainerConfig config;
  RETURN_IF_ERROR(RecordReader(json).Read(kConfigVersion, &config));
  return config;
}

}  // namespace tiny::state
