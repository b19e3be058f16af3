// Whether and when a container that has ended is started again. Pure.
#ifndef TINY_RUNTIME_SUPERVISOR_RESTART_H_
#define TINY_RUNTIME_SUPERVISOR_RESTART_H_

#include "absl/time/time.h"
#include "state/container_config.h"

namespace tiny::runtime {

// docker run --restart: what one end of a container means.
struct RunEnd {
  int exit_code = 0;
  bool manually_stopped = false;  // by stop or kill
  int restart_count = 0;          // restarts so far, since it was last started by hand
};
bool ShouldRestart(const state::RestartPolicy& policy, const RunEnd& end);

// 100 ms, doubled by each run that is shorter than 10 s, up to a minute. Thread-compatible.
class RestartBackoff {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(100);
  static constexpr absl::Duration kLongest = absl::Minutes(1);
  static constexpr absl::Duration kGoodRun = absl::Seconds(10);

  // How long to wait before the next start, after a run of that length.
  absl::Duration Next(absl::Duration run);

 private:
  absl::Duration last_ = absl::ZeroDuration();
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_RESTART_H_
