#include "runtime/attach/output_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"

namespace tiny::runtime {

OutputSink::OutputSink(int fd) : fd_(fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) {
    broken_ = true;
    return;
  }
  if (S_ISSOCK(info.st_mode)) kind_ = Kind::kSocket;
  if (S_ISFIFO(info.st_mode)) kind_ = Kind::kPipe;
  if (S_ISCHR(info.st_mode) && isatty(fd)) kind_ = Kind::kTerminal;
  if (kind_ == Kind::kPipe || kind_ == Kind::kTerminal) {
    // A descriptor opened anew has flags of its own. It may be refused, as after su(1).
    own_.Reset(open(absl::StrCat("/proc/self/fd/", fd).c_str(),
                    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  }
}

size_t OutputSink::WriteSome(absl::string_view data) {
  if (failed_) return data.size();
  ssize_t written;
  if (kind_ == Kind::kSocket) {
    written = send(fd_, data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } else if (own_ || kind_ == Kind::kFile) {
    written = write(fd(), data.data(), data.size());
  } else {
    // A pipe that poll(2) calls writable has room for PIPE_BUF bytes.
    pollfd entry{fd_, POLLOUT, 0};
    if (poll(&entry, 1, 0) <= 0) return 0;
    written = write(fd_, data.data(), std::min<size_t>(data.size(), 4096));
  }
  if (written >= 0) return static_cast<size_t>(written);
  if (errno == EAGAIN || errno == EINTR) return 0;
  if (errno == EPIPE || errno == EBADF || errno == ECONNRESET || kind_ == Kind::kTerminal) {
    broken_ = true;
    return 0;
  }
  if (fd_ == STDOUT_FILENO) {
    const absl::Status status = PosixStatus(errno, "write to standard output");
    dprintf(STDERR_FILENO, "tiny: %s\n", std::string(status.message()).c_str());
  }
  failed_ = true;
  return data.size();
}

void OutputSink::Write(absl::string_view data) {
  while (!broken_ && !data.empty()) {
    const size_t written = WriteSome(data);
    if (written == 0) break;
    data.remove_prefix(written);
  }
  if (!broken_) rest_.assign(data.data(), data.size());
}

void OutputSink::Flush() {
  std::string data;
  data.swap(rest_);
  Write(data);
}

}  // namespace tiny::runtime
