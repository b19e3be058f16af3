#include "runtime/attach/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

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
  iovec parts[2] = {{&header, sizeof(header)}, {const_cast<void*>(payload), size}};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = size > 0 ? 2 : 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &descriptor, sizeof(descriptor));
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

std::optional<Frame> ReceiveFrame(int socket, char* buffer, int flags, UniqueFd* descriptor) {
  iovec part = {buffer, kMaxFrame};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptor != nullptr) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
  }
  ssize_t size;
  do {
    size = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size >= 0) errno = 0;
  const cmsghdr* rights = size < 0 ? nullptr : CMSG_FIRSTHDR(&message);
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    int received = -1;
    memcpy(&received, CMSG_DATA(rights), sizeof(received));
    descriptor->Reset(received);
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
  UniqueFd socket_fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket_fd) return PosixStatus(errno, "make a unix socket");
  // sun_path holds 107 bytes: a longer path goes through a descriptor of its folder.
  const size_t slash = socket_path.rfind('/');
  UniqueFd folder(
      open(std::string(socket_path.substr(0, slash)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string path = absl::StrCat("/proc/self/fd/", folder.get(), socket_path.substr(slash));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (!folder || path.size() >= sizeof(address.sun_path)) return SupervisorGone();
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (connect(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    if (errno == ECONNREFUSED || errno == ENOENT || errno == ENOTDIR) return SupervisorGone();
    return PosixStatus(errno, absl::StrCat("connect to ", socket_path));
  }
  return socket_fd;
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
