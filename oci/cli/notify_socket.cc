#include "oci/cli/notify_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unix_socket.h"

namespace tiny::oci {
namespace {

constexpr int kSendMilliseconds = 1000;
constexpr int kMostAtOnce = 16;
constexpr int kBarrierMilliseconds = 5000;  // as long as systemd-notify(1) waits

absl::StatusOr<UniqueFd> ConnectManager(absl::string_view manager) {
  if (manager[0] != '@') return ConnectUnixSocket(manager, SOCK_DGRAM);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (manager.size() > sizeof(address.sun_path)) {
    return PosixStatus(ENAMETOOLONG, absl::StrCat("use socket ", manager));
  }
  memcpy(address.sun_path + 1, manager.data() + 1, manager.size() - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + manager.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return PosixStatus(errno, "make a socket");
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    return PosixStatus(errno, absl::StrCat("connect to ", manager));
  }
  return fd;
}

bool SaysReady(absl::string_view message) {
  const std::vector<absl::string_view> lines = absl::StrSplit(message, '\n');
  return std::find(lines.begin(), lines.end(), "READY=1") != lines.end();
}

void Await(int fd, short events, int milliseconds) {
  pollfd polled = {fd, events, 0};
  poll(&polled, 1, milliseconds);
}

// A manager finds out about its sender by its pid: it has to have looked before that one ends. It
// closes the descriptor once it has read what came before.
absl::Status AwaitBarrier(int connection) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return PosixStatus(errno, "make a pipe");
  const UniqueFd reader(ends[0]);
  {
    const UniqueFd writer(ends[1]);
    RETURN_IF_ERROR(
        SendWithDescriptor(connection, "BARRIER=1", writer.get(), MSG_DONTWAIT).status());
  }
  Await(reader.get(), 0, kBarrierMilliseconds);
  return absl::OkStatus();
}

}  // namespace

std::optional<std::string> ManagerSocket() {
  const char* address = getenv("NOTIFY_SOCKET");
  if (address == nullptr) return std::nullopt;
  const bool is_there = address[0] == '/' ? PathExists(address) : address[0] == '@';
  return is_there ? std::optional<std::string>(address) : std::nullopt;
}

absl::Status MakeNotifyFolder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0755) == 0 && chmod(folder.c_str(), 0755) == 0) {
    return absl::OkStatus();
  }
  return PosixStatus(errno, absl::StrCat("mkdir ", folder));
}

absl::StatusOr<NotifySocket> NotifySocket::Listen(const std::string& folder, std::string manager) {
  ASSIGN_OR_RETURN(UniqueFd socket,
                   BindDatagramSocket(absl::StrCat(folder, "/", kNotifyName), 0777));
  return NotifySocket(std::move(socket), std::move(manager));
}

absl::Status NotifySocket::Tell(pid_t main_pid) {
  ASSIGN_OR_RETURN(connection_, ConnectManager(manager_));
  const std::string message =
      absl::StrCat("READY=1\n", main_pid > 0 ? absl::StrCat("MAINPID=", main_pid, "\n") : "");
  // One that has much to read is given a moment, and no more: there are signals to pass on.
  Await(connection_.get(), POLLOUT, kSendMilliseconds);
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  if (send(connection_.get(), message.data(), message.size(), kFlags) >= 0) {
    return absl::OkStatus();
  }
  return PosixStatus(errno, absl::StrCat("tell ", manager_));
}

absl::Status NotifySocket::Relay(pid_t main_pid) {
  char message[4096];
  for (int i = 0; i < kMostAtOnce; ++i) {
    // Descriptors that it may carry are closed by the kernel, which is what a barrier waits for.
    const ssize_t size = recv(socket_.get(), message, sizeof(message), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return absl::OkStatus();
    if (connection_ || !SaysReady({message, static_cast<size_t>(size)})) continue;
    RETURN_IF_ERROR(Annotate(Tell(main_pid), "NOTIFY_SOCKET"));
  }
  return absl::OkStatus();
}

absl::Status NotifySocket::WaitUntilReady(int pidfd, pid_t main_pid) {
  pollfd polled[] = {{socket_.get(), POLLIN, 0}, {pidfd, POLLIN, 0}};
  while (!connection_ && polled[1].revents == 0) {
    if (poll(polled, std::size(polled), -1) < 0 && errno != EINTR) {
      return PosixStatus(errno, "poll");
    }
    RETURN_IF_ERROR(Relay(main_pid));
  }
  return connection_ ? AwaitBarrier(connection_.get()) : absl::OkStatus();
}

}  // namespace tiny::oci
