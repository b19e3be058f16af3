#include "e2e/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/files.h"
#include "e2e/harness.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {

Terminal::Terminal(unsigned short rows, unsigned short columns)
    : keyboard_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
  if (!keyboard_ || unlockpt(keyboard_.get()) != 0) ADD_FAILURE() << "no pseudo-terminal";
  screen_.Reset(ioctl(keyboard_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  Resize(rows, columns);
}

void Terminal::Start(const std::vector<std::string>& command_line) {
  std::vector<char*> argv;
  for (const std::string& word : command_line) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  setsid();
  ioctl(screen_.get(), TIOCSCTTY, 0);
  for (int fd = 0; fd < 3; ++fd) dup2(screen_.get(), fd);
  execv(argv[0], argv.data());
  _exit(99);
}

void Terminal::Type(absl::string_view keys) {
  EXPECT_OK(WriteAll(keyboard_.get(), keys, "the terminal"));
}

void Terminal::ReadOutput() {
  char buffer[4096];
  pollfd poller = {keyboard_.get(), POLLIN, 0};
  while (poll(&poller, 1, 0) > 0 && (poller.revents & POLLIN) != 0) {
    const ssize_t count = read(keyboard_.get(), buffer, sizeof(buffer));
    if (count <= 0) return;
    shown_.append(buffer, static_cast<size_t>(count));
  }
}

bool Terminal::Shows(const std::string& text) {
  const bool found = WaitUntil(absl::Seconds(20), [&] {
    ReadOutput();
    return shown_.find(text, seen_) != std::string::npos;
  });
  if (found) seen_ = shown_.find(text, seen_) + text.size();
  return found;
}

void Terminal::Resize(unsigned short rows, unsigned short columns) {
  winsize size = {};
  size.ws_row = rows;
  size.ws_col = columns;
  EXPECT_EQ(ioctl(keyboard_.get(), TIOCSWINSZ, &size), 0);
}

bool Terminal::IsRaw() const {
  termios settings = {};
  EXPECT_EQ(tcgetattr(screen_.get(), &settings), 0);
  return (settings.c_lflag & (ICANON | ECHO | ISIG)) == 0;
}

int Terminal::Finish() {
  int status = 0;
  const bool ended = WaitUntil(absl::Seconds(30), [&] {
    if (keyboard_) ReadOutput();
    return waitpid(pid_, &status, WNOHANG) == pid_;
  });
  if (!ended) {
    ADD_FAILURE() << "the program in the terminal does not end; it has shown:\n" << shown_;
    kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
  }
  if (keyboard_) ReadOutput();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace tiny::e2e
