// One run of a health check: a process in the container whose output is kept, up to a limit.
#ifndef TINY_RUNTIME_SUPERVISOR_PROBE_H_
#define TINY_RUNTIME_SUPERVISOR_PROBE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "runtime/launch/launch.h"
#include "state/container_state.h"

namespace tiny::runtime {

// The caller waits on output() and pidfd(), in any way. Thread-compatible.
class Probe {
 public:
  // Starts the process; `request.stdio` is set here. `deadline` is of BootNow().
  absl::Status Start(ExecRequest request, absl::Duration deadline);

  bool running() const { return static_cast<bool>(pidfd_); }
  int output() const { return output_.get(); }
  int pidfd() const { return pidfd_.get(); }
  absl::Duration deadline() const { return deadline_; }

  // Reads what there is.
  void OnOutput();
  // The result, if the process has ended. Call when pidfd() is readable.
  std::optional<state::HealthProbe> Collect();
  // Kills the process: the result is a failure that says that it took too long.
  state::HealthProbe TimeOut(absl::Duration timeout);
  // Kills the process, for no result.
  void Abandon();

 private:
  state::HealthProbe Finish(int exit_code);

  UniqueFd output_;
  UniqueFd pidfd_;
  absl::Duration deadline_ = absl::InfiniteDuration();
  state::HealthProbe result_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_PROBE_H_
