#include "runtime/event_log.h"

#include <utility>

namespace tiny::runtime {

state::Event ContainerEvent(const state::ContainerConfig& config, absl::string_view action,
                            std::map<std::string, std::string> attributes) {
  attributes.insert(config.labels.begin(), config.labels.end());
  attributes["name"] = config.name;
  attributes["image"] = config.image;
  state::Event event;
  event.action = std::string(action);
  event.id = config.id;
  event.attributes = std::move(attributes);
  return event;
}

state::Event NetworkEvent(const state::ContainerConfig& config, absl::string_view action,
                          absl::string_view network) {
  state::Event event;
  event.type = "network";
  event.action = std::string(action);
  event.id = std::string(network);
  event.attributes = {{"container", config.id}, {"name", std::string(network)}};
  return event;
}

std::vector<state::Event> NetworkEvents(const state::ContainerConfig& config,
                                        absl::string_view action) {
  std::vector<state::Event> events;
  if (config.networks.empty()) events.push_back(NetworkEvent(config, action, "bridge"));
  for (const state::NetworkAttachment& attachment : config.networks) {
    if (attachment.network.compare(0, 10, "container:") == 0) continue;
    events.push_back(NetworkEvent(config, action, attachment.network));
  }
  return events;
}

void LogEvents(absl::string_view root, std::vector<state::Event> events) {
  state::AppendEvents(root, std::move(events)).IgnoreError();
}

void LogEvent(absl::string_view root, const state::ContainerConfig& config,
              absl::string_view action, std::map<std::string, std::string> attributes) {
  LogEvents(root, {ContainerEvent(config, action, std::move(attributes))});
}

}  // namespace tiny::runtime
