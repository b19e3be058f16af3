#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/timeline.h"
#include "logs/log_options.h"
#include "ns/network_maker.h"
#include "runtime/event_log.h"
#include "runtime/launch/launch.h"
#include "runtime/prepare.h"
#include "runtime/release.h"
#include "runtime/run_directory.h"
#include "runtime/supervisor/supervisor.h"

namespace tiny::runtime {
namespace {

// Neither the host's nor another container's.
bool HasOwnNetwork(const state::ContainerConfig& config) {
  if (config.networks.empty()) return true;
  const std::string& mode = config.networks.front().network;
  return mode != "host" && !absl::StartsWith(mode, "container:");
}

}  // namespace

// What lasts for all runs of the container: its run directory, streams, log and socket.
absl::Status Supervisor::SetUp(const state::LockedContainer& record) {
  config_ = record.config();
  state_ = record.state();
  const bool adopt = task_.kind == SupervisorTask::Kind::kAdopt;
  const std::string& run_root = task_.options.run_root;
  // An adopted container's directory may be gone, with all that it had in /run.
  absl::StatusOr<UniqueFd> directory =
      adopt ? OpenRunDirectory(run_root, config_.id) : MakeRunDirectory(run_root, config_.id);
  const bool anew = !adopt || absl::IsNotFound(directory.status());
  if (adopt && anew) directory = MakeRunDirectory(run_root, config_.id);
  ASSIGN_OR_RETURN(run_directory_, std::move(directory));
  ASSIGN_OR_RETURN(lock_, TakeSupervisorLock(run_directory_.get()));
  RETURN_IF_ERROR(poller_.Open());
  RETURN_IF_ERROR(!anew ? streams_.Adopt(run_directory_.get(), config_.tty, config_.open_stdin)
                        : streams_.Create(run_directory_.get(), config_.tty, config_.open_stdin));
  ASSIGN_OR_RETURN(logs::LogOptions log_options,
                   logs::ParseLogOptions(config_.log.driver, config_.log.options));
  if (log_options.enabled) {
    ASSIGN_OR_RETURN(log_directory_, OpenFileAt(record.directory(), ".", O_RDONLY | O_DIRECTORY));
    ASSIGN_OR_RETURN(log_, logs::LogWriter::Open(log_directory_.get(), log_options));
  }
  server_.set_tty(config_.tty);
  // Without a process namespace of its own the container's orphans become ours.
  if (config_.pid_mode == "host") prctl(PR_SET_CHILD_SUBREAPER, 1);
  return server_.Listen(run_directory_.get());
}

absl::Status Supervisor::Start(state::LockedContainer& record) {
  config_ = record.config();
  state_ = record.state();
  status_before_ = state_.status;
  if (status_before_ != state::Status::kRestarting) {  // by hand
    state_.manually_stopped = false;
    state_.restart_count = 0;
  }
  ns::NetworkMaker network;
  // Where there may be no thread the clone makes it.
  if (HasOwnNetwork(config_)) network.Start().IgnoreError();
  RETURN_IF_ERROR(MakeEtcFiles(record.directory(), config_));
  PrepareOptions options{task_.options, task_.store, task_.term};
  ASSIGN_OR_RETURN(const std::unique_ptr<PreparedLaunch> prepared,
                   PrepareLaunch(config_, options, &state_));
  LaunchRequest& request = prepared->request;
  request.network_maker = &network;
  request.starts = !config_.tty;
  oci::Process& process = *prepared->spec.process;
  if (!process.oom_score_adj.has_value()) process.oom_score_adj = oom_score_adj_;
  RETURN_IF_ERROR(streams_.OpenContainerEnds(process.user.uid, process.user.gid));
  for (int stream = 0; stream < 3; ++stream) {
    request.stdio[stream] = streams_.container_ends()[stream];
  }
  request.configure_network = [&](const ProcessIdentity& child, int network_namespace) {
    return OnCloned(record, child, network_namespace);
  };
  Timeline::Stamp("streams and files ready");
  absl::StatusOr<LaunchedContainer> container = Launch(request);
  streams_.CloseContainerEnds();
  RETURN_IF_ERROR(container.status());
  if (config_.tty) {
    streams_.SetTerminal(container->TakeConsole());
    streams_.Resize(task_.hello.size);
  }
  RETURN_IF_ERROR(container->Start());
  pidfd_ = container->TakePidfd();
  upper_ = container->TakeUpper();
  if (cgroup::Cgroup* group = container->cgroup()) cgroup_ = std::move(*group);
  adopted_ = false;
  return WatchRun();
}

absl::Status Supervisor::OpenNetworks() {
  if (networks_ != nullptr) return absl::OkStatus();
  NetworkManagerOptions options;
  options.root = task_.options.root;
  options.run_root = task_.options.run_root;
  // A restart has no client to tell.
  options.note = [this](absl::string_view note) {
    SendFrame(task_.starter.get(), FrameType::kNote, note.data(), note.size(), 0);
  };
  ASSIGN_OR_RETURN(networks_, NetworkManager::Open(options));
  return absl::OkStatus();
}

// Of a container that runs already: without names it is still better off than not at all.
void Supervisor::OpenResolver() {
  if (resolver_ != nullptr) return resolver_->SetEndpoints(state_.endpoints);
  if (!NeedsResolver(state_.endpoints)) return;
  const absl::StatusOr<UniqueFd> network_namespace =
      OpenFile(absl::StrCat("/proc/", state_.init.pid, "/ns/net"), O_RDONLY);
  if (!network_namespace.ok()) return;
  ResolverOptions options;
  options.root = task_.options.root;
  options.run_root = task_.options.run_root;
  auto resolver = Resolver::Open(options, config_, state_.endpoints, network_namespace->get());
  if (!resolver.ok()) return;
  resolver_ = *std::move(resolver);
  poller_.Add(resolver_->fd(), EPOLLIN, kResolverTag).IgnoreError();
}

// Without it only ::1 is not served.
void Supervisor::OpenRelay() {
  relay_ = LoopbackRelay::Open(port_holders_, state_.ports, state_.endpoints);
  if (relay_ != nullptr) poller_.Add(relay_->fd(), EPOLLIN, kRelayTag).IgnoreError();
}

// The container's process exists and makes its mounts, and its program does not run yet: what must
// be known about it before it does is recorded now.
absl::Status Supervisor::OnCloned(state::LockedContainer& record, const ProcessIdentity& child,
                                  int network_namespace) {
  state_.init = child;
  RETURN_IF_ERROR(OpenNetworks());
  ASSIGN_OR_RETURN(Attachment attachment, networks_->Attach(config_, child, network_namespace));
  state_.endpoints = std::move(attachment.endpoints);
  state_.ports = std::move(attachment.ports);
  port_holders_ = std::move(attachment.port_holders);
  OpenRelay();
  if (NeedsResolver(state_.endpoints)) {
    ResolverOptions options;
    options.root = task_.options.root;
    options.run_root = task_.options.run_root;
    ASSIGN_OR_RETURN(resolver_,
                     Resolver::Open(options, config_, state_.endpoints, network_namespace));
    RETURN_IF_ERROR(poller_.Add(resolver_->fd(), EPOLLIN, kResolverTag));
  }
  RETURN_IF_ERROR(WriteEtcFiles(record.directory(), networks_->HostsFile(config_, state_.endpoints),
                                networks_->ResolvConf(config_, state_.endpoints)));
  ASSIGN_OR_RETURN(state_.supervisor, IdentifyProcess(getpid()));
  state_.status = state::Status::kRunning;
  state_.exit_code = 0;
  state_.oom_killed = false;
  state_.error.clear();
  state_.started_at = WallNow();
  state_.finished_at = absl::InfinitePast();
  state_.health = {};
  if (HasHealthCheck(config_.health)) state_.health.status = "starting";
  return record.CommitState(state_);
}

// A start that failed: nothing of it is left but the reason, in the record.
void Supervisor::RecordFailedStart(state::LockedContainer& record, const absl::Status& status) {
  ReleaseResources({task_.options, networks_.get()}, config_.id, state_).IgnoreError();
  relay_.reset();
  port_holders_.clear();
  resolver_.reset();
  state_.status =
      status_before_ == state::Status::kCreated ? state::Status::kCreated : state::Status::kExited;
  state_.init = {};
  state_.supervisor = {};
  state_.endpoints.clear();
  state_.ports.clear();
  state_.exit_code = ExitCodeOfStartError(status);
  state_.error = std::string(status.message());
  record.CommitState(state_).IgnoreError();
}

// Takes over a container whose supervisor was killed. If it has ended meanwhile, that is found out
// by the loop, at once.
absl::Status Supervisor::Adopt(state::LockedContainer& record) {
  absl::StatusOr<UniqueFd> pidfd = OpenProcess(state_.init);
  if (!pidfd.ok()) return pidfd.status();
  pidfd_ = *std::move(pidfd);
  adopted_ = true;
  ASSIGN_OR_RETURN(state_.supervisor, IdentifyProcess(getpid()));
  RETURN_IF_ERROR(OpenNetworks());
  port_holders_ = networks_->HoldPorts(state_.ports);
  OpenRelay();
  OpenResolver();
  RETURN_IF_ERROR(record.CommitState(state_));
  return WatchRun();
}

// From here on the loop sees what the run does.
absl::Status Supervisor::WatchRun() {
  phase_ = Phase::kRunning;
  exit_offered_ = false;
  stdin_blocked_ = false;
  run_started_ = BootNow();
  RETURN_IF_ERROR(poller_.Add(pidfd_.get(), EPOLLIN, kInitTag));
  if (streams_.out() >= 0) RETURN_IF_ERROR(poller_.Add(streams_.out(), EPOLLIN, kOutTag));
  if (streams_.err() >= 0) RETURN_IF_ERROR(poller_.Add(streams_.err(), EPOLLIN, kErrTag));
  streams_watched_ = true;
  health_.reset();
  if (HasHealthCheck(config_.health)) health_.emplace(config_.health, run_started_);
  return absl::OkStatus();
}

// What the client need not wait for.
void Supervisor::OnStarted() {
  if (task_.kind == SupervisorTask::Kind::kAdopt && adopted_) return;
  if (networks_ != nullptr) networks_->ForgetConnections(state_.ports).IgnoreError();
  std::vector<state::Event> events = NetworkEvents(config_, "connect");
  events.push_back(ContainerEvent(config_, "start"));
  LogEvents(task_.options.root, std::move(events));
}

}  // namespace tiny::runtime
