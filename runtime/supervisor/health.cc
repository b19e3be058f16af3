#include "runtime/supervisor/health.h"

#include <algorithm>
#include <utility>

namespace tiny::runtime {

bool HasHealthCheck(const state::HealthConfig& config) {
  return config.test.size() >= 2 && config.test[0] != "NONE";
}

std::vector<std::string> HealthCommand(const state::HealthConfig& config) {
  if (config.test[0] == "CMD-SHELL") return {"/bin/sh", "-c", config.test[1]};
  return {config.test.begin() + 1, config.test.end()};
}

HealthTracker::HealthTracker(const state::HealthConfig& config, absl::Duration started)
    : config_(config), started_(started) {
  state_.status = "starting";
  next_probe_ = started + IntervalAt(started);
}

absl::Duration HealthTracker::IntervalAt(absl::Duration now) const {
  const bool starting = state_.status == "starting" && now < started_ + config_.start_period;
  return starting ? std::min(config_.start_interval, config_.interval) : config_.interval;
}

bool HealthTracker::Record(state::HealthProbe probe, absl::Duration now) {
  const std::string before = state_.status;
  if (probe.exit_code == 0) {
    state_.failing_streak = 0;
    state_.status = "healthy";
  } else if (state_.status != "starting" || now >= started_ + config_.start_period) {
    ++state_.failing_streak;
    if (state_.failing_streak >= config_.retries) state_.status = "unhealthy";
  }
  if (probe.output.size() > kMaxHealthOutput) probe.output.resize(kMaxHealthOutput);
  if (state_.log.size() == kMaxHealthResults) state_.log.erase(state_.log.begin());
  state_.log.push_back(std::move(probe));
  next_probe_ = now + IntervalAt(now);
  return state_.status != before;
}

}  // namespace tiny::runtime
