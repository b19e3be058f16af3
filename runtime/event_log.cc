#include "runtime/event_log.h"

#include <utility>

#include "state/events.h"

namespace tiny::runtime {

void LogEvent(absl::string_view root, const state::ContainerConfig& config,
              absl::string_view action, std::map<std::string, std::string> attributes) {
  attributes.insert(config.labels.begin(), config.labels.end());
  attributes["name"] = config.name;
  attributes["image"] = config.image;
  state::Event event;
  event.action = std::string(action);
  event.id = config.id;
  event.attributes = std::move(attributes);
  state::AppendEvent(root, std::move(event)).IgnoreError();
}

void LogNetworkEvents(absl::string_view root, const state::ContainerConfig& config,
                      absl::string_view action) {
  const auto log = [&](absl::string_view network) {
    state::Event event;
    event.type = "network";
    event.action = std::string(action);
    event.id = std::string(network);
    event.attributes = {{"container", config.id}, {"name", std::string(network)}};
    state::AppendEvent(root, std::move(event)).IgnoreError();
  };
  if (config.networks.empty()) log("bridge");
  for (const state::NetworkAttachment& attachment : config.networks) {
    if (attachment.network.compare(0, 10, "container:") != 0) log(attachment.network);
  }
}

}  // namespace tiny::runtime
