#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "runtime/attach/exec_relay.h"
#include "runtime/engine_impl.h"
#include "runtime/event_log.h"
#include "runtime/launch/launch.h"
#include "runtime/prepare.h"

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

}  // namespace

absl::StatusOr<AttachResult> EngineImpl::Exec(absl::string_view reference,
                                              const ExecOptions& options) {
  if (options.command.empty()) return absl::InvalidArgumentError("no command specified");
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  RETURN_IF_ERROR(CheckExec(container));
  ASSIGN_OR_RETURN(const UniqueFd container_pidfd, OpenProcess(container.state.init));
  ASSIGN_OR_RETURN(const std::unique_ptr<PreparedExec> prepared,
                   PrepareExec(container.config, container.state, options, container_pidfd.get()));
  const std::string command = absl::StrJoin(options.command, " ");
  ExecStreams streams;
  RETURN_IF_ERROR(streams.Open(options.tty, options.interactive, options.detach));
  for (int stream = 0; stream < 3; ++stream) {
    prepared->request.stdio[stream] = streams.process_ends()[stream];
  }
  prepared->process.terminal = options.tty && !options.detach;
  std::optional<ProxiedSignals> signals;
  if (!options.detach) signals.emplace(/*proxy=*/true);
  ASSIGN_OR_RETURN(LaunchedContainer process, LaunchExec(prepared->request));
  if (prepared->process.terminal) streams.SetTerminal(process.TakeConsole());
  RETURN_IF_ERROR(process.Start());
  streams.CloseProcessEnds();
  const UniqueFd pidfd = process.TakePidfd();
  LogEvent(options_.root, container.config, absl::StrCat("exec_start: ", command));
  if (options.detach) return AttachResult{};
  ASSIGN_OR_RETURN(const AttachOutcome outcome,
                   streams.Relay(pidfd.get(), options.detach_keys, &*signals));
  if (outcome.kind == AttachOutcome::Kind::kDetached) return AttachResult{.detached = true};
  LogEvent(options_.root, container.config, "exec_die",
           {{"exitCode", absl::StrCat(outcome.exit_code)}});
  return AttachResult{.exit_code = outcome.exit_code};
}

}  // namespace tiny::runtime
