// Between a service and its manager: the container gets a notification socket of its own, and of
// what it says there its manager is told only that the service is ready. Else any program in the
// container could speak to the manager of the host.
//
//   create  MakeNotifyFolder, which AddServiceSockets mounts at /run/notify
//   start   ASSIGN_OR_RETURN(NotifySocket socket, NotifySocket::Listen(folder));
//           ...                             // the program is started
//           socket.WaitUntilReady(pidfd, pid);
//
// Sources: sd_notify(3), sd_notify_barrier(3).
#ifndef TINY_OCI_CLI_NOTIFY_SOCKET_H_
#define TINY_OCI_CLI_NOTIFY_SOCKET_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::oci {

inline constexpr char kNotifyFolder[] = "/run/notify";  // in the container
inline constexpr char kNotifyName[] = "notify.sock";

// The manager's socket, by $NOTIFY_SOCKET: a path, or "@name" for one of the abstract namespace.
// None where it is not set, and for a path where nothing is: then nobody waits to be told.
std::optional<std::string> ManagerSocket();

absl::Status MakeNotifyFolder(const std::string& folder);

// Thread-compatible.
class NotifySocket {
 public:
  // In the folder, for anybody in the container to write to. `manager` is that of ManagerSocket.
  static absl::StatusOr<NotifySocket> Listen(const std::string& folder, std::string manager);

  int fd() const { return socket_.get(); }

  // Takes some of the messages that there are. When one says that the service is ready the manager
  // is told, once, and of `main_pid` unless that is 0. The error is that it could not be told.
  absl::Status Relay(pid_t main_pid);

  // Returns when the manager has been told and has heard it, or the process of `pidfd` has ended.
  absl::Status WaitUntilReady(int pidfd, pid_t main_pid);

 private:
  NotifySocket(UniqueFd socket, std::string manager)
      : socket_(std::move(socket)), manager_(std::move(manager)) {}
  absl::Status Tell(pid_t main_pid);

  UniqueFd socket_;
  std::string manager_;
  UniqueFd connection_;  // to the manager, once it was told
};

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_NOTIFY_SOCKET_H_
