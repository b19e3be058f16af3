#include "runtime/attach/protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unix_socket.h"

namespace tiny::runtime {
namespace {

constexpr size_t kMaxStatus = 16 * 1024;

void AppendString(std::string& bytes, absl::string_view text) {
  const uint32_t size = static_cast<uint32_t>(text.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes.append(text.data(), text.size());
}

bool TakeNumber(absl::string_view& bytes, uint32_t* number) {
  if (bytes.size() < sizeof(*number)) return false;
  memcpy(number, bytes.data(), sizeof(*number));
  bytes.remove_prefix(sizeof(*number));
  return true;
}

bool TakeString(absl::string_view& bytes, absl::string_view* text) {
  uint32_t size = 0;
  if (!TakeNumber(bytes, &size) || size > bytes.size()) return false;
  *text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

// Milliseconds of the monotonic clock, as the wall clock may jump while one waits.
int64_t NowMilliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

class Deadline {
 public:
  explicit Deadline(absl::Duration patience)
      : infinite_(patience == absl::InfiniteDuration()),
        end_(infinite_ ? 0 : NowMilliseconds() + absl::ToInt64Milliseconds(patience)) {}

  // Waits until the socket can be read; false when the time is over.
  bool AwaitReadable(int socket) const {
    while (true) {
      int wait = -1;
      if (!infinite_) {
        wait = static_cast<int>(std::clamp<int64_t>(end_ - NowMilliseconds(), 0, INT_MAX));
      }
      pollfd entry{socket, POLLIN, 0};
      const int ready = poll(&entry, 1, wait);
      if (ready > 0) return true;
      if (ready == 0 && !infinite_) return false;
      if (ready < 0 && errno != EINTR) return true;  // recv(2) will say what is wrong
    }
  }

 private:
  bool infinite_;
  int64_t end_;
};

absl::Status SupervisorGone() {
  return absl::UnavailableError("the container's supervisor has gone");
}
absl::Status SupervisorSilent() {
  return WithHint(absl::DeadlineExceededError("the container's supervisor does not answer"),
                  "it may be stopped (SIGSTOP) or traced: its pid is in `tiny inspect`");
}

// Reads until a frame of this type, and gives its payload.
absl::StatusOr<std::string> AwaitFrame(int socket, FrameType type, absl::Duration patience) {
  const Deadline deadline(patience);
  std::vector<char> buffer(kMaxFrame);
  while (deadline.AwaitReadable(socket)) {
    const std::optional<Frame> frame = ReceiveFrame(socket, buffer.data(), MSG_DONTWAIT);
    if (frame.has_value() && frame->type == type) return std::string(frame->payload);
    if (!frame.has_value() && errno != EAGAIN) return SupervisorGone();
  }
  return absl::DeadlineExceededError(type == FrameType::kExited ? "the container has not exited"
                                                                : "the supervisor does not answer");
}

}  // namespace

bool SendFrame(int socket, FrameType type, const void* payload, size_t size, int flags,
               int descriptor) {
  FrameHeader header{type};
  if (descriptor >= 0) {
    std::string frame(reinterpret_cast<const char*>(&header), sizeof(header));
    frame.append(static_cast<const char*>(payload), size);
    const absl::StatusOr<size_t> sent = SendWithDescriptor(socket, frame, descriptor, flags);
    errno = GetErrno(sent.status()).value_or(0);
    return sent.ok();
  }
  iovec parts[2] = {{&header, sizeof(header)}, {const_cast<void*>(payload), size}};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = size > 0 ? 2 : 1;
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

std::optional<Frame> ReceiveFrame(int socket, char* buffer, int flags, UniqueFd* descriptor) {
  ssize_t size = -1;
  if (descriptor != nullptr) {
    const absl::StatusOr<size_t> got =
        ReceiveWithDescriptor(socket, buffer, kMaxFrame, descriptor, flags);
    if (got.ok()) size = static_cast<ssize_t>(*got);
    errno = GetErrno(got.status()).value_or(0);
  } else {
    do {
      size = recv(socket, buffer, kMaxFrame, flags);
    } while (size < 0 && errno == EINTR);
    if (size >= 0) errno = 0;
  }
  if (size < static_cast<ssize_t>(sizeof(FrameHeader))) return std::nullopt;
  return Frame{static_cast<FrameType>(static_cast<uint8_t>(buffer[0])),
               absl::string_view(buffer + sizeof(FrameHeader),
                                 static_cast<size_t>(size) - sizeof(FrameHeader))};
}

std::string EncodeStatus(const absl::Status& status) {
  std::string bytes;
  const uint32_t code = static_cast<uint32_t>(status.raw_code());
  bytes.append(reinterpret_cast<const char*>(&code), sizeof(code));
  AppendString(bytes, absl::string_view(status.message()).substr(0, kMaxStatus));
  status.ForEachPayload([&bytes](absl::string_view url, const absl::Cord& payload) {
    const std::string value(payload);
    if (bytes.size() + url.size() + value.size() > kMaxStatus * 3 / 2) return;
    AppendString(bytes, url);
    AppendString(bytes, value);
  });
  return bytes;
}

absl::Status DecodeStatus(absl::string_view bytes) {
  const absl::Status malformed = absl::InternalError("malformed status from the supervisor");
  uint32_t code = 0;
  absl::string_view message;
  if (!TakeNumber(bytes, &code) || !TakeString(bytes, &message)) return malformed;
  absl::Status status(static_cast<absl::StatusCode>(code), message);
  while (!bytes.empty()) {
    absl::string_view url;
    absl::string_view value;
    if (!TakeString(bytes, &url) || !TakeString(bytes, &value)) return malformed;
    if (!status.ok()) status.SetPayload(url, absl::Cord(value));
  }
  return status;
}

absl::StatusOr<UniqueFd> ConnectTo(absl::string_view socket_path) {
  absl::StatusOr<UniqueFd> connected = ConnectUnixSocket(socket_path, SOCK_SEQPACKET);
  const std::optional<int> error = GetErrno(connected.status());
  if (error == ECONNREFUSED || error == ENOENT || error == ENOTDIR) return SupervisorGone();
  return connected;
}

absl::StatusOr<Connection> ConnectAndGreet(absl::string_view socket_path, const HelloPayload& hello,
                                           absl::Duration patience) {
  const Deadline deadline(patience);
  Connection connection;
  ASSIGN_OR_RETURN(connection.socket, ConnectTo(socket_path));
  const int fd = connection.socket.get();
  if (!SendFrame(fd, FrameType::kHello, hello, 0)) return SupervisorGone();
  if (!deadline.AwaitReadable(fd)) return SupervisorSilent();
  std::vector<char> buffer(kMaxFrame);
  const std::optional<Frame> frame =
      ReceiveFrame(fd, buffer.data(), MSG_DONTWAIT, &connection.upper);
  if (!frame.has_value()) return SupervisorGone();
  if (frame->type == FrameType::kRefused) return DecodeStatus(frame->payload);
  const auto welcome = ParsePayload<WelcomePayload>(frame->payload);
  if (frame->type != FrameType::kWelcome || !welcome.has_value()) {
    return absl::InternalError("the container's supervisor speaks another protocol");
  }
  connection.tty = welcome->tty != 0;
  return connection;
}

void PrintNote(absl::string_view text) {
  dprintf(STDERR_FILENO, "tiny: note: %.*s\n", static_cast<int>(text.size()), text.data());
}

absl::StatusOr<int> AwaitExited(int socket, absl::Duration patience) {
  ASSIGN_OR_RETURN(const std::string payload, AwaitFrame(socket, FrameType::kExited, patience));
  const auto exited = ParsePayload<ExitedPayload>(payload);
  if (!exited.has_value()) return SupervisorGone();
  return exited->exit_code;
}

absl::Status AwaitReloaded(int socket, absl::Duration patience) {
  return AwaitFrame(socket, FrameType::kReloaded, patience).status();
}

}  // namespace tiny::runtime
