// Stays with a process that was started: passes signals on, joins it to the terminal, and ends
// with its exit code.
#ifndef TINY_OCI_CLI_FOREGROUND_H_
#define TINY_OCI_CLI_FOREGROUND_H_

#include <signal.h>

#include "absl/status/statusor.h"
#include "oci/cli/notify_socket.h"

namespace tiny::oci {

// Blocks the signals that are to be passed on. Make one before the process is started, so that
// none is lost; they stay blocked.
class Foreground {
 public:
  Foreground();

  // Waits for `pidfd`, a child. With a console (the master of its terminal; -1: none) standard
  // input and output are relayed to it, in raw mode where they are a terminal, whose size follows.
  // A reader of the output that is slow is waited for; without one it is dropped. What comes on
  // `notify`, unless that is null, is relayed to the service manager. Returns the exit code, 128+n
  // for signal n.
  absl::StatusOr<int> Wait(int pidfd, int console, NotifySocket* notify = nullptr);

 private:
  sigset_t forwarded_;
};

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_FOREGROUND_H_
