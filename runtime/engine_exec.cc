#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "runtime/attach/exec_relay.h"
#include "runtime/container_process.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"
#include "runtime/launch/launch.h"
#include "runtime/prepare.h"
#include "runtime/supervisor/process_setup.h"

namespace tiny::runtime {
namespace {

absl::Status CheckExec(const Container& container) {
  const std::string& name = container.config.name;
  if (container.state.status == state::Status::kPaused) {
    return WithHint(absl::FailedPreconditionError(
                        absl::StrCat("container ", name, " is paused: nothing can be run in it")),
                    absl::StrCat("resume it: tiny unpause ", name));
  }
  if (container.state.status != state::Status::kRunning) {
    return WithHint(
        absl::FailedPreconditionError(absl::StrCat("container ", name, " is not running")),
        absl::StrCat("start it: tiny start ", name));
  }
  return absl::OkStatus();
}

// What docker events tells of one exec, joined by an id: exec_create and exec_start before its
// program can run, and exec_die with the exit code.
class ExecEvents {
 public:
  static absl::StatusOr<ExecEvents> Begin(absl::string_view root, const Container& container,
                                          const std::vector<std::string>& command) {
    ASSIGN_OR_RETURN(const state::ContainerId id, state::ContainerId::Generate());
    ExecEvents events(root, container, id.value());
    const std::string line = absl::StrJoin(command, " ");
    events.Log(absl::StrCat("exec_create: ", line));
    events.Log(absl::StrCat("exec_start: ", line));
    return events;
  }

  void Die(int exit_code) const { Log("exec_die", {{"exitCode", absl::StrCat(exit_code)}}); }

 private:
  ExecEvents(absl::string_view root, const Container& container, std::string id)
      : root_(root), container_(container), id_(std::move(id)) {}

  void Log(absl::string_view action, std::map<std::string, std::string> attributes = {}) const {
    attributes["execID"] = id_;
    LogEvent(root_, container_.config, action, std::move(attributes));
  }

  const std::string root_;
  const Container& container_;
  const std::string id_;
};

// In a process of its own: starts the program, tells the client over `starter`, and stays to reap
// it. Somebody has to: as long as one of its processes is not reaped, a container can't end.
void RunDetached(const ExecRequest& request, UniqueFd starter,
                 const std::function<void(int)>& on_exit) {
  BecomeSupervisor("tiny-exec");
  UniqueFd pidfd;
  const absl::Status status = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(LaunchedContainer process, LaunchExec(request));
    RETURN_IF_ERROR(process.Start());
    pidfd = process.TakePidfd();
    return absl::OkStatus();
  }();
  const std::string bytes = EncodeStatus(status);
  SendFrame(starter.get(), status.ok() ? FrameType::kStarted : FrameType::kStartFailed,
            bytes.data(), bytes.size(), 0);
  starter.Reset();  // who could not be told sees the end of file
  if (!status.ok()) return;
  SettleDown();
  if (const absl::StatusOr<int> code = ReapChild(pidfd.get()); code.ok()) on_exit(*code);
}

absl::StatusOr<AttachResult> ExecAttached(const PreparedExec& prepared,
                                          const std::string& detach_keys, ExecStreams* streams) {
  ProxiedSignals signals(/*proxy=*/true);
  ASSIGN_OR_RETURN(LaunchedContainer process, LaunchExec(prepared.request));
  if (prepared.process.terminal) streams->SetTerminal(process.TakeConsole());
  RETURN_IF_ERROR(process.Start());
  streams->CloseProcessEnds();
  const UniqueFd pidfd = process.TakePidfd();
  ASSIGN_OR_RETURN(const AttachOutcome outcome, streams->Relay(pidfd.get(), detach_keys, &signals));
  if (outcome.kind == AttachOutcome::Kind::kDetached) return AttachResult{.detached = true};
  return AttachResult{.exit_code = outcome.exit_code, .output_failed = outcome.output_failed};
}

}  // namespace

absl::StatusOr<AttachResult> EngineImpl::ExecDetached(const PreparedExec& prepared,
                                                      const std::function<void(int)>& on_exit) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return PosixStatus(errno, "make a socket pair");
  }
  UniqueFd client(ends[0]);
  UniqueFd starter(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) return PosixStatus(errno, "fork");
  if (pid == 0) {
    client.Reset();
    RunDetached(prepared.request, std::move(starter), on_exit);
    _exit(0);
  }
  supervisors_.push_back(pid);
  starter.Reset();
  RETURN_IF_ERROR(AwaitStarted(client.get()));
  return AttachResult{};
}

absl::StatusOr<AttachResult> EngineImpl::Exec(absl::string_view reference,
                                              const ExecOptions& options) {
  if (options.command.empty()) return absl::InvalidArgumentError("no command specified");
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  RETURN_IF_ERROR(CheckExec(container));
  ASSIGN_OR_RETURN(const UniqueFd container_pidfd, OpenContainerProcess(container.state));
  ASSIGN_OR_RETURN(const std::unique_ptr<PreparedExec> prepared,
                   PrepareExec(container.config, container.state, options, container_pidfd.get()));
  ExecStreams streams;
  RETURN_IF_ERROR(streams.Open(options.tty, options.interactive, options.detach));
  for (int stream = 0; stream < 3; ++stream) {
    prepared->request.stdio[stream] = streams.process_ends()[stream];
  }
  ASSIGN_OR_RETURN(const ExecEvents events,
                   ExecEvents::Begin(options_.root, container, options.command));
  absl::StatusOr<AttachResult> result =
      options.detach ? ExecDetached(*prepared, [&](int code) { events.Die(code); })
                     : ExecAttached(*prepared, options.detach_keys, &streams);
  if (!result.ok()) {
    events.Die(ExitCodeOfExecError(result.status()));
  } else if (!options.detach && !result->detached) {
    events.Die(result->exit_code);
  }
  return result;
}

}  // namespace tiny::runtime
