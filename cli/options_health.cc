// The options of run and create for health checks.
#include "cli/container_flags.h"
#include "cli/flag_parsers/policies.h"
#include "cli/flag_parsers/resources.h"

namespace tiny::cli {
namespace {

using Flags = ContainerFlags;

absl::Status SetDuration(Flags& flags, absl::string_view value, absl::Duration* field) {
  flags.has_health_flag = true;
  return Store(ParseHealthDuration(value), field);
}

absl::Status SetRetries(Flags& flags, absl::string_view value) {
  flags.has_health_flag = true;
  int64_t retries = 0;
  if (absl::Status parsed = Store(ParseNumber(value, 0, 1000000), &retries); !parsed.ok()) {
    return parsed;
  }
  if (retries > 0) flags.config.health.retries = static_cast<int>(retries);
  return absl::OkStatus();
}

constexpr Option kOptions[] = {
    {0, "health-cmd", "command", "Shell command that checks its health",
     Set<&Flags::health_command>},
    {0, "health-interval", "duration", "Time between checks (default 30s)",
     Apply<[](Flags& f, absl::string_view v) {
       return SetDuration(f, v, &f.config.health.interval);
     }>},
    {0, "health-timeout", "duration", "Time limit of a check (default 30s)",
     Apply<[](Flags& f, absl::string_view v) {
       return SetDuration(f, v, &f.config.health.timeout);
     }>},
    {0, "health-start-period", "duration", "Time after the start in which failures do not count",
     Apply<[](Flags& f, absl::string_view v) {
       return SetDuration(f, v, &f.config.health.start_period);
     }>},
    {0, "health-start-interval", "duration", "Time between checks while it starts (default 5s)",
     Apply<[](Flags& f, absl::string_view v) {
       return SetDuration(f, v, &f.config.health.start_interval);
     }>},
    {0, "health-retries", "number", "Consecutive failures that make it unhealthy (default 3)",
     Apply<[](Flags& f, absl::string_view v) { return SetRetries(f, v); }>},
    {0, "no-healthcheck", "", "No health check, not even the image's", Set<&Flags::no_healthcheck>},
};

}  // namespace

constinit const OptionGroup kHealthOptions = {"Health", kOptions};

}  // namespace tiny::cli
