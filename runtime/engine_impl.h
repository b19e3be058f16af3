// The engine itself. One verb a file: engine_<verb>.cc.
#ifndef TINY_RUNTIME_ENGINE_IMPL_H_
#define TINY_RUNTIME_ENGINE_IMPL_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/attach/attach_client.h"
#include "runtime/attach/protocol.h"
#include "runtime/engine.h"
#include "runtime/network/network_manager.h"
#include "runtime/prepare.h"
#include "runtime/supervisor/supervisor.h"
#include "state/liveness.h"
#include "state/store.h"

namespace tiny::runtime {

class EngineImpl final : public Engine {
 public:
  EngineImpl(EngineOptions options, state::StateStore store)
      : options_(std::move(options)), store_(std::move(store)) {}
  ~EngineImpl() override;

  absl::StatusOr<std::string> Create(state::ContainerConfig config, Next next) override;
  absl::StatusOr<Container> Inspect(absl::string_view reference) override;
  absl::Status Visit(Which which, absl::FunctionRef<void(Container&)> visit,
                     std::vector<std::string>* damaged) override;
  absl::Status Start(absl::string_view reference) override;
  absl::StatusOr<AttachResult> StartAttached(absl::string_view reference,
                                             const AttachOptions& options) override;
  absl::StatusOr<AttachResult> Attach(absl::string_view reference,
                                      const AttachOptions& options) override;
  absl::Status Stop(absl::string_view reference, const StopOptions& options) override;
  absl::Status Restart(absl::string_view reference, const StopOptions& options) override;
  absl::Status Kill(absl::string_view reference, int signal) override;
  absl::Status Pause(absl::string_view reference) override;
  absl::Status Unpause(absl::string_view reference) override;
  absl::StatusOr<int> Wait(absl::string_view reference) override;
  absl::Status Remove(absl::string_view reference, bool force, bool volumes) override;
  absl::Status Rename(absl::string_view reference, absl::string_view name) override;
  absl::Status Update(absl::string_view reference,
                      const std::function<absl::Status(state::ContainerConfig&)>& change) override;
  absl::StatusOr<AttachResult> Exec(absl::string_view reference,
                                    const ExecOptions& options) override;
  absl::Status Connect(absl::string_view reference,
                       const state::NetworkAttachment& attachment) override;
  absl::Status Disconnect(absl::string_view reference, absl::string_view network,
                          bool force) override;
  absl::StatusOr<std::vector<state::PortMapping>> Publish(
      absl::string_view reference, const std::vector<state::PortMapping>& ports) override;
  absl::Status Unpublish(absl::string_view reference,
                         const std::vector<state::PortMapping>& ports) override;
  absl::StatusOr<ProcessTable> Top(absl::string_view reference,
                                   const std::vector<std::string>& options) override;
  absl::StatusOr<StatsSample> Stats(absl::string_view reference) override;
  absl::StatusOr<UniqueFd> OpenRoot(absl::string_view reference, RootUse use) override;
  absl::StatusOr<std::vector<Change>> Diff(absl::string_view reference) override;
  absl::Status Sweep() override;

 private:
  // engine_reconcile.cc: the records, corrected where they no longer hold. A running container
  // without a supervisor gets one; what a dead one left is removed.
  absl::StatusOr<Container> Settle(const state::ContainerId& id);
  absl::StatusOr<Container> SettleRecord(Container record);
  absl::StatusOr<Container> Find(absl::string_view reference);  // resolved and settled
  // The same, locked: nobody else changes the container meanwhile.
  absl::StatusOr<state::LockedContainer> FindAndLock(absl::string_view reference);
  // `record` is active and has no supervisor.
  absl::Status Mend(state::LockedContainer record, const state::ContainerState& reconciled,
                    const state::Liveness& liveness);
  // Whether there was something left of runs that nobody sees to: of other containers than these.
  absl::StatusOr<bool> SweepRunRoot(const std::set<std::string>& active);
  bool SweepRunDirectory(const state::ContainerId& id);
  void ReleaseRemains(const state::ContainerId& id, state::ContainerState state);
  absl::Status SweepNetworks();

  // engine_files.cc
  absl::StatusOr<UniqueFd> OpenStopped(const Container& container, RootUse use);

  // engine_network.cc
  absl::StatusOr<std::unique_ptr<NetworkManager>> OpenNetworks() const;

  // engine_remove.cc
  absl::Status RemoveOnce(absl::string_view reference, bool force, bool volumes, int attempts);
  absl::Status RemoveDamaged(const state::ContainerId& id, bool force);
  bool SeemsToRun(const state::ContainerId& id, const std::string& cgroup_path) const;
  static void EndSupervisor(const state::ContainerState& state);

  // engine_start.cc
  absl::StatusOr<state::LockedContainer> LockForStart(absl::string_view reference);
  // Forks a supervisor, which takes over the lock; returns the client's end of its socket.
  absl::StatusOr<UniqueFd> ForkSupervisor(SupervisorTask::Kind kind, state::LockedContainer record,
                                          const HelloPayload& hello);
  absl::Status AwaitStarted(int socket);
  // engine_exec.cc
  absl::StatusOr<AttachResult> ExecDetached(const PreparedExec& prepared,
                                            const std::function<void(int)>& on_exit);

  // engine_attach.cc: what an attachment came to; where its supervisor has gone, it goes on with
  // the next one.
  absl::StatusOr<AttachResult> ResultOf(const std::string& id, const AttachOutcome& outcome,
                                        const AttachOptions& options);

  // engine_stop.cc
  struct ExitWatch {
    UniqueFd pidfd;
    UniqueFd socket;  // of that run's supervisor; none if it does not answer
  };
  absl::StatusOr<ExitWatch> WatchExit(const Container& container);
  // Waits until the container has ended and its record says so. False when the time is over.
  absl::StatusOr<bool> AwaitEnd(const Container& container, const ExitWatch& watch,
                                absl::Duration timeout);
  absl::Status MarkStopped(const Container& container);
  absl::Status KillAll(const Container& container);
  absl::Status SetAutoRemove(absl::string_view id, bool auto_remove);
  absl::Status Thaw(const Container& container);
  absl::Status StopActive(const Container& container, const StopOptions& options);

  // Has its supervisor read the record again. One that does not answer will at the latest when the
  // container ends.
  void PokeSupervisor(absl::string_view id);
  std::string SocketOf(const Container& container) const;

  EngineOptions options_;
  state::StateStore store_;
  // What Create made last, still locked, so that a Start that follows need not read it again.
  std::optional<state::LockedContainer> created_;
  // What the last root of a stopped container that was opened is made of.
  UniqueFd stopped_mounts_;
  std::vector<pid_t> supervisors_;  // our children, for as long as we are their parent
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_ENGINE_IMPL_H_
