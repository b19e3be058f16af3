// Joins this process's streams to those of a process that it has started itself in a container:
// `tiny exec`. No supervisor is in between, so there is no protocol: bytes are copied.
#ifndef TINY_RUNTIME_ATTACH_EXEC_RELAY_H_
#define TINY_RUNTIME_ATTACH_EXEC_RELAY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "runtime/attach/attach_client.h"

namespace tiny::runtime {

// The streams of a process to be started, made before it is. A pipe of ours that the process may
// have as it is, is passed on; what is a terminal or a file of the host is relayed through a pipe,
// as a process in a container could do more with it than read or write. Thread-compatible.
class ExecStreams {
 public:
  // With a terminal the process gets none of these: see SetTerminal. `interactive`: with our
  // stdin, else with none; `detached`: with none at all.
  absl::Status Open(bool tty, bool interactive, bool detached);

  const int* process_ends() const { return process_ends_; }
  // To be called once the process is started.
  void CloseProcessEnds();
  void SetTerminal(UniqueFd master);

  // Relays until the process behind `pidfd` has ended and its output is read, or the detach keys
  // were typed. Signals are passed on to the process. Returns its exit code, or kDetached.
  absl::StatusOr<AttachOutcome> Relay(int pidfd, absl::string_view detach_keys,
                                      ProxiedSignals* signals);

 private:
  absl::Status OpenStream(int stream);

  bool tty_ = false;
  bool interactive_ = false;
  UniqueFd ours_[3];     // the ends that are relayed; -1: not
  UniqueFd process_[3];  // what has to be closed after the start
  int process_ends_[3] = {-1, -1, -1};
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_ATTACH_EXEC_RELAY_H_
