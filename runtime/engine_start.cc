#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/timeline.h"
#include "init/payload.h"
#include "runtime/attach/attach_client.h"
#include "runtime/attach/terminal.h"
#include "runtime/engine_impl.h"

namespace tiny::runtime {
namespace {

absl::Status SupervisorDied() {
  return absl::InternalError("the container's supervisor died while it started the container");
}

// How the container's process ends with who starts it, whether the stub runs already or not.
bool EndedWithItsStarter(const AttachResult& result) {
  return result.exit_code == init::kFailedExitCode || result.exit_code == 128 + SIGKILL;
}

}  // namespace

absl::StatusOr<state::LockedContainer> EngineImpl::LockForStart(absl::string_view reference) {
  if (created_.has_value() && created_->id().value() == reference) {
    state::LockedContainer record = *std::move(created_);
    created_.reset();
    return record;
  }
  created_.reset();
  return FindAndLock(reference);
}

absl::StatusOr<UniqueFd> EngineImpl::ForkSupervisor(SupervisorTask::Kind kind,
                                                    state::LockedContainer record,
                                                    const HelloPayload& hello) {
  supervisors_.erase(std::remove_if(supervisors_.begin(), supervisors_.end(),
                                    [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; }),
                     supervisors_.end());
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return PosixStatus(errno, "make a socket pair");
  }
  UniqueFd client(ends[0]);
  UniqueFd starter(ends[1]);
  const bool durable = kind == SupervisorTask::Kind::kStart && !record.config().auto_remove;
  const pid_t pid = fork();
  if (pid < 0) return PosixStatus(errno, "fork the supervisor");
  if (pid == 0) {
    client.Reset();
    SupervisorTask task;
    task.kind = kind;
    task.options = options_;
    task.store = &store_;
    task.starter = std::move(starter);
    task.hello = hello;
    const char* term = getenv("TERM");
    if (term != nullptr) task.term = term;
    // Never deleted: the exit frees all that it holds at once.
    (new Supervisor(std::move(task)))->Run(std::move(record));
    _exit(0);
  }
  supervisors_.push_back(pid);
  Timeline::Count(Tally::kForks, 1);
  // The disk is flushed while the container starts.
  if (durable) record.Sync().IgnoreError();
  return client;
}

absl::Status EngineImpl::AwaitStarted(int socket) {
  std::vector<char> buffer(kMaxFrame);
  while (const std::optional<Frame> frame = ReceiveFrame(socket, buffer.data(), 0)) {
    if (frame->type == FrameType::kStarted) return absl::OkStatus();
    if (frame->type == FrameType::kStartFailed) return DecodeStatus(frame->payload);
    if (frame->type == FrameType::kNote) PrintNote(frame->payload);
  }
  return SupervisorDied();
}

absl::Status EngineImpl::Start(absl::string_view reference) {
  ASSIGN_OR_RETURN(state::LockedContainer record, LockForStart(reference));
  const state::Status status = record.state().status;
  if (status == state::Status::kPaused) {
    return WithHint(absl::FailedPreconditionError(
                        absl::StrCat("container ", record.config().name, " is paused")),
                    absl::StrCat("resume it: tiny unpause ", record.config().name));
  }
  if (IsActive(status)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const UniqueFd socket,
                   ForkSupervisor(SupervisorTask::Kind::kStart, std::move(record), {}));
  return AwaitStarted(socket.get());
}

absl::StatusOr<AttachResult> EngineImpl::StartAttached(absl::string_view reference,
                                                       const AttachOptions& options) {
  ASSIGN_OR_RETURN(state::LockedContainer record, LockForStart(reference));
  const std::string id = record.id().value();
  if (IsActive(record.state().status)) {
    { const state::LockedContainer unlock = std::move(record); }
    return Attach(id, options);
  }
  ProxiedSignals signals(options.signal_proxy);
  HelloPayload hello;
  hello.wants = WantsOf(options, isatty(STDOUT_FILENO) == 0);
  AttachSession session;
  session.tty = record.config().tty;
  if (session.tty) hello.size = OwnWindowSize();
  ASSIGN_OR_RETURN(const UniqueFd socket,
                   ForkSupervisor(SupervisorTask::Kind::kStart, std::move(record), hello));
  session.socket = socket.get();
  session.started = false;
  session.options = &options;
  session.signals = &signals;
  ASSIGN_OR_RETURN(const AttachOutcome outcome, RunAttachSession(session));
  absl::StatusOr<AttachResult> result = ResultOf(id, outcome, options);
  const bool start_lost = outcome.kind == AttachOutcome::Kind::kStartLost;
  if (start_lost && result.ok() && EndedWithItsStarter(*result)) return SupervisorDied();
  return result;
}

}  // namespace tiny::runtime
