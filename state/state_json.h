// ContainerState as the JSON text of state.json, and back. Pure functions; rules and errors are
// those of state/config_json.h.
#ifndef TINY_STATE_STATE_JSON_H_
#define TINY_STATE_STATE_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "state/container_state.h"

namespace tiny::state {

inline constexpr int kStateVersion = 1;

std::string StateToJson(const ContainerState& state);
absl::StatusOr<ContainerState> StateFromJson(absl::string_view json);

// "created", "running", "paused", "restarting", "removing", "exited", "dead".
absl::string_view StatusName(Status status);

}  // namespace tiny::state

#endif  // TINY_STATE_STATE_JSON_H_
