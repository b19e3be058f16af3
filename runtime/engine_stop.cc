#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "cgroup/cgroup.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"
#include "runtime/signal_dispositions.h"

namespace tiny::runtime {
namespace {

constexpr absl::Duration kGreetPatience = absl::Seconds(2);
// A process that SIGKILL does not end in this time hangs in the kernel.
constexpr absl::Duration kKillPatience = absl::Seconds(10);
constexpr absl::Duration kRecordPatience = absl::Seconds(10);
constexpr absl::Duration kLockPatience = absl::Seconds(2);

// Whoever listens on a container's socket may be the supervisor of its next run already: one that
// another command has started meanwhile. SO_PEERCRED in unix(7); 0 is a pid that can't be seen.
bool IsSupervisorOf(const Container& container, int socket) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid == 0 ||
         peer.pid == container.state.supervisor.pid;
}

}  // namespace

absl::StatusOr<EngineImpl::ExitWatch> EngineImpl::WatchExit(const Container& container) {
  ExitWatch watch;
  HelloPayload hello;
  hello.wants = kWantFinalExit;
  absl::StatusOr<Connection> connection =
      ConnectAndGreet(SocketOf(container), hello, kGreetPatience);
  if (connection.ok() && IsSupervisorOf(container, connection->socket.get())) {
    watch.socket = std::move(connection->socket);
  }
  absl::StatusOr<UniqueFd> pidfd = OpenProcess(container.state.init);
  if (pidfd.ok()) watch.pidfd = *std::move(pidfd);
  return watch;
}

absl::StatusOr<bool> EngineImpl::AwaitEnd(const Container& container, const ExitWatch& watch,
                                          absl::Duration timeout) {
  if (watch.pidfd) {
    ASSIGN_OR_RETURN(const bool ended, WaitForExit(watch.pidfd.get(), timeout));
    if (!ended) return false;
  }
  if (watch.socket) {
    const absl::StatusOr<int> exited = AwaitExited(watch.socket.get(), kRecordPatience);
    if (exited.ok()) return true;
  }
  // Its supervisor did not see to it: then the record is for us to mend.
  ASSIGN_OR_RETURN(const state::ContainerId id, state::ContainerId::Parse(container.config.id));
  const absl::StatusOr<Container> settled = Settle(id);
  if (absl::IsNotFound(settled.status())) return true;
  RETURN_IF_ERROR(settled.status());
  return true;
}

// No restart is to follow.
absl::Status EngineImpl::MarkStopped(const Container& container) {
  ASSIGN_OR_RETURN(const state::ContainerId id, state::ContainerId::Parse(container.config.id));
  ASSIGN_OR_RETURN(state::LockedContainer record, store_.Lock(id));
  if (record.state().manually_stopped) return absl::OkStatus();
  state::ContainerState state = record.state();
  state.manually_stopped = true;
  return record.CommitState(std::move(state));
}

absl::Status EngineImpl::KillAll(const Container& container) {
  // With the lock no other run begins, which would have the same cgroup. Who holds it for long is
  // not waited for.
  ASSIGN_OR_RETURN(const state::ContainerId id, state::ContainerId::Parse(container.config.id));
  const absl::StatusOr<state::LockedContainer> record = store_.Lock(id, kLockPatience);
  if (record.ok() && record->state().init != container.state.init) return absl::OkStatus();
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  absl::StatusOr<cgroup::Cgroup> cgroup =
      cgroup::Cgroup::Open(hierarchy, container.state.cgroup_path);
  if (cgroup.ok()) {
    const absl::Status killed = cgroup->Kill();
    // Removed meanwhile: all have ended.
    return absl::IsNotFound(killed) ? absl::OkStatus() : killed;
  }
  absl::StatusOr<UniqueFd> pidfd = OpenProcess(container.state.init);
  if (!pidfd.ok()) return absl::OkStatus();
  const absl::Status sent = SendSignal(pidfd->get(), SIGKILL);
  return absl::IsNotFound(sent) ? absl::OkStatus() : sent;
}

absl::Status EngineImpl::StopActive(const Container& container, const StopOptions& options) {
  int signal = SIGTERM;
  if (!container.config.stop_signal.empty()) {
    ASSIGN_OR_RETURN(signal, ParseSignal(container.config.stop_signal));
  }
  signal = options.signal.value_or(signal);
  const int seconds = options.timeout_seconds.value_or(container.config.stop_timeout.value_or(10));
  // What can't be recorded is stopped all the same.
  const absl::Status marked = MarkStopped(container);
  ASSIGN_OR_RETURN(const ExitWatch watch, WatchExit(container));
  // One that waits for its restart need only be told.
  if (watch.socket) SendFrame(watch.socket.get(), FrameType::kReload, nullptr, 0, MSG_DONTWAIT);
  if (!watch.pidfd) return AwaitEnd(container, watch, kKillPatience).status();

  // Before the signal: after it, the supervisor may be first to log the end.
  const auto log_kill = [&](int number) {
    LogEvent(options_.root, container.config, "kill", {{"signal", absl::StrCat(number)}});
  };
  log_kill(signal);
  const absl::Status sent = SendSignal(watch.pidfd.get(), signal);
  if (!sent.ok() && !absl::IsNotFound(sent)) return sent;
  if (container.state.status == state::Status::kPaused) Thaw(container).IgnoreError();
  const bool ignored = signal != SIGKILL && IgnoresSignal(container.state.init.pid, signal);
  if (ignored && options.note) {
    options.note(absl::StrCat("the first process of ", container.config.name, " does not handle ",
                              SignalName(signal),
                              ", which the kernel then keeps from it: it will be killed after ",
                              seconds, " s. With --init it would end at once"));
  }
  const absl::Duration patience = seconds < 0 ? absl::InfiniteDuration() : absl::Seconds(seconds);
  ASSIGN_OR_RETURN(bool ended, AwaitEnd(container, watch, patience));
  if (!ended) {
    log_kill(SIGKILL);
    RETURN_IF_ERROR(KillAll(container));
    ASSIGN_OR_RETURN(ended, AwaitEnd(container, watch, kKillPatience));
  }
  if (!ended) {
    return absl::DeadlineExceededError(
        absl::StrCat("container ", container.config.name, " (pid ", container.state.init.pid,
                     ") does not end though it was killed: it waits in the kernel"));
  }
  LogEvent(options_.root, container.config, "stop");
  return marked;
}

absl::Status EngineImpl::Stop(absl::string_view reference, const StopOptions& options) {
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  if (!IsActive(container.state.status)) return absl::OkStatus();
  return StopActive(container, options);
}

absl::Status EngineImpl::Restart(absl::string_view reference, const StopOptions& options) {
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  const std::string& id = container.config.id;
  const bool active = IsActive(container.state.status);
  // One with --rm is not to vanish in between.
  if (active && container.config.auto_remove) RETURN_IF_ERROR(SetAutoRemove(id, false));
  if (active) RETURN_IF_ERROR(StopActive(container, options));
  if (active && container.config.auto_remove) RETURN_IF_ERROR(SetAutoRemove(id, true));
  RETURN_IF_ERROR(Start(id));
  LogEvent(options_.root, container.config, "restart");
  return absl::OkStatus();
}

absl::Status EngineImpl::SetAutoRemove(absl::string_view id, bool auto_remove) {
  ASSIGN_OR_RETURN(state::LockedContainer record, FindAndLock(id));
  state::ContainerConfig config = record.config();
  config.auto_remove = auto_remove;
  return record.CommitConfig(std::move(config));
}

absl::Status EngineImpl::Kill(absl::string_view reference, int signal) {
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  if (container.state.status != state::Status::kRunning &&
      container.state.status != state::Status::kPaused) {
    return absl::FailedPreconditionError(
        absl::StrCat("container ", container.config.name, " is not running"));
  }
  int stop_signal = SIGTERM;
  if (!container.config.stop_signal.empty()) {
    ASSIGN_OR_RETURN(stop_signal, ParseSignal(container.config.stop_signal));
  }
  // A signal that only tells the program something does not cancel its restart.
  const absl::Status marked =
      signal == SIGKILL || signal == stop_signal ? MarkStopped(container) : absl::OkStatus();
  ASSIGN_OR_RETURN(const ExitWatch watch, WatchExit(container));
  LogEvent(options_.root, container.config, "kill", {{"signal", absl::StrCat(signal)}});
  if (signal == SIGKILL) {
    RETURN_IF_ERROR(KillAll(container));
    RETURN_IF_ERROR(AwaitEnd(container, watch, kKillPatience).status());
    return marked;
  }
  if (!watch.pidfd) return marked;
  const absl::Status sent = SendSignal(watch.pidfd.get(), signal);
  if (!sent.ok() && !absl::IsNotFound(sent)) return sent;
  // A paused container would not see it.
  if (sent.ok() && container.state.status == state::Status::kPaused) {
    RETURN_IF_ERROR(Unpause(container.config.id));
  }
  return marked;
}

absl::StatusOr<int> EngineImpl::Wait(absl::string_view reference) {
  ASSIGN_OR_RETURN(Container container, Find(reference));
  ASSIGN_OR_RETURN(const state::ContainerId id, state::ContainerId::Parse(container.config.id));
  while (IsActive(container.state.status)) {
    HelloPayload hello;
    hello.wants = kWantFinalExit;
    absl::StatusOr<Connection> connection =
        ConnectAndGreet(SocketOf(container), hello, absl::InfiniteDuration());
    if (connection.ok()) {
      const absl::StatusOr<int> code =
          AwaitExited(connection->socket.get(), absl::InfiniteDuration());
      if (code.ok()) return *code;
    } else {
      // It is about to end, or its supervisor was killed this moment.
      absl::SleepFor(absl::Milliseconds(10));
    }
    absl::StatusOr<Container> again = Settle(id);
    if (!again.ok()) return again.status();
    container = *std::move(again);
  }
  return container.state.exit_code;
}

}  // namespace tiny::runtime
