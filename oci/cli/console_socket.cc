#include "oci/cli/console_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::oci {

namespace {

absl::Status SendDescriptor(int socket, int descriptor, absl::string_view name) {
  iovec data = {.iov_base = const_cast<char*>(name.data()), .iov_len = name.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return PosixStatus(errno, absl::StrCat("send ", name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UniqueFd> ConnectEngineSocket(absl::string_view path) {
  // Through a descriptor, as paths of sockets end at 107 bytes.
  ASSIGN_OR_RETURN(const UniqueFd file, OpenFile(path, O_PATH));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string name = absl::StrCat("/proc/self/fd/", file.get());
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  UniqueFd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket_fd) return PosixStatus(errno, "socket");
  if (connect(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return PosixStatus(errno, absl::StrCat("connect to ", path));
  }
  return socket_fd;
}

absl::Status SendConsole(int socket, int console) {
  return SendDescriptor(socket, console, "/dev/ptmx");
}

absl::Status SendPidfd(int socket, int pidfd) { return SendDescriptor(socket, pidfd, "pidfd"); }

}  // namespace tiny::oci
