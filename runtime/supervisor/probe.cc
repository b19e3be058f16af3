#include "runtime/supervisor/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "runtime/supervisor/health.h"

namespace tiny::runtime {

absl::Status Probe::Start(ExecRequest request, absl::Duration deadline) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return PosixStatus(errno, "make a pipe");
  UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  ASSIGN_OR_RETURN(const UniqueFd null, OpenFile("/dev/null", O_RDONLY));
  request.stdio[0] = null.get();
  request.stdio[1] = request.stdio[2] = writer.get();
  request.starts = true;
  result_ = {};
  result_.start = absl::Now();
  ASSIGN_OR_RETURN(LaunchedContainer process, LaunchExec(request));
  pidfd_ = process.TakePidfd();
  output_ = std::move(reader);
  deadline_ = deadline;
  return absl::OkStatus();
}

void Probe::OnOutput() {
  char buffer[4096];
  while (true) {
    const ssize_t size = read(output_.get(), buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      if (size == 0) output_.Reset();
      return;
    }
    const size_t room = kMaxHealthOutput - std::min(kMaxHealthOutput, result_.output.size());
    result_.output.append(buffer, std::min(static_cast<size_t>(size), room));
  }
}

state::HealthProbe Probe::Finish(int exit_code) {
  if (output_) OnOutput();
  output_.Reset();
  pidfd_.Reset();
  deadline_ = absl::InfiniteDuration();
  result_.end = absl::Now();
  result_.exit_code = exit_code;
  return std::exchange(result_, {});
}

std::optional<state::HealthProbe> Probe::Collect() {
  const absl::StatusOr<bool> ended = WaitForExit(pidfd_.get(), absl::ZeroDuration());
  if (!ended.ok() || !*ended) return std::nullopt;
  return Finish(ReapChild(pidfd_.get()).value_or(-1));
}

state::HealthProbe Probe::TimeOut(absl::Duration timeout) {
  SendSignal(pidfd_.get(), SIGKILL).IgnoreError();
  ReapChild(pidfd_.get()).IgnoreError();
  state::HealthProbe result = Finish(-1);
  result.output = absl::StrCat("health check took longer than ", absl::FormatDuration(timeout),
                               "; its output:\n", result.output);
  return result;
}

void Probe::Abandon() {
  if (!running()) return;
  SendSignal(pidfd_.get(), SIGKILL).IgnoreError();
  ReapChild(pidfd_.get()).IgnoreError();
  Finish(-1);
}

}  // namespace tiny::runtime
