#include "runtime/supervisor/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/attach/terminal.h"

namespace tiny::runtime {
namespace {

constexpr int kBusyFifo = 1 << 20;  // what /proc/sys/fs/pipe-max-size allows by default
constexpr const char* kFifos[3] = {"stdin", "stdout", "stderr"};

}  // namespace

absl::Status Streams::Create(int run_directory, bool tty, bool open_stdin) {
  run_directory_ = run_directory;
  tty_ = tty;
  open_stdin_ = open_stdin;
  if (tty) return absl::OkStatus();
  for (int stream = open_stdin ? 0 : 1; stream < 3; ++stream) {
    if (mkfifoat(run_directory, kFifos[stream], 0600) != 0) {
      return PosixStatus(errno, absl::StrCat("mkfifo ", kFifos[stream]));
    }
  }
  // Read-write: without a writer of its own the supervisor would be woken without end from when the
  // container has closed its output.
  ASSIGN_OR_RETURN(out_, OpenFileAt(run_directory, "stdout", O_RDWR | O_NONBLOCK));
  ASSIGN_OR_RETURN(err_, OpenFileAt(run_directory, "stderr", O_RDWR | O_NONBLOCK));
  return absl::OkStatus();
}

absl::Status Streams::Adopt(int run_directory, bool tty, bool open_stdin) {
  run_directory_ = run_directory;
  tty_ = tty;
  open_stdin_ = open_stdin;
  if (tty) return absl::OkStatus();
  ASSIGN_OR_RETURN(out_, OpenFileAt(run_directory, "stdout", O_RDWR | O_NONBLOCK));
  ASSIGN_OR_RETURN(err_, OpenFileAt(run_directory, "stderr", O_RDWR | O_NONBLOCK));
  // ENXIO: the container has closed its stdin.
  if (open_stdin) in_.Reset(openat(run_directory, "stdin", O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  return absl::OkStatus();
}

absl::Status Streams::OpenContainerEnds(uid_t uid, gid_t gid) {
  if (tty_) return absl::OkStatus();
  if (open_stdin_) {
    // Without O_NONBLOCK this would wait for a writer; the container is not to have the flag.
    ASSIGN_OR_RETURN(container_[0], OpenFileAt(run_directory_, "stdin", O_RDONLY | O_NONBLOCK));
    fcntl(container_[0].get(), F_SETFL, 0);
    if (!in_) RETURN_IF_ERROR(ReopenStdin());
  } else {
    ASSIGN_OR_RETURN(container_[0], OpenFile("/dev/null", O_RDONLY));
  }
  ASSIGN_OR_RETURN(container_[1], OpenFileAt(run_directory_, "stdout", O_RDWR));
  ASSIGN_OR_RETURN(container_[2], OpenFileAt(run_directory_, "stderr", O_RDWR));
  for (int stream = 0; stream < 3; ++stream) {
    ends_[stream] = container_[stream].get();
    if (uid != 0 && (stream > 0 || open_stdin_) && fchown(ends_[stream], uid, gid) != 0) {
      return PosixStatus(errno, absl::StrCat("chown the container's ", kFifos[stream]));
    }
  }
  return absl::OkStatus();
}

void Streams::CloseContainerEnds() {
  for (int stream = 0; stream < 3; ++stream) {
    container_[stream].Reset();
    ends_[stream] = -1;
  }
}

void Streams::SetTerminal(UniqueFd master) {
  if (!master) return;
  fcntl(master.get(), F_SETFL, fcntl(master.get(), F_GETFL) | O_NONBLOCK);
  slave_.Reset(ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  out_ = std::move(master);
}

void Streams::Widen(int fd) {
  bool& widened = widened_[fd == err_.get() ? 1 : 0];
  if (tty_ || widened) return;
  widened = true;
  fcntl(fd, F_SETPIPE_SZ, kBusyFifo);  // where it may not, it stays as it is
}

size_t Streams::WriteStdin(absl::string_view data) {
  size_t done = 0;
  while (in() >= 0 && done < data.size()) {
    const ssize_t written = write(in(), data.data() + done, data.size() - done);
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return done;
      break;
    }
    done += static_cast<size_t>(written);
  }
  return data.size();
}

void Streams::CloseStdin() {
  if (!tty_) in_.Reset();
}

absl::Status Streams::ReopenStdin() {
  if (tty_ || !open_stdin_) return absl::OkStatus();
  ASSIGN_OR_RETURN(in_, OpenFileAt(run_directory_, "stdin", O_WRONLY | O_NONBLOCK));
  return absl::OkStatus();
}

void Streams::Resize(WindowSize size) {
  if (tty_ && out_) SetWindowSize(out_.get(), size);
}

}  // namespace tiny::runtime
