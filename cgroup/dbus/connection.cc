#include "cgroup/dbus/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::dbus {
namespace {

constexpr char kBusName[] = "org.freedesktop.DBus";
constexpr size_t kMaxAuthenticationLine = 16384;

absl::StatusOr<UniqueFd> Connect(const std::string& socket_name) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (socket_name.size() >= sizeof(address.sun_path)) {
    return PosixStatus(ENAMETOOLONG, absl::StrCat("connect to ", socket_name));
  }
  memcpy(address.sun_path, socket_name.data(), socket_name.size());
  // A name of the abstract namespace ends where its length says, a path at its NUL.
  const size_t size =
      offsetof(sockaddr_un, sun_path) + socket_name.size() + (socket_name[0] == '\0' ? 0 : 1);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return PosixStatus(errno, "make a socket");
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
              static_cast<socklen_t>(size)) != 0) {
    return PosixStatus(errno, absl::StrCat("connect to ", socket_name[0] == '\0' ? "@" : "",
                                           absl::StripPrefix(socket_name, std::string(1, '\0'))));
  }
  return fd;
}

absl::Status SendAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return PosixStatus(errno, "send to D-Bus");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::Status StatusOfError(const Message& error) {
  Reader reader(error.received_body);
  const absl::string_view text =
      absl::StartsWith(error.signature, "s") ? reader.String() : absl::string_view();
  const std::string message =
      absl::StrCat(text.empty() ? "refused" : text, " (", error.error_name, ")");
  const absl::string_view name = error.error_name;
  if (absl::EndsWith(name, ".NoSuchUnit") || absl::EndsWith(name, ".ServiceUnknown")) {
    return absl::NotFoundError(message);
  }
  if (absl::EndsWith(name, ".UnitExists")) return absl::AlreadyExistsError(message);
  if (absl::EndsWith(name, ".AccessDenied") ||
      absl::EndsWith(name, ".InteractiveAuthorizationRequired")) {
    return absl::PermissionDeniedError(message);
  }
  return absl::UnknownError(message);
}

}  // namespace

absl::StatusOr<std::string> SocketOfAddress(absl::string_view address) {
  absl::string_view rest = address;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    for (const absl::string_view pair : absl::StrSplit(rest, ',')) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(pair, absl::MaxSplits('=', 1));
      const bool abstract = parts.first == "abstract";
      if ((!abstract && parts.first != "path") || parts.second.empty()) continue;
      std::string name(abstract ? 1 : 0, '\0');
      for (size_t i = 0; i < parts.second.size(); ++i) {
        const absl::string_view digits = parts.second.substr(i + 1, 2);
        if (parts.second[i] == '%' && digits.size() == 2 && absl::ascii_isxdigit(digits[0]) &&
            absl::ascii_isxdigit(digits[1])) {
          name += absl::HexStringToBytes(digits);
          i += 2;
        } else {
          name += parts.second[i];
        }
      }
      return name;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("D-Bus address \"", address, "\" is not of a unix socket"));
}

absl::StatusOr<Connection> Connection::Open(absl::string_view addresses, Claim claim,
                                            absl::Duration timeout) {
  absl::Status failure = absl::InvalidArgumentError("no D-Bus address");
  for (const absl::string_view address : absl::StrSplit(addresses, ';', absl::SkipEmpty())) {
    const absl::StatusOr<std::string> name = SocketOfAddress(address);
    absl::StatusOr<UniqueFd> fd = name.ok() ? Connect(*name) : name.status();
    if (!fd.ok()) {
      failure = fd.status();
      continue;
    }
    Connection connection(*std::move(fd), timeout);
    RETURN_IF_ERROR(Annotate(connection.Authenticate(claim), absl::StrCat("D-Bus at ", address)));
    return connection;
  }
  return failure;
}

// The server believes what the kernel tells it of the socket's other end. All is sent at once, as
// systemd's own clients do: a message that systemd's private socket reads together with BEGIN waits
// there until another one comes.
absl::Status Connection::Authenticate(Claim claim) {
  const std::string said =
      claim == Claim::kUser
          ? absl::StrCat("AUTH EXTERNAL ", absl::BytesToHexString(absl::StrCat(geteuid())))
          : "AUTH EXTERNAL\r\nDATA";
  RETURN_IF_ERROR(
      SendAll(socket_.get(), absl::StrCat(absl::string_view("\0", 1), said, "\r\nBEGIN\r\n")));
  const absl::Time deadline = absl::Now() + timeout_;
  ASSIGN_OR_RETURN(std::string line, ReceiveLine(deadline));
  if (claim == Claim::kNothing && line == "DATA") {
    ASSIGN_OR_RETURN(line, ReceiveLine(deadline));
  }
  if (absl::StartsWith(line, "OK ")) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("uid ", geteuid(), " is not let in: ", absl::CEscape(line)));
}

absl::StatusOr<std::string> Connection::ReceiveLine(absl::Time deadline) {
  size_t end;
  while ((end = received_.find("\r\n")) == std::string::npos) {
    if (received_.size() > kMaxAuthenticationLine) return absl::DataLossError("no D-Bus server");
    RETURN_IF_ERROR(Receive(deadline));
  }
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 2);
  return line;
}

absl::Status Connection::Receive(absl::Time deadline) {
  const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
  pollfd polled = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
  const int ready = poll(&polled, 1, static_cast<int>(std::max<int64_t>(left, 0)));
  if (ready < 0) return errno == EINTR ? absl::OkStatus() : PosixStatus(errno, "poll D-Bus");
  if (ready == 0) return absl::DeadlineExceededError("D-Bus: no answer");
  char buffer[4096];
  const ssize_t got = recv(socket_.get(), buffer, sizeof(buffer), 0);
  if (got < 0) return errno == EINTR ? absl::OkStatus() : PosixStatus(errno, "receive of D-Bus");
  if (got == 0) return absl::UnavailableError("D-Bus: the connection was closed");
  received_.append(buffer, static_cast<size_t>(got));
  return absl::OkStatus();
}

absl::StatusOr<Message> Connection::ReceiveMessage(absl::Time deadline) {
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<size_t> size, SizeOfMessage(received_));
    if (size.has_value() && received_.size() >= *size) {
      absl::StatusOr<Message> message = Decode(absl::string_view(received_).substr(0, *size));
      received_.erase(0, *size);
      return message;
    }
    RETURN_IF_ERROR(Receive(deadline));
  }
}

absl::Status Connection::Hello() {
  return Call({.path = "/org/freedesktop/DBus",
               .interface = kBusName,
               .member = "Hello",
               .destination = kBusName})
      .status();
}

absl::StatusOr<Message> Connection::Call(Message call) {
  call.type = MessageType::kMethodCall;
  call.serial = ++last_serial_;
  RETURN_IF_ERROR(SendAll(socket_.get(), Encode(call)));
  const absl::Time deadline = absl::Now() + timeout_;
  while (true) {
    ASSIGN_OR_RETURN(Message message, ReceiveMessage(deadline));
    if (message.type == MessageType::kSignal) {
      signals_.push_back(std::move(message));
    } else if (message.reply_serial == call.serial) {
      if (message.type != MessageType::kError) return message;
      return Annotate(StatusOfError(message), call.member);
    }
  }
}

absl::StatusOr<Message> Connection::WaitForSignal(absl::string_view member) {
  const absl::Time deadline = absl::Now() + timeout_;
  while (true) {
    while (!signals_.empty()) {
      Message signal = std::move(signals_.front());
      signals_.pop_front();
      if (signal.member == member) return signal;
    }
    ASSIGN_OR_RETURN(Message message, ReceiveMessage(deadline));
    if (message.type == MessageType::kSignal) signals_.push_back(std::move(message));
  }
}

}  // namespace tiny::dbus
