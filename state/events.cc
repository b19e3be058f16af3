#include "state/events.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace tiny::state {
namespace {

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

void ReadAttributes(JsonReader& json, Event* event) {
  std::string key;
  if (!json.BeginObject()) return;
  while (json.NextKey(&key)) {
    if (json.Peek() == JsonReader::Type::kString) {
      json.ReadString(&event->attributes[key]);
    } else {
      json.Skip();
    }
  }
}

void ReadActor(JsonReader& json, Event* event) {
  std::string key;
  if (!json.BeginObject()) return;
  while (json.NextKey(&key)) {
    if (key == "ID") {
      json.ReadString(&event->id);
    } else if (key == "Attributes") {
      ReadAttributes(json, event);
    } else {
      json.Skip();
    }
  }
}

}  // namespace

std::string EventToJson(const Event& event) {
  std::string line;
  JsonWriter json(&line);
  const auto put = [&](absl::string_view key, absl::string_view value) {
    json.Key(key);
    json.String(value);
  };
  json.BeginObject();
  put("status", event.action);
  put("id", event.id);
  if (const std::string image = Attribute(event, "image"); !image.empty()) put("from", image);
  put("Type", event.type);
  put("Action", event.action);
  json.Key("Actor");
  json.BeginObject();
  put("ID", event.id);
  json.Key("Attributes");
  json.BeginObject();
  for (const auto& [key, value] : event.attributes) put(key, value);
  json.EndObject();
  json.EndObject();
  put("scope", "local");
  json.Key("time");
  json.Int(absl::ToUnixSeconds(event.time));
  json.Key("timeNano");
  json.Int(absl::ToUnixNanos(event.time));
  json.EndObject();
  return line;
}

absl::StatusOr<Event> EventFromJson(absl::string_view line) {
  Event event;
  event.type.clear();
  int64_t nanoseconds = 0;
  bool has_time = false;
  JsonReader json(line);
  std::string key;
  if (json.BeginObject()) {
    while (json.NextKey(&key)) {
      if (key == "Type") {
        json.ReadString(&event.type);
      } else if (key == "Action") {
        json.ReadString(&event.action);
      } else if (key == "timeNano") {
        has_time = json.ReadInt(&nanoseconds);
      } else if (key == "Actor") {
        ReadActor(json, &event);
      } else {
        json.Skip();
      }
    }
  }
  RETURN_IF_ERROR(Annotate(json.Finish(), "no event"));
  if (event.type.empty() || event.action.empty() || !has_time) {
    return absl::InvalidArgumentError("no event: Type, Action or timeNano is missing");
  }
  event.time = absl::FromUnixNanos(nanoseconds);
  return event;
}

absl::Status AppendEvents(absl::string_view root, std::vector<Event> events) {
  std::string lines;
  for (Event& event : events) {
    if (event.time == absl::InfinitePast()) event.time = WallNow();
    absl::StrAppend(&lines, EventToJson(event), "\n");
  }
  const std::string path = absl::StrCat(root, "/", kEventLog);
  ASSIGN_OR_RETURN(const UniqueFd file, OpenFile(path, O_WRONLY | O_CREAT | O_APPEND, 0600));
  RETURN_IF_ERROR(WriteAll(file.get(), lines, path));
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
