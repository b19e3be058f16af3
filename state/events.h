// What happened to containers, images, networks and volumes: docker events without a daemon.
//
//   RETURN_IF_ERROR(AppendEvents(root, {{.action = "start", .id = id}}));
//
// <root>/events.log holds one JSON object a line, in the shape of docker events --format json.
// What is appended is one write(2) with O_APPEND, so that any number of processes may do so. At
// kEventLogSize the file becomes events.log.1 (whose predecessor goes) and a new one begins.
#ifndef TINY_STATE_EVENTS_H_
#define TINY_STATE_EVENTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tiny::state {

inline constexpr char kEventLog[] = "events.log";
inline constexpr int64_t kEventLogSize = int64_t{4} << 20;

struct Event {
  std::string type = "container";  // "container", "image", "network", "volume"
  std::string action;              // "create", "start", "die", "kill", "health_status: healthy"
  std::string id;                  // the actor: id of a container, name of a volume; of a network
                                   // the id (create, destroy) or the name (connect, disconnect)
  std::map<std::string, std::string> attributes;  // "name", "image", "exitCode", "signal", labels
  absl::Time time = absl::InfinitePast();         // InfinitePast: now, when it is appended

  bool operator==(const Event&) const = default;
};

// One line without its newline, and back. Pure. kInvalidArgument for what is no event.
std::string EventToJson(const Event& event);
absl::StatusOr<Event> EventFromJson(absl::string_view line);

absl::Status AppendEvents(absl::string_view root, std::vector<Event> events);

// docker events --filter key=value. Keys: container (id, its prefix or name), image, network,
// volume, type, event, label (key or key=value). The values of a key are alternatives, labels are
// not; all keys must hold. kInvalidArgument for an unknown key.
class EventFilter {
 public:
  absl::Status Add(absl::string_view key, absl::string_view value);
  bool Matches(const Event& event) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

struct EventQuery {
  absl::Time since = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
  EventFilter filter;
  bool follow = false;  // wait for more until `until`, or until `visit` returns false
};

// Calls `visit` for each event in its order; a line that is damaged is left out. Waits by
// inotify(7), or looks every 100 ms where that is not to be had.
absl::Status ReadEvents(absl::string_view root, const EventQuery& query,
                        absl::FunctionRef<bool(const Event&)> visit);

}  // namespace tiny::state

#endif  // TINY_STATE_EVENTS_H_
