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

std::vector<state::Event> NetworkEvents(const state::ContainerConfig& config,
                                        absl::string_view action) {
  std::vector<state::Event> events;
  const auto add = [&](absl::string_view network) {
    state::Event event;
    event.type = "network";
    event.action = std::string(action);
    event.id = std::string(network);
    event.attributes = {{"container", config.id}, {"name", std::string(network)}};
    events.push_back(std::move(event));
  };
  if (config.networks.empty()) add("bridge");
  for (const state::NetworkAttachment& attachment : config.networks) {
    if (attachment.network.compare(0, 10, "container:") != 0) add(attachment.network);
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
