#include "runtime/attach/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

namespace tiny::runtime {

RawTerminal::RawTerminal(int fd) {
  if (tcgetattr(fd, &saved_) != 0) return;
  termios raw = saved_;
  cfmakeraw(&raw);
  if (tcsetattr(fd, TCSANOW, &raw) == 0) fd_ = fd;
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), saved_(other.saved_) {}

RawTerminal& RawTerminal::operator=(RawTerminal&& other) noexcept {
  if (this != &other) {
    Restore();
    fd_ = std::exchange(other.fd_, -1);
    saved_ = other.saved_;
  }
  return *this;
}

void RawTerminal::Restore() {
  if (fd_ < 0) return;
  // Not TCSADRAIN, which would wait for ever on a terminal that is stopped by ^S.
  tcsetattr(std::exchange(fd_, -1), TCSANOW, &saved_);
}

WindowSize OwnWindowSize() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    winsize size = {};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) return {size.ws_row, size.ws_col};
  }
  return {};
}

void SetWindowSize(int terminal, WindowSize size) {
  if (size == WindowSize{}) return;
  winsize kernel_size = {};
  kernel_size.ws_row = size.rows;
  kernel_size.ws_col = size.columns;
  ioctl(terminal, TIOCSWINSZ, &kernel_size);
}

}  // namespace tiny::runtime
