#include "oci/cli/foreground.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "runtime/attach/output_sink.h"

namespace tiny::oci {
namespace {

// Puts standard input into raw mode for as long as it lives.
class RawMode {
 public:
  RawMode() {
    termios current;
    if (tcgetattr(STDIN_FILENO, &current) != 0) return;
    saved_ = current;
    cfmakeraw(&current);
    tcsetattr(STDIN_FILENO, TCSANOW, &current);
  }
  ~RawMode() {
    if (saved_) tcsetattr(STDIN_FILENO, TCSANOW, &*saved_);
  }
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;

 private:
  std::optional<termios> saved_;
};

// True where there is nothing yet, and not the end of the stream. A terminal whose last holder has
// gone reads as EIO.
bool IsLater(int error) { return error == EINTR || error == EAGAIN; }

// The master of a terminal between its program and this process's own streams. It never waits in a
// read or a write: so long as one side does not take what there is for it, signals still count.
class Terminal {
 public:
  explicit Terminal(int console) : console_(console), output_(STDOUT_FILENO) {
    fcntl(console, F_SETFL, fcntl(console, F_GETFL) | O_NONBLOCK);
    FollowSize();
  }

  void FollowSize() const {
    winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) ioctl(console_, TIOCSWINSZ, &size);
  }

  enum { kOutput, kInput, kTaken, kTyped, kPolled };
  void Poll(pollfd* polled) const {
    polled[kOutput] = {writes_ && output_.empty() ? console_ : -1, POLLIN, 0};
    polled[kInput] = {reads_ && input_.empty() ? STDIN_FILENO : -1, POLLIN, 0};
    polled[kTaken] = {output_.empty() ? -1 : output_.fd(), POLLOUT, 0};
    polled[kTyped] = {input_.empty() ? -1 : console_, POLLOUT, 0};
  }
  void Relay(const pollfd* polled) {
    if (polled[kOutput].revents != 0) RelayOutput();
    if (polled[kInput].revents != 0) RelayInput();
    if (polled[kTaken].revents != 0) output_.Flush();
    if (polled[kTyped].revents != 0 && !WriteInput() && (polled[kTyped].revents & POLLHUP) != 0) {
      StopInput();
    }
  }

  // Whether all that was written has been passed on, so that what is next is the end.
  bool passed_on() const { return output_.empty(); }
  bool IsDrained(const pollfd* polled) const {
    return passed_on() && polled[kOutput].revents == 0 && (polled[kOutput].fd >= 0 || !writes_);
  }

 private:
  void RelayOutput() {
    const ssize_t got = read(console_, buffer_, sizeof(buffer_));
    // Where nobody takes it any more, the program's output is still read, so that it can go on.
    if (got > 0 && !output_.broken()) output_.Write({buffer_, static_cast<size_t>(got)});
    if (got == 0 || (got < 0 && !IsLater(errno))) writes_ = false;
  }
  void RelayInput() {
    const ssize_t got = read(STDIN_FILENO, buffer_, sizeof(buffer_));
    if (got == 0 || (got < 0 && !IsLater(errno))) reads_ = false;
    if (got <= 0) return;
    input_.assign(buffer_, static_cast<size_t>(got));
    WriteInput();
  }
  // False where the terminal took nothing.
  bool WriteInput() {
    const ssize_t written = write(console_, input_.data(), input_.size());
    if (written > 0) input_.erase(0, static_cast<size_t>(written));
    if (written < 0 && !IsLater(errno)) StopInput();
    return written > 0;
  }
  void StopInput() {
    reads_ = false;
    input_.clear();
  }

  const int console_;
  const RawMode raw_;
  runtime::OutputSink output_;
  std::string input_;  // what the terminal has not taken yet
  bool writes_ = true;
  bool reads_ = true;
  char buffer_[4096];
};

// A write of this process's own that failed: nothing that somebody has sent.
bool IsOwnFailure(const signalfd_siginfo& info) {
  return (info.ssi_signo == SIGPIPE || info.ssi_signo == SIGXFSZ) &&
         info.ssi_pid == static_cast<uint32_t>(getpid());
}

}  // namespace

Foreground::Foreground() {
  sigfillset(&forwarded_);
  for (const int own :
       {SIGCHLD, SIGTTIN, SIGTTOU, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP}) {
    sigdelset(&forwarded_, own);
  }
  sigprocmask(SIG_BLOCK, &forwarded_, nullptr);
}

absl::StatusOr<int> Foreground::Wait(int pidfd, int console, NotifySocket* notify) {
  // What comes after this is the exit, which closes it.
  const int signals = signalfd(-1, &forwarded_, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) return PosixStatus(errno, "signalfd");
  std::optional<Terminal> terminal;
  if (console >= 0) terminal.emplace(console);
  enum { kProcess, kSignals, kNotify, kOwn };
  pollfd polled[size_t{kOwn} + Terminal::kPolled];
  pollfd* const of_terminal = &polled[kOwn];
  polled[kProcess] = {pidfd, POLLIN, 0};
  polled[kSignals] = {signals, POLLIN, 0};
  polled[kNotify] = {notify != nullptr ? notify->fd() : -1, POLLIN, 0};
  const nfds_t count = terminal.has_value() ? std::size(polled) : nfds_t{kOwn};
  bool ended = false;
  while (true) {
    if (terminal.has_value()) terminal->Poll(of_terminal);
    if (poll(polled, count, ended && terminal->passed_on() ? 0 : -1) < 0) {
      if (errno == EINTR) continue;
      return PosixStatus(errno, "poll");
    }
    signalfd_siginfo info;
    while (polled[kSignals].revents != 0 && read(signals, &info, sizeof(info)) == sizeof(info)) {
      const int signal = static_cast<int>(info.ssi_signo);
      if (IsOwnFailure(info)) continue;
      if (signal == SIGWINCH && terminal.has_value()) {
        terminal->FollowSize();
      } else {
        SendSignal(pidfd, signal).IgnoreError();
      }
    }
    // This process is the service's main one, as its manager has started it.
    if (polled[kNotify].revents != 0) notify->Relay(/*main_pid=*/0).IgnoreError();
    if (polled[kProcess].revents != 0) {
      ended = true;
      polled[kProcess].fd = -1;
    }
    // What the process wrote last is relayed before its end is.
    if (ended && (!terminal.has_value() || terminal->IsDrained(of_terminal))) break;
    if (terminal.has_value()) terminal->Relay(of_terminal);
  }
  return ReapChild(pidfd);
}

}  // namespace tiny::oci
