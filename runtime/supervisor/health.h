// When a container's health is probed and what the results mean: docker run --health-*. Pure: the
// caller runs the probes and says what the time is.
//
//   HealthTracker health(config.health, now);
//   if (now >= health.next_probe()) ...       // run one; it may take config.health.timeout
//   if (health.Record(probe, now)) ...        // the status has changed
#ifndef TINY_RUNTIME_SUPERVISOR_HEALTH_H_
#define TINY_RUNTIME_SUPERVISOR_HEALTH_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "state/container_config.h"
#include "state/container_state.h"

namespace tiny::runtime {

inline constexpr size_t kMaxHealthResults = 5;
inline constexpr size_t kMaxHealthOutput = 4096;  // bytes of one probe's output that are kept

// True where the container has a health check.
bool HasHealthCheck(const state::HealthConfig& config);

// The probe as an argument vector: CMD's own, or a shell for CMD-SHELL.
std::vector<std::string> HealthCommand(const state::HealthConfig& config);

// Until the first success, or the end of the start period, failures do not count, and probes come
// at the start interval. After `retries` failures in a row the container is unhealthy; one success
// makes it healthy. Times are of one clock that never goes back. Thread-compatible.
class HealthTracker {
 public:
  HealthTracker(const state::HealthConfig& config, absl::Duration started);

  absl::Duration next_probe() const { return next_probe_; }
  const state::HealthState& state() const { return state_; }

  // No probe now: the next one is an interval away.
  void Postpone(absl::Duration now) { next_probe_ = now + IntervalAt(now); }

  // Takes a result and plans the next probe; true where the status has changed.
  bool Record(state::HealthProbe probe, absl::Duration now);

 private:
  absl::Duration IntervalAt(absl::Duration now) const;

  const state::HealthConfig config_;
  const absl::Duration started_;
  absl::Duration next_probe_;
  state::HealthState state_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_HEALTH_H_
