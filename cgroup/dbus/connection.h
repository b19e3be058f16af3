// A connection to a D-Bus server: a message bus, or one peer such as systemd's private socket.
//
//   ASSIGN_OR_RETURN(Connection bus, Connection::Open("unix:path=/run/dbus/system_bus_socket"));
//   RETURN_IF_ERROR(bus.Hello());
//   ASSIGN_OR_RETURN(const Message reply, bus.Call(std::move(message)));
//   ASSIGN_OR_RETURN(const Message signal, bus.WaitForSignal("JobRemoved"));
//
// Errors: PosixStatus naming the socket; kDeadlineExceeded where no answer comes; an error reply is
// kUnknown (kNotFound, kAlreadyExists and kPermissionDenied where its name says so) with the
// server's own words. Blocking. Thread-compatible.
// Source: D-Bus Specification 0.42, "Authentication Protocol", "Server Addresses".
#ifndef TINY_CGROUP_DBUS_CONNECTION_H_
#define TINY_CGROUP_DBUS_CONNECTION_H_

#include <deque>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "cgroup/dbus/message.h"

namespace tiny::dbus {

class Connection {
 public:
  // Connects to the first of the addresses ("unix:path=/a;unix:abstract=b") that can be connected
  // to and authenticates: as the effective user, or without a claim, as in a user namespace, where
  // the server has another number for that one. kInvalidArgument where none is of a unix socket.
  enum class Claim { kUser, kNothing };
  static absl::StatusOr<Connection> Open(absl::string_view addresses, Claim claim = Claim::kUser,
                                         absl::Duration timeout = absl::Seconds(30));

  // Registers with a message bus, which wants that first; a lone peer does not.
  absl::Status Hello();

  // Sends a method call and waits for its answer. Signals that come meanwhile are kept.
  absl::StatusOr<Message> Call(Message call);
  // The next signal of that name, kept or to come; others are dropped.
  absl::StatusOr<Message> WaitForSignal(absl::string_view member);

 private:
  Connection(UniqueFd socket, absl::Duration timeout)
      : socket_(std::move(socket)), timeout_(timeout) {}

  absl::Status Authenticate(Claim claim);
  absl::StatusOr<std::string> ReceiveLine(absl::Time deadline);
  // At least one more byte.
  absl::Status Receive(absl::Time deadline);
  absl::StatusOr<Message> ReceiveMessage(absl::Time deadline);

  UniqueFd socket_;
  absl::Duration timeout_;  // of each wait
  std::string received_;
  std::deque<Message> signals_;
  uint32_t last_serial_ = 0;
};

// "unix:path=/run/a%20b" -> "/run/a b"; "unix:abstract=x" -> NUL and "x". Others: kInvalidArgument.
absl::StatusOr<std::string> SocketOfAddress(absl::string_view address);

}  // namespace tiny::dbus

#endif  // TINY_CGROUP_DBUS_CONNECTION_H_
