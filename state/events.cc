#include "state/events.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "nlohmann/json.hpp"

namespace tiny::state {
namespace {

using Json = nlohmann::ordered_json;

// What docker calls the actor's labels are among its attributes.
bool HasLabel(const Event& event, absl::string_view wanted) {
  const size_t equals = wanted.find('=');
  const auto found = event.attributes.find(std::string(wanted.substr(0, equals)));
  if (found == event.attributes.end()) return false;
  return equals == absl::string_view::npos || found->second == wanted.substr(equals + 1);
}

std::string Attribute(const Event& event, const std::string& name) {
  const auto found = event.attributes.find(name);
  return found == event.attributes.end() ? "" : found->second;
}

// An object of that type by id, a prefix of it, or name.
bool IsActor(const Event& event, absl::string_view type, const std::string& value) {
  if (event.type == type) {
    return absl::StartsWith(event.id, value) || Attribute(event, "name") == value;
  }
  return Attribute(event, std::string(type)) == value;
}

bool MatchesTerm(const Event& event, const std::string& key, const std::string& value) {
  if (key == "type") return event.type == value;
  // "health_status" stands for "health_status: healthy", too.
  if (key == "event") {
    return event.action == value || absl::StartsWith(event.action, absl::StrCat(value, ": "));
  }
  if (key == "label") return HasLabel(event, value);
  return IsActor(event, key, value);
}

// The string at `name`, or an empty one.
std::string StringAt(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string EventToJson(const Event& event) {
  Json attributes = Json::object();
  for (const auto& [key, value] : event.attributes) attributes[key] = value;
  Json object;
  object["status"] = event.action;
  object["id"] = event.id;
  if (const std::string image = Attribute(event, "image"); !image.empty()) object["from"] = image;
  object["Type"] = event.type;
  object["Action"] = event.action;
  object["Actor"] = {{"ID", event.id}, {"Attributes", attributes}};
  object["scope"] = "local";
  object["time"] = absl::ToUnixSeconds(event.time);
  object["timeNano"] = absl::ToUnixNanos(event.time);
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<Event> EventFromJson(absl::string_view line) {
  const Json object = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return absl::InvalidArgumentError("no event: not a JSON object");
  Event event;
  event.type = StringAt(object, "Type");
  event.action = StringAt(object, "Action");
  const auto time = object.find("timeNano");
  if (event.type.empty() || event.action.empty() || time == object.end() ||
      !time->is_number_integer()) {
    return absl::InvalidArgumentError("no event: Type, Action or timeNano is missing");
  }
  event.time = absl::FromUnixNanos(time->get<int64_t>());
  const auto actor = object.find("Actor");
  if (actor == object.end() || !actor->is_object()) return event;
  event.id = StringAt(*actor, "ID");
  const auto attributes = actor->find("Attributes");
  if (attributes == actor->end() || !attributes->is_object()) return event;
  for (const auto& [key, value] : attributes->items()) {
    if (value.is_string()) event.attributes[key] = value.get<std::string>();
  }
  return event;
}

absl::Status AppendEvent(absl::string_view root, Event event) {
  if (event.time == absl::InfinitePast()) event.time = absl::Now();
  const std::string path = absl::StrCat(root, "/", kEventLog);
  ASSIGN_OR_RETURN(const UniqueFd file, OpenFile(path, O_WRONLY | O_CREAT | O_APPEND, 0600));
  RETURN_IF_ERROR(WriteAll(file.get(), EventToJson(event) + "\n", path));
  struct stat info;
  if (fstat(file.get(), &info) != 0 || info.st_size < kEventLogSize) return absl::OkStatus();
  // Of two processes that both find it full, the second may move the new one away: the file at
  // the path must still be the one that is full.
  struct stat current;
  if (stat(path.c_str(), &current) == 0 && current.st_ino == info.st_ino &&
      rename(path.c_str(), absl::StrCat(path, ".1").c_str()) != 0 && errno != ENOENT) {
    return PosixStatus(errno, absl::StrCat("rename ", path));
  }
  return absl::OkStatus();
}

absl::Status EventFilter::Add(absl::string_view key, absl::string_view value) {
  constexpr absl::string_view kKeys[] = {"container", "event", "image", "label",
                                         "network",   "type",  "volume"};
  if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown key \"", key, "\": want container, event, image, label, network, type or volume"));
  }
  values_[std::string(key)].emplace_back(value);
  return absl::OkStatus();
}

bool EventFilter::Matches(const Event& event) const {
  for (const auto& [key, values] : values_) {
    const auto matches = [&, &key = key](const std::string& value) {
      return MatchesTerm(event, key, value);
    };
    const bool holds = key == "label" ? std::all_of(values.begin(), values.end(), matches)
                                      : std::any_of(values.begin(), values.end(), matches);
    if (!holds) return false;
  }
  return true;
}

}  // namespace tiny::state
