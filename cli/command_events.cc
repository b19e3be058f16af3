// tiny events.
#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/csv.h"
#include "cli/flag_parsers/times.h"
#include "cli/format.h"
#include "state/events.h"

namespace tiny::cli {
namespace {

struct Flags {
  state::EventQuery query;
  bool has_since = false;
  bool has_until = false;
  std::string format;
};

constexpr Option kOptions[] = {
    {'f', "filter", "key=value",
     "Show only those that match (container, event, image, label, network, type, volume)",
     Apply<[](Flags& f, absl::string_view v) -> absl::Status {
       ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(v));
       return f.query.filter.Add(pair.first, pair.second);
     }>},
    {0, "since", "time", "Begin at that time, or for example 10m ago",
     Apply<[](Flags& f, absl::string_view v) {
       f.has_since = true;
       return Store(ParseMoment(v, absl::Now()), &f.query.since);
     }>},
    {0, "until", "time", "End at that time", Apply<[](Flags& f, absl::string_view v) {
       f.has_until = true;
       return Store(ParseMoment(v, absl::Now()), &f.query.until);
     }>},
    {0, "format", "form", "json, or a template such as {{.Action}}", Set<&Flags::format>},
};
constexpr OptionGroup kGroup = {"", kOptions};
constexpr const OptionGroup* kGroups[] = {&kGroup};

std::string TextOf(const state::Event& event) {
  std::string attributes;
  for (const auto& [key, value] : event.attributes) {
    absl::StrAppend(&attributes, attributes.empty() ? "" : ", ", key, "=", value);
  }
  return absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E9S%Ez", event.time, absl::LocalTimeZone()),
                      " ", event.type, " ", event.action, " ", event.id,
                      attributes.empty() ? "" : absl::StrCat(" (", attributes, ")"));
}

Value ValueOf(const state::Event& event) {
  const Value attributes = Value::Dictionary(event.attributes);
  return Value::Object(
      {{"Type", event.type},
       {"Action", event.action},
       {"Status", event.action},
       {"ID", event.id},
       {"From", event.attributes.count("image") > 0 ? event.attributes.at("image") : ""},
       {"Actor", Value::Object({{"ID", event.id}, {"Attributes", attributes}})},
       {"Scope", "local"},
       {"Time", absl::ToUnixSeconds(event.time)},
       {"TimeNano", absl::ToUnixNanos(event.time)}});
}

absl::StatusOr<int> RunEvents(Context& context, Flags& flags, Arguments) {
  const absl::Time now = absl::Now();
  flags.query.follow = !flags.has_until || flags.query.until > now;
  if (!flags.has_since && !(flags.has_until && flags.query.until <= now)) flags.query.since = now;
  std::optional<Template> form;
  if (!flags.format.empty() && flags.format != "json") {
    ASSIGN_OR_RETURN(form, Template::Parse(flags.format));
  }
  absl::Status failed;
  RETURN_IF_ERROR(
      state::ReadEvents(context.options.root, flags.query, [&](const state::Event& event) {
        if (form.has_value()) {
          absl::StatusOr<std::string> line = form->Execute(ValueOf(event));
          if (!line.ok()) {
            failed = line.status();
            return false;
          }
          PrintText(context.out, *line);
        } else if (flags.format == "json") {
          context.out.Write(state::EventToJson(event));
        } else {
          context.out.Write(Printable(TextOf(event)));
        }
        context.out.Write("\n");
        context.out.Flush();
        return context.out.error() == 0;
      }));
  RETURN_IF_ERROR(failed);
  return 0;
}

}  // namespace

constinit const Command kEventsCommand = {
    .name = "events",
    .aliases = kEventsAliases,
    .summary = "Show what happens to containers, networks and volumes",
    .usage = "[OPTIONS]",
    .details =
        "Goes on until it is interrupted, or until --until.\n"
        "container: create start stop restart kill die oom pause unpause rename update top\n"
        "           exec_create exec_start exec_die health_status destroy\n"
        "network:   create connect disconnect destroy\n"
        "volume:    create destroy",
    .examples =
        "tiny events --filter event=die\n"
        "tiny events --filter type=volume --filter volume=data\n"
        "tiny events --since 1h --until 0s --format json",
    .options = kGroups,
    .max_arguments = 0,
    .run = Run<Flags, RunEvents>,
};

}  // namespace tiny::cli
