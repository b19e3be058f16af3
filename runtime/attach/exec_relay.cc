#include "runtime/attach/exec_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "runtime/attach/detach_keys.h"
#include "runtime/attach/output_sink.h"
#include "runtime/attach/terminal.h"

namespace tiny::runtime {
namespace {

constexpr size_t kPiece = 32 * 1024;
constexpr int kKeyPatience = 300;  // milliseconds: see attach_client.cc

// Harmless in the hands of another: it has no position, no flags of ours and no name.
bool MayBePassedOn(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

void SetNonBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

absl::Status ExecStreams::OpenStream(int stream) {
  if (MayBePassedOn(stream)) {
    process_ends_[stream] = stream;
    return absl::OkStatus();
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return PosixStatus(errno, "make a pipe");
  const bool input = stream == STDIN_FILENO;
  ours_[stream].Reset(ends[input ? 1 : 0]);
  process_[stream].Reset(ends[input ? 0 : 1]);
  SetNonBlocking(ours_[stream].get());
  process_ends_[stream] = process_[stream].get();
  return absl::OkStatus();
}

absl::Status ExecStreams::Open(bool tty, bool interactive, bool detached) {
  tty_ = tty && !detached;
  interactive_ = interactive && !detached;
  if (tty_) return absl::OkStatus();
  for (int stream = 0; stream < 3; ++stream) {
    if (detached || (stream == STDIN_FILENO && !interactive)) {
      ASSIGN_OR_RETURN(process_[stream], OpenFile("/dev/null", O_RDWR));
      process_ends_[stream] = process_[stream].get();
    } else {
      RETURN_IF_ERROR(OpenStream(stream));
    }
  }
  return absl::OkStatus();
}

void ExecStreams::CloseProcessEnds() {
  for (UniqueFd& fd : process_) fd.Reset();
}

void ExecStreams::SetTerminal(UniqueFd master) {
  SetNonBlocking(master.get());
  SetWindowSize(master.get(), OwnWindowSize());
  ours_[STDOUT_FILENO] = std::move(master);
}

namespace {

enum class Pumped { kData, kNothing, kEnd };

// Takes one piece from a non-blocking end to one of our own outputs.
Pumped PumpOutput(int from, OutputSink& sink, char* buffer) {
  if (from < 0 || !sink.empty()) return Pumped::kNothing;
  const ssize_t size = read(from, buffer, kPiece);
  if (size == 0) return Pumped::kEnd;
  if (size < 0) return errno == EAGAIN || errno == EINTR ? Pumped::kNothing : Pumped::kEnd;
  if (!sink.broken()) sink.Write(absl::string_view(buffer, static_cast<size_t>(size)));
  return Pumped::kData;
}

}  // namespace

absl::StatusOr<AttachOutcome> ExecStreams::Relay(int pidfd, absl::string_view detach_keys,
                                                 ProxiedSignals* signals) {
  ASSIGN_OR_RETURN(DetachKeys keys, DetachKeys::Parse(tty_ ? detach_keys : ""));
  const RawTerminal raw = tty_ && interactive_ ? RawTerminal(STDIN_FILENO) : RawTerminal();
  const std::unique_ptr<char[]> buffer(new char[kPiece]);
  OutputSink out(STDOUT_FILENO);
  OutputSink err(STDERR_FILENO);
  UniqueFd& master = ours_[STDOUT_FILENO];
  UniqueFd& input = tty_ ? master : ours_[STDIN_FILENO];
  bool stdin_open = interactive_ && input;
  std::string pending;  // input that the process has not taken yet
  bool ended = false;
  enum : nfds_t { kExit, kSignals, kStdin, kInput, kOut, kErr, kOutSink, kErrSink, kCount };
  while (true) {
    if (ended && out.empty() && err.empty() &&
        PumpOutput(ours_[STDOUT_FILENO].get(), out, buffer.get()) != Pumped::kData &&
        PumpOutput(ours_[STDERR_FILENO].get(), err, buffer.get()) != Pumped::kData) {
      ASSIGN_OR_RETURN(const int code, ReapChild(pidfd));
      return AttachOutcome{AttachOutcome::Kind::kExited, code, out.failed()};
    }
    pollfd entries[kCount];
    entries[kExit] = {ended ? -1 : pidfd, POLLIN, 0};
    entries[kSignals] = {signals->fd(), POLLIN, 0};
    entries[kStdin] = {stdin_open && pending.empty() ? STDIN_FILENO : -1, POLLIN, 0};
    entries[kInput] = {pending.empty() ? -1 : input.get(), POLLOUT, 0};
    entries[kOut] = {out.empty() ? ours_[STDOUT_FILENO].get() : -1, POLLIN, 0};
    entries[kErr] = {err.empty() ? ours_[STDERR_FILENO].get() : -1, POLLIN, 0};
    entries[kOutSink] = {out.empty() ? -1 : out.fd(), POLLOUT, 0};
    entries[kErrSink] = {err.empty() ? -1 : err.fd(), POLLOUT, 0};
    const bool drained_wait = ended && out.empty() && err.empty();
    const int ready = poll(entries, kCount, drained_wait ? 0 : keys.holding() ? kKeyPatience : -1);
    if (ready == 0 && keys.holding()) keys.Release(pending);
    if (entries[kExit].revents != 0) ended = true;
    while (const int signal = entries[kSignals].revents != 0 ? signals->Next() : 0) {
      if (signal == SIGWINCH && tty_) SetWindowSize(master.get(), OwnWindowSize());
      if (signal != SIGWINCH && signal != SIGPIPE) SendSignal(pidfd, signal).IgnoreError();
    }
    if (entries[kStdin].revents != 0) {
      const ssize_t size = read(STDIN_FILENO, buffer.get(), kPiece);
      if (size > 0) {
        if (keys.Feed(absl::string_view(buffer.get(), static_cast<size_t>(size)), pending)) {
          return AttachOutcome{AttachOutcome::Kind::kDetached};
        }
      } else if (size == 0 || (errno != EINTR && errno != EAGAIN)) {
        stdin_open = false;
        if (!tty_) input.Reset();
      }
    }
    if (!pending.empty()) {
      const ssize_t size = write(input.get(), pending.data(), pending.size());
      if (size > 0) pending.erase(0, static_cast<size_t>(size));
      if (size < 0 && errno != EAGAIN && errno != EINTR) {
        pending.clear();
        stdin_open = false;
      }
    }
    if (entries[kOut].revents != 0 &&
        PumpOutput(ours_[STDOUT_FILENO].get(), out, buffer.get()) == Pumped::kEnd) {
      // A terminal whose other side nobody has open: the process is about to end, or opens it anew.
      if (!tty_) ours_[STDOUT_FILENO].Reset();
      if (tty_ && !ended) WaitForExit(pidfd, absl::Milliseconds(20)).IgnoreError();
    }
    if (entries[kErr].revents != 0 &&
        PumpOutput(ours_[STDERR_FILENO].get(), err, buffer.get()) == Pumped::kEnd) {
      ours_[STDERR_FILENO].Reset();
    }
    if (entries[kOutSink].revents != 0) out.Flush();
    if (entries[kErrSink].revents != 0) err.Flush();
  }
}

}  // namespace tiny::runtime
