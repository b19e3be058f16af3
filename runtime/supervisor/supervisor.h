// The process that stays with one container: its parent, the holder of its streams, the writer of
// its log and of its record.
//
// It is forked by the client that starts the container and ends with the container. It has one
// thread and one epoll loop. Killing it stops nothing: the next command that looks at the
// container forks another, which adopts it.
#ifndef TINY_RUNTIME_SUPERVISOR_SUPERVISOR_H_
#define TINY_RUNTIME_SUPERVISOR_SUPERVISOR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "cgroup/cgroup.h"
#include "logs/log_writer.h"
#include "runtime/attach/protocol.h"
#include "runtime/engine.h"
#include "runtime/network/loopback_relay.h"
#include "runtime/network/network_manager.h"
#include "runtime/network/resolver.h"
#include "runtime/supervisor/attach_server.h"
#include "runtime/supervisor/health.h"
#include "runtime/supervisor/poller.h"
#include "runtime/supervisor/probe.h"
#include "runtime/supervisor/restart.h"
#include "runtime/supervisor/streams.h"
#include "state/store.h"

namespace tiny::runtime {

struct SupervisorTask {
  enum class Kind {
    kStart,  // a container that does not run
    kAdopt,  // one that runs, or ended, with nobody watching; record.state is running or paused
  };
  Kind kind = Kind::kStart;
  EngineOptions options;
  const state::StateStore* store = nullptr;
  UniqueFd starter;    // the other end is the client's: Started or StartFailed goes there
  HelloPayload hello;  // of that client
  std::string term;    // the client's TERM
};

class Supervisor final : private AttachServer::Host {
 public:
  explicit Supervisor(SupervisorTask task);

  // Takes over the container's lock, tells the starter how it went, and returns when the container
  // has ended for good. To be called once, in a process of its own.
  void Run(state::LockedContainer record);

 private:
  enum Tag : uint32_t {
    kInitTag,
    kOutTag,
    kErrTag,
    kStdinTag,
    kResolverTag,
    kRelayTag,
    kProbeOutputTag,
    kProbeExitTag,
    kAttachTags,  // and those after it
  };
  enum class Phase {
    kRunning,
    kDraining,  // it has ended; clients are still to get the last of its output
    kWaiting,   // for the time of its restart
    kDone,
  };

  // supervisor_start.cc
  absl::Status SetUp(const state::LockedContainer& record);
  absl::Status Start(state::LockedContainer& record);
  void RecordFailedStart(state::LockedContainer& record, const absl::Status& status);
  absl::Status OnCloned(state::LockedContainer& record, const ProcessIdentity& child,
                        int network_namespace);
  absl::Status Adopt(state::LockedContainer& record);
  absl::Status OpenNetworks();
  void OpenResolver();
  void OpenRelay();
  absl::Status WatchRun();
  void OnStarted();

  // supervisor.cc
  void Loop();
  void Dispatch(uint32_t tag, uint32_t events);
  void OnTime();
  absl::Duration NextDeadline() const;
  void WatchStreams();
  bool PumpOnce(int fd, FrameType type);
  void PumpStream(int fd, FrameType type);

  // supervisor_exit.cc
  void OnExit();
  bool DrainStreams();
  void FinishLog();
  void LogEnd() const;
  void RecordExit();
  absl::Status Release(const state::ContainerState& ended);
  absl::StatusOr<state::LockedContainer> LockRecord();
  void LeaveRunDirectory();
  void ContinueDraining();
  void RestartNow();
  void GiveUpRestart(absl::StatusOr<state::LockedContainer>& record);

  // supervisor_health.cc
  void StartProbe();
  void OnProbeOutput();
  void OnProbeExit();
  void OnProbeTimeOut();
  void CommitProbe(state::HealthProbe result);

  // AttachServer::Host
  size_t WriteStdin(absl::string_view data) override;
  void StdinClosed() override;
  void Resize(WindowSize size) override;
  void Signal(int signal) override;
  void Reload() override;
  int Upper() override { return upper_.get(); }

  void LogEvent(absl::string_view action) const;

  SupervisorTask task_;
  state::ContainerConfig config_;  // as last read
  state::ContainerState state_;
  Poller poller_;
  AttachServer server_;
  Streams streams_;
  UniqueFd run_directory_;
  UniqueFd lock_;
  UniqueFd log_directory_;
  std::optional<logs::LogWriter> log_;
  std::unique_ptr<char[]> piece_;  // of output, read and being given to the clients

  std::unique_ptr<NetworkManager> networks_;
  std::vector<UniqueFd> port_holders_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<LoopbackRelay> relay_;  // goes before the holders that it serves

  Phase phase_ = Phase::kDone;
  UniqueFd pidfd_;
  std::optional<cgroup::Cgroup> cgroup_;  // of a run that this process has started
  UniqueFd upper_;        // of --rootfs DIR:O, for `tiny diff`; lost with the supervisor
  bool adopted_ = false;  // not our child
  state::Status status_before_ = state::Status::kCreated;  // the start
  std::optional<int> oom_score_adj_;  // what the container is to have, and this process has not
  bool streams_watched_ = false;
  bool stdin_blocked_ = false;
  bool exit_offered_ = false;
  bool restart_ = false;
  absl::Duration run_started_;
  absl::Duration drain_ends_ = absl::InfiniteDuration();
  absl::Duration restart_at_ = absl::InfiniteDuration();
  RestartBackoff backoff_;

  std::optional<HealthTracker> health_;
  Probe probe_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_SUPERVISOR_H_
