#include "runtime/supervisor/restart.h"

#include <algorithm>

namespace tiny::runtime {

bool ShouldRestart(const state::RestartPolicy& policy, const RunEnd& end) {
  if (end.manually_stopped) return false;
  if (policy.name == "always" || policy.name == "unless-stopped") return true;
  if (policy.name != "on-failure" || end.exit_code == 0) return false;
  return policy.maximum_retry_count <= 0 || end.restart_count < policy.maximum_retry_count;
}

absl::Duration RestartBackoff::Next(absl::Duration run) {
  if (run >= kGoodRun || last_ == absl::ZeroDuration()) {
    last_ = kFirst;
  } else {
    last_ = std::min(last_ * 2, kLongest);
  }
  return last_;
}

}  // namespace tiny::runtime
