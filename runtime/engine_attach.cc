#include <signal.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/attach/attach_client.h"
#include "runtime/attach/terminal.h"
#include "runtime/engine_impl.h"

namespace tiny::runtime {
namespace {

constexpr absl::Duration kGreetPatience = absl::Seconds(5);

}  // namespace

absl::StatusOr<AttachResult> EngineImpl::Attach(absl::string_view reference,
                                                const AttachOptions& options) {
  ASSIGN_OR_RETURN(const Container container, Find(reference));
  const auto refuse = [&container](absl::string_view why, absl::string_view hint) {
    return WithHint(absl::FailedPreconditionError(absl::StrCat(
                        "cannot attach to container ", container.config.name, ": it is ", why)),
                    absl::StrCat(hint, " ", container.config.name));
  };
  if (container.state.status == state::Status::kPaused) {
    return refuse("paused", "resume it: tiny unpause");
  }
  if (container.state.status == state::Status::kRestarting) {
    return refuse("restarting", "wait until it runs: tiny ps, or read tiny logs");
  }
  if (container.state.status != state::Status::kRunning) {
    return refuse("not running", "start it: tiny start -a");
  }
  ProxiedSignals signals(options.signal_proxy);
  HelloPayload hello;
  hello.wants = WantsOf(options, /*lossless=*/false);
  if (container.config.tty) hello.size = OwnWindowSize();
  ASSIGN_OR_RETURN(const Connection connection,
                   ConnectAndGreet(SocketOf(container), hello, kGreetPatience));
  AttachSession session;
  session.socket = connection.socket.get();
  session.tty = connection.tty;
  session.options = &options;
  session.signals = &signals;
  ASSIGN_OR_RETURN(const AttachOutcome outcome, RunAttachSession(session));
  return ResultOf(container.config.id, outcome, options);
}

absl::StatusOr<AttachResult> EngineImpl::ResultOf(const std::string& id,
                                                  const AttachOutcome& outcome,
                                                  const AttachOptions& options) {
  switch (outcome.kind) {
    case AttachOutcome::Kind::kExited:
    case AttachOutcome::Kind::kInterrupted:
      if (outcome.exit_code < 0) break;
      return AttachResult{.exit_code = outcome.exit_code, .output_failed = outcome.output_failed};
    case AttachOutcome::Kind::kDetached:
      return AttachResult{.detached = true};
    case AttachOutcome::Kind::kOutputGone:
      return AttachResult{.exit_code = 128 + SIGPIPE};
    case AttachOutcome::Kind::kLost:
    case AttachOutcome::Kind::kStartLost:
      break;
  }
  // The supervisor was killed. The container may have ended meanwhile; else it has another one now.
  const absl::StatusOr<Container> container = Find(id);
  if (container.ok() && IsActive(container->state.status)) return Attach(id, options);
  if (container.ok() && container->state.exit_code >= 0) {
    return AttachResult{.exit_code = container->state.exit_code};
  }
  return absl::UnavailableError(absl::StrCat("container ", id.substr(0, 12),
                                             " has ended, and nobody saw its exit code: its "
                                             "supervisor was killed"));
}

}  // namespace tiny::runtime
