#include "runtime/attach/attach_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/attach/detach_keys.h"
#include "runtime/attach/output_sink.h"
#include "runtime/attach/terminal.h"

namespace tiny::runtime {
namespace {

// How long a first detach key waits for the second before the program gets to see it.
constexpr int kKeyPatience = 300;  // milliseconds

class Relay {
 public:
  Relay(const AttachSession& session, DetachKeys keys)
      : session_(session),
        keys_(std::move(keys)),
        out_(STDOUT_FILENO),
        err_(STDERR_FILENO),
        stdin_open_(session.options->stdin_open),
        lossless_(!out_.is_terminal()),
        started_(session.started),
        buffer_(new char[kMaxFrame]) {}

  absl::StatusOr<AttachOutcome> Run();

 private:
  enum : nfds_t { kSocket, kSignals, kStdin, kOut, kErr, kCount };

  void BecomeStarted();
  void SendResize();
  void OnSignal(int signal);
  void OnStdin();
  void SendStdin(absl::string_view data);
  absl::Status OnFrame(const Frame& frame);
  void OnOutput(OutputSink& sink, absl::string_view data);
  void Finish(AttachOutcome::Kind kind, int exit_code = 0) {
    done_ = AttachOutcome{kind, exit_code, out_.failed()};
  }
  int Timeout() const;

  const AttachSession& session_;
  DetachKeys keys_;
  OutputSink out_;
  OutputSink err_;
  RawTerminal raw_;
  bool stdin_open_;
  bool stdin_busy_ = false;  // a Stdin frame awaits its StdinAck
  bool lossless_;
  bool started_;
  int early_signals_[2] = {};
  std::unique_ptr<char[]> buffer_;
  std::optional<AttachOutcome> done_;
};

void Relay::BecomeStarted() {
  started_ = true;
  if (session_.tty && stdin_open_) raw_ = RawTerminal(STDIN_FILENO);
  if (session_.tty) SendResize();
  for (int& signal : early_signals_) {
    if (signal != 0) OnSignal(std::exchange(signal, 0));
  }
}

void Relay::SendResize() {
  const WindowSize size = OwnWindowSize();
  if (size != WindowSize{}) {
    // Never waited for: should it not fit, a later one will.
    SendFrame(session_.socket, FrameType::kResize, size, MSG_DONTWAIT);
  }
}

void Relay::OnSignal(int signal) {
  if (signal == SIGPIPE) return;
  if (signal == SIGWINCH) {
    if (started_ && session_.tty) SendResize();
    return;
  }
  if (!started_) {
    if (early_signals_[0] != 0) return Finish(AttachOutcome::Kind::kInterrupted, 128 + signal);
    early_signals_[0] = signal;
    return;
  }
  const int32_t number = signal;
  SendFrame(session_.socket, FrameType::kSignal, number, MSG_DONTWAIT);
}

void Relay::SendStdin(absl::string_view data) {
  if (data.empty()) return;
  SendFrame(session_.socket, FrameType::kStdin, data.data(), data.size(), 0);
  stdin_busy_ = true;
}

void Relay::OnStdin() {
  char data[kMaxData / 2];  // half, as held-back detach keys may come before it
  const ssize_t size = read(STDIN_FILENO, data, sizeof(data));
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size <= 0) {
    stdin_open_ = false;
    SendFrame(session_.socket, FrameType::kStdinClose, nullptr, 0, 0);
    return;
  }
  const absl::string_view input(data, static_cast<size_t>(size));
  if (!session_.tty) return SendStdin(input);
  std::string output;
  const bool detached = keys_.Feed(input, output);
  SendStdin(output);
  if (detached) Finish(AttachOutcome::Kind::kDetached);
}

void Relay::OnOutput(OutputSink& sink, absl::string_view data) {
  if (!sink.broken()) sink.Write(data);
  if (out_.broken() && session_.options->stdout_open) Finish(AttachOutcome::Kind::kOutputGone);
}

absl::Status Relay::OnFrame(const Frame& frame) {
  switch (frame.type) {
    case FrameType::kStarted:
      BecomeStarted();
      break;
    case FrameType::kNote:
      PrintNote(frame.payload);
      break;
    case FrameType::kStartFailed:
    case FrameType::kRefused:
      return DecodeStatus(frame.payload);
    case FrameType::kStdout:
      OnOutput(out_, frame.payload);
      break;
    case FrameType::kStderr:
      OnOutput(err_, frame.payload);
      break;
    case FrameType::kStdinAck:
      stdin_busy_ = false;
      break;
    case FrameType::kGap:
      if (const auto lost = ParsePayload<uint64_t>(frame.payload)) {
        dprintf(STDERR_FILENO,
                "tiny: %llu bytes of output were not read in time and are left out%s\n",
                static_cast<unsigned long long>(*lost), raw_.active() ? "\r" : "");
      }
      break;
    case FrameType::kExited:
      if (const auto exited = ParsePayload<ExitedPayload>(frame.payload)) {
        Finish(AttachOutcome::Kind::kExited, exited->exit_code);
      }
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

int Relay::Timeout() const {
  if (!out_.empty() || !err_.empty())
    return static_cast<int>(kAliveInterval / absl::Milliseconds(2));
  return keys_.holding() && !stdin_busy_ ? kKeyPatience : -1;
}

absl::StatusOr<AttachOutcome> Relay::Run() {
  if (started_) BecomeStarted();
  while (true) {
    const bool blocked = !out_.empty() || !err_.empty();
    if (done_.has_value() && !blocked) return *done_;
    pollfd entries[kCount];
    const bool read_stdin = started_ && stdin_open_ && !stdin_busy_ && !done_.has_value();
    entries[kSocket] = {blocked ? -1 : session_.socket, POLLIN, 0};
    entries[kSignals] = {session_.signals->fd(), POLLIN, 0};
    entries[kStdin] = {read_stdin ? STDIN_FILENO : -1, POLLIN, 0};
    entries[kOut] = {out_.empty() ? -1 : out_.fd(), POLLOUT, 0};
    entries[kErr] = {err_.empty() ? -1 : err_.fd(), POLLOUT, 0};
    const int ready = poll(entries, kCount, Timeout());
    if (ready < 0 && errno != EINTR) return AttachOutcome{};
    if (ready <= 0) {
      if (blocked && lossless_) {
        SendFrame(session_.socket, FrameType::kAlive, nullptr, 0, MSG_DONTWAIT);
      } else if (keys_.holding()) {
        std::string output;
        keys_.Release(output);
        SendStdin(output);
      }
      continue;
    }
    if (entries[kOut].revents != 0) out_.Flush();
    if (entries[kErr].revents != 0) err_.Flush();
    if (out_.broken() && blocked) Finish(AttachOutcome::Kind::kOutputGone);
    if (entries[kSignals].revents != 0) {
      while (const int signal = session_.signals->Next()) OnSignal(signal);
    }
    if (entries[kStdin].revents != 0) OnStdin();
    if (entries[kSocket].revents != 0 && !done_.has_value()) {
      const std::optional<Frame> frame = ReceiveFrame(session_.socket, buffer_.get(), MSG_DONTWAIT);
      if (frame.has_value()) {
        RETURN_IF_ERROR(OnFrame(*frame));
      } else if (errno != EAGAIN) {
        Finish(started_ ? AttachOutcome::Kind::kLost : AttachOutcome::Kind::kStartLost);
      }
    }
  }
}

}  // namespace

uint32_t WantsOf(const AttachOptions& options, bool lossless) {
  return (options.stdin_open ? kWantStdin : 0) | (options.stdout_open ? kWantStdout : 0) |
         (options.stderr_open ? kWantStderr : 0) | (lossless ? kLossless : 0);
}

absl::StatusOr<AttachOutcome> RunAttachSession(const AttachSession& session) {
  ASSIGN_OR_RETURN(DetachKeys keys, DetachKeys::Parse(session.options->detach_keys));
  // On the heap's side of the stack: the relay's buffers are not small.
  return std::make_unique<Relay>(session, std::move(keys))->Run();
}

}  // namespace tiny::runtime
