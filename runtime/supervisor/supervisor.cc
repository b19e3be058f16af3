#include "runtime/supervisor/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/timeline.h"
#include "runtime/container_process.h"
#include "runtime/event_log.h"
#include "runtime/supervisor/process_setup.h"

namespace tiny::runtime {
namespace {

constexpr absl::Duration kFirewallGrace = absl::Milliseconds(100);

}  // namespace

Supervisor::Supervisor(SupervisorTask task)
    : task_(std::move(task)), server_(&poller_, this, kAttachTags) {}

void Supervisor::LogEvent(absl::string_view action) const {
  runtime::LogEvent(task_.options.root, config_, action);
}

void Supervisor::Run(state::LockedContainer record) {
  BecomeSupervisor(kSupervisorName);
  Timeline::Stamp("supervisor forked");
  absl::Status status;
  {
    // The lock ends with this block: other commands wait for it while the container starts.
    state::LockedContainer locked = std::move(record);
    status = SetUp(locked);
    if (status.ok() && task_.kind == SupervisorTask::Kind::kAdopt) {
      status = Adopt(locked);
    } else if (status.ok()) {
      status = Start(locked);
      if (!status.ok()) {
        RecordFailedStart(locked, status);
        LeaveRunDirectory();
      }
    }
  }
  if (!status.ok()) {
    const std::string bytes = EncodeStatus(status);
    SendFrame(task_.starter.get(), FrameType::kStartFailed, bytes.data(), bytes.size(), 0);
    return;
  }
  if (phase_ == Phase::kRunning) {
    // A starter that can't be told sees its end of file, as it would wait for ever.
    UniqueFd starter = std::move(task_.starter);
    if (SendFrame(starter.get(), FrameType::kStarted, nullptr, 0, 0)) {
      server_.AddClient(std::move(starter), task_.hello);
    } else {
      starter.Reset();
    }
    OnStarted();
    oom_score_adj_ = SettleDown();
  } else {
    task_.starter.Reset();
  }
  Loop();
  // A socket to nfnetlink that is closed while the kernel still frees what was deleted waits for
  // that, for a grace period of RCU, and holds the lock meanwhile that the veth of the next
  // container needs (nft_rcv_nl_event and nf_tables_netdev_event in net/netfilter).
  if (networks_ != nullptr) absl::SleepFor(kFirewallGrace);
}

absl::Duration Supervisor::NextDeadline() const {
  absl::Duration next = std::min({server_.deadline(), drain_ends_, restart_at_});
  if (phase_ == Phase::kRunning && health_.has_value()) {
    next = std::min(next, probe_.running() ? probe_.deadline() : health_->next_probe());
  }
  return next;
}

void Supervisor::Loop() {
  DropReadOnlyPages();
  while (phase_ != Phase::kDone) {
    WatchStreams();
    for (const epoll_event& event : poller_.Wait(NextDeadline())) {
      Dispatch(event.data.u32, event.events);
    }
    OnTime();
    if (phase_ == Phase::kDraining) ContinueDraining();
  }
}

void Supervisor::Dispatch(uint32_t tag, uint32_t events) {
  switch (tag) {
    case kInitTag:
      // Output first, so that what the program wrote before it ended is given in one go.
      return OnExit();
    case kOutTag:
      if ((events & EPOLLOUT) != 0) {
        stdin_blocked_ = false;
        server_.OnStdinWritable();
      }
      if ((events & ~EPOLLOUT) != 0) PumpStream(streams_.out(), FrameType::kStdout);
      return;
    case kErrTag:
      return PumpStream(streams_.err(), FrameType::kStderr);
    case kStdinTag:
      poller_.Remove(streams_.in());
      stdin_blocked_ = false;
      return server_.OnStdinWritable();
    case kResolverTag:
      if (resolver_ != nullptr) resolver_->OnReadable();
      return;
    case kRelayTag:
      if (relay_ != nullptr) relay_->OnReadable();
      return;
    case kProbeOutputTag:
      return OnProbeOutput();
    case kProbeExitTag:
      return OnProbeExit();
    default:
      return server_.OnEvent(tag, events);
  }
}

void Supervisor::OnTime() {
  const absl::Duration now = BootNow();
  if (server_.deadline() <= now) server_.OnTime(now);
  if (phase_ == Phase::kDraining && drain_ends_ <= now) server_.GiveUpWaiting();
  if (phase_ == Phase::kWaiting && restart_at_ <= now) return RestartNow();
  if (phase_ != Phase::kRunning || !health_.has_value()) return;
  if (probe_.running()) {
    if (probe_.deadline() <= now) OnProbeTimeOut();
  } else if (health_->next_probe() <= now) {
    StartProbe();
  }
}

// The container's output is read only while no client is waited for.
void Supervisor::WatchStreams() {
  if (phase_ != Phase::kRunning) return;
  const bool read = !server_.busy();
  if (read == streams_watched_) return;
  streams_watched_ = read;
  const uint32_t out_events =
      (read ? EPOLLIN : 0u) | (streams_.tty() && stdin_blocked_ ? EPOLLOUT : 0u);
  if (streams_.out() >= 0) poller_.Modify(streams_.out(), out_events, kOutTag);
  if (streams_.err() >= 0) poller_.Modify(streams_.err(), read ? EPOLLIN : 0u, kErrTag);
}

// Reads one piece of output; false when there is none now.
bool Supervisor::PumpOnce(int fd, FrameType type) {
  if (fd < 0) return false;
  if (piece_ == nullptr) piece_.reset(new char[kMaxData]);
  ssize_t size;
  do {
    size = read(fd, piece_.get(), kMaxData);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return false;
  if (size == static_cast<ssize_t>(kMaxData)) streams_.Widen(fd);
  const absl::string_view data(piece_.get(), static_cast<size_t>(size));
  if (log_.has_value()) {
    log_->Append(type == FrameType::kStderr ? logs::Stream::kStderr : logs::Stream::kStdout, data,
                 WallNow());
  }
  server_.Offer(type, data);
  return true;
}

void Supervisor::PumpStream(int fd, FrameType type) {
  // A few pieces at a time, so that the other stream and the clients get their turn.
  for (int pieces = 0; pieces < 8 && !server_.busy(); ++pieces) {
    if (!PumpOnce(fd, type)) return;
  }
}

size_t Supervisor::WriteStdin(absl::string_view data) {
  const size_t taken = streams_.WriteStdin(data);
  if (taken < data.size() && !stdin_blocked_) {
    stdin_blocked_ = true;
    if (streams_.tty()) {
      poller_.Modify(streams_.out(), (server_.busy() ? 0u : EPOLLIN) | EPOLLOUT, kOutTag);
    } else {
      poller_.Add(streams_.in(), EPOLLOUT, kStdinTag).IgnoreError();
    }
  }
  return taken;
}

void Supervisor::StdinClosed() {
  if (config_.attach_stdin) streams_.CloseStdin();
}

void Supervisor::Resize(WindowSize size) { streams_.Resize(size); }

void Supervisor::Signal(int signal) {
  if (phase_ != Phase::kRunning || signal < 1 || signal > 64) return;
  SendSignal(pidfd_.get(), signal).IgnoreError();
}

// A command has changed the record, and the kernel's side of it as far as it could.
void Supervisor::Reload() {
  const absl::StatusOr<state::ContainerId> id = state::ContainerId::Parse(config_.id);
  if (!id.ok()) return;
  absl::StatusOr<state::ContainerRecord> record = task_.store->Read(*id);
  if (!record.ok()) return;
  config_ = std::move(record->config);
  if (phase_ == Phase::kWaiting && record->state.manually_stopped) {
    restart_at_ = absl::ZeroDuration();
  }
  if (phase_ != Phase::kRunning || networks_ == nullptr) return;
  if (record->state.ports != state_.ports) {
    relay_.reset();
    port_holders_.clear();
    port_holders_ = networks_->HoldPorts(record->state.ports);
  }
  state_.ports = std::move(record->state.ports);
  state_.endpoints = std::move(record->state.endpoints);
  if (relay_ == nullptr) OpenRelay();
  OpenResolver();
}

}  // namespace tiny::runtime
