// Events of containers, with the attributes that docker events gives them.
#ifndef TINY_RUNTIME_EVENT_LOG_H_
#define TINY_RUNTIME_EVENT_LOG_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "state/container_config.h"
#include "state/events.h"

namespace tiny::runtime {

// An event about the container; its name, image and labels are added to `attributes`.
state::Event ContainerEvent(const state::ContainerConfig& config, absl::string_view action,
                            std::map<std::string, std::string> attributes = {});

// "connect" or "disconnect" of a container and a network, which is given by its name.
state::Event NetworkEvent(const state::ContainerConfig& config, absl::string_view action,
                          absl::string_view network);
// One for each network that the container is on.
std::vector<state::Event> NetworkEvents(const state::ContainerConfig& config,
                                        absl::string_view action);

// Appends them. A log that cannot be written never fails what it tells of.
void LogEvents(absl::string_view root, std::vector<state::Event> events);

// A single ContainerEvent.
void LogEvent(absl::string_view root, const state::ContainerConfig& config,
              absl::string_view action, std::map<std::string, std::string> attributes = {});

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_EVENT_LOG_H_
