// Events of containers, with the attributes that docker events gives them.
#ifndef TINY_RUNTIME_EVENT_LOG_H_
#define TINY_RUNTIME_EVENT_LOG_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "state/container_config.h"

namespace tiny::runtime {

// Appends an event about the container; its name, image and labels are added to `attributes`. A
// log that cannot be written never fails what it tells of.
void LogEvent(absl::string_view root, const state::ContainerConfig& config,
              absl::string_view action, std::map<std::string, std::string> attributes = {});

// For each network that the container is on: "connect" or "disconnect".
void LogNetworkEvents(absl::string_view root, const state::ContainerConfig& config,
                      absl::string_view action);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_EVENT_LOG_H_
