// A container's stdin, stdout and stderr as its supervisor holds them: named fifos, or a terminal.
//
// The fifos lie in the container's run directory. The container has its stdout and stderr open for
// reading too, so that a supervisor that dies gives it no EPIPE: what it writes waits in the fifo
// for the next supervisor. Its stdin is a plain reading end, so that it sees the end of file; if
// the supervisor dies it sees one as well. A terminal cannot outlive its master's holder: the
// kernel hangs it up. Thread-compatible.
#ifndef TINY_RUNTIME_SUPERVISOR_STREAMS_H_
#define TINY_RUNTIME_SUPERVISOR_STREAMS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "runtime/attach/protocol.h"

namespace tiny::runtime {

class Streams {
 public:
  // Makes the fifos in `run_directory` (borrowed, for as long as this lives), or none with `tty`.
  absl::Status Create(int run_directory, bool tty, bool open_stdin);
  // Opens what another supervisor has made. A terminal is lost.
  absl::Status Adopt(int run_directory, bool tty, bool open_stdin);

  // The container's ends, for one start; `uid` and `gid` become their owner, so that a program
  // that is not root may open /dev/stdout.
  absl::Status OpenContainerEnds(uid_t uid, gid_t gid);
  const int* container_ends() const { return ends_; }
  void CloseContainerEnds();

  void SetTerminal(UniqueFd master);

  int out() const { return out_.get(); }  // -1: none
  int err() const { return err_.get(); }
  int in() const { return tty_ ? out_.get() : in_.get(); }
  bool tty() const { return tty_; }

  // For a stream whose fifo is found full: a larger one, so that the two sides take fewer turns.
  void Widen(int fd);

  // How many of the bytes were taken; all of them where nobody reads any more.
  size_t WriteStdin(absl::string_view data);
  // Half-close: the container reads the end of its input. Nothing with a terminal.
  void CloseStdin();
  absl::Status ReopenStdin();
  void Resize(WindowSize size);

 private:
  int run_directory_ = -1;
  bool tty_ = false;
  bool open_stdin_ = false;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  bool widened_[2] = {false, false};  // out, err
  UniqueFd slave_;  // so that the master sees no hang-up while the container reopens its terminal
  UniqueFd container_[3];
  int ends_[3] = {-1, -1, -1};
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_STREAMS_H_
