#include "state/state_json.h"

#include "base/status_macros.h"
#include "state/config_json.h"
#include "state/record_codec.h"

namespace tiny::state {

std::string StateToJson(const ContainerState& state) {
  std::string json;
  json.reserve(1024);
  RecordWriter(&json).Write(state, kStateVersion);
  json.push_back('\n');
  return json;
}

absl::StatusOr<ContainerState> StateFromJson(absl::string_view json) {
  if (json.size() > kMaxRecordSize) return absl::OutOfRangeError("longer than 4 MiB");
  ContainerState state;
  RETURN_IF_ERROR(RecordReader(json).Read(kStateVersion, &state));
  return state;
}

absl::string_view StatusName(Status status) {
  return EnumNames<Status>::kNames[static_cast<size_t>(status)];
}

}  // namespace tiny::state
