// ContainerConfig as the JSON text of config.json, and back. Pure functions.
//
// Keys are the members' names; a member that has its default is left out, so that files are short
// and a default may change with a version. Reading ignores keys that it does not know and gives
// members that are missing their defaults. Errors:
//   kInvalidArgument    not JSON, or a value of the wrong type or out of range: names the field,
//                       "resources.memory: expected an integer"
//   kFailedPrecondition written by a newer version of the format
//   kOutOfRange         longer than kMaxRecordSize
#ifndef TINY_STATE_CONFIG_JSON_H_
#define TINY_STATE_CONFIG_JSON_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "state/container_config.h"

namespace tiny::state {

inline constexpr int kConfigVersion = 1;
inline constexpr size_t kMaxRecordSize = size_t{4} << 20;

std::string ConfigToJson(const ContainerConfig& config);
absl::StatusOr<ContainerConfig> ConfigFromJson(absl::string_view json);

}  // namespace tiny::state

#endif  // TINY_STATE_CONFIG_JSON_H_
