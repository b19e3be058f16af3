#include "oci/cli/foreground.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "absl/status/status.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

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

void CopySize(int console) {
  winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) ioctl(console, TIOCSWINSZ, &size);
}

// False at the end of the stream. A terminal whose last holder has gone reads as EIO.
bool Relay(int from, int to) {
  char buffer[4096];
  const ssize_t got = read(from, buffer, sizeof(buffer));
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  return WriteAll(to, absl::string_view(buffer, static_cast<size_t>(got)), "terminal").ok();
}

}  // namespace

Foreground::Foreground() {
  sigfillset(&forwarded_);
  for (const int own :
       {SIGCHLD, SIGTTIN, SIGTTOU, SIGPIPE, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP}) {
    sigdelset(&forwarded_, own);
  }
  sigprocmask(SIG_BLOCK, &forwarded_, nullptr);
}

absl::StatusOr<int> Foreground::Wait(int pidfd, int console) {
  const UniqueFd signals(signalfd(-1, &forwarded_, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return PosixStatus(errno, "signalfd");
  std::optional<RawMode> raw;
  if (console >= 0) {
    raw.emplace();
    CopySize(console);
  }
  enum { kProcess, kSignals, kConsole, kInput, kCount };
  pollfd polled[kCount] = {
      {.fd = pidfd, .events = POLLIN, .revents = 0},
      {.fd = signals.get(), .events = POLLIN, .revents = 0},
      {.fd = console, .events = POLLIN, .revents = 0},
      {.fd = console >= 0 ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0},
  };
  while (true) {
    if (poll(polled, kCount, -1) < 0) {
      if (errno == EINTR) continue;
      return PosixStatus(errno, "poll");
    }
    signalfd_siginfo info;
    while (polled[kSignals].revents != 0 &&
           read(signals.get(), &info, sizeof(info)) == sizeof(info)) {
      const int signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGWINCH && console >= 0) {
        CopySize(console);
      } else {
        SendSignal(pidfd, signal).IgnoreError();
      }
    }
    if (polled[kConsole].revents != 0 && !Relay(console, STDOUT_FILENO)) polled[kConsole].fd = -1;
    if (polled[kInput].revents != 0 && !Relay(STDIN_FILENO, console)) polled[kInput].fd = -1;
    // What the process wrote last is relayed before its end is.
    if (polled[kProcess].revents != 0 && polled[kConsole].revents == 0) break;
    if (polled[kProcess].revents != 0 && polled[kConsole].fd < 0) break;
  }
  return ReapChild(pidfd);
}

}  // namespace tiny::oci
