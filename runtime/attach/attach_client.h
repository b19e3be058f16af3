// The client's half of an attachment: this process's streams joined to a container's through the
// supervisor's socket.
#ifndef TINY_RUNTIME_ATTACH_ATTACH_CLIENT_H_
#define TINY_RUNTIME_ATTACH_ATTACH_CLIENT_H_

#include <signal.h>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "runtime/attach/protocol.h"
#include "runtime/engine.h"

namespace tiny::runtime {

// Blocks, for its lifetime, the signals that an attached client passes on, and hands them out
// through a signalfd(2). Made before the container is started, so that none is lost in between.
// Thread-compatible; the process must have one thread.
class ProxiedSignals {
 public:
  // With `proxy` false only SIGWINCH and SIGPIPE are taken.
  explicit ProxiedSignals(bool proxy);
  ~ProxiedSignals();
  ProxiedSignals(const ProxiedSignals&) = delete;
  ProxiedSignals& operator=(const ProxiedSignals&) = delete;

  int fd() const { return fd_.get(); }
  int Next();  // 0: none is waiting
  // The mask from before, which a forked child is to restore.
  const sigset_t& original_mask() const { return original_; }

 private:
  sigset_t original_;
  UniqueFd fd_;
};

struct AttachOutcome {
  enum class Kind {
    kExited,
    kDetached,     // by the detach keys
    kLost,         // the supervisor has gone without a word
    kStartLost,    // likewise, before it said that the container was started
    kOutputGone,   // nobody reads this process's output any more
    kInterrupted,  // by a second signal while the container was being started
  };
  Kind kind = Kind::kLost;
  int exit_code = 0;
  bool output_failed = false;  // some of it could not be written
};

struct AttachSession {
  int socket = -1;  // borrowed
  bool tty = false;
  bool started = true;  // false: Started or StartFailed is still to come
  const AttachOptions* options = nullptr;
  ProxiedSignals* signals = nullptr;
};

// What Hello asks for with these options: lossless where a pipe or file takes the output.
uint32_t WantsOf(const AttachOptions& options, bool lossless);

// Relays until one of the outcomes. The terminal is put in raw mode while a container with a
// terminal is attached with its stdin, and is restored before this returns. The error is that of
// StartFailed, or kInvalidArgument for detach keys.
absl::StatusOr<AttachOutcome> RunAttachSession(const AttachSession& session);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_ATTACH_ATTACH_CLIENT_H_
