#include "base/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny {
namespace {

struct Address {
  sockaddr_un value = {};
  UniqueFd directory;  // what the path goes through
};

absl::StatusOr<Address> AddressOf(absl::string_view path) {
  Address address;
  std::string short_path(path);
  if (path.size() >= sizeof(address.value.sun_path)) {
    const size_t name = path.rfind('/') + 1;  // 0 where there is none
    ASSIGN_OR_RETURN(address.directory,
                     OpenFile(name == 0 ? "." : path.substr(0, name), O_PATH | O_DIRECTORY));
    short_path = absl::StrCat("/proc/self/fd/", address.directory.get(), "/", path.substr(name));
  }
  if (short_path.size() >= sizeof(address.value.sun_path)) {
    return PosixStatus(ENAMETOOLONG, absl::StrCat("use socket ", path));
  }
  address.value.sun_family = AF_UNIX;
  memcpy(address.value.sun_path, short_path.data(), short_path.size());
  return address;
}

}  // namespace

absl::StatusOr<UniqueFd> ListenUnixSocket(absl::string_view path) {
  ASSIGN_OR_RETURN(const Address address, AddressOf(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return PosixStatus(errno, "make a socket");
  unlink(address.value.sun_path);
  if (fchmod(fd.get(), 0600) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.value), sizeof(address.value)) !=
          0 ||
      listen(fd.get(), 1) != 0) {
    return PosixStatus(errno, absl::StrCat("listen on ", path));
  }
  return fd;
}

absl::StatusOr<UniqueFd> BindDatagramSocket(absl::string_view path, mode_t mode) {
  ASSIGN_OR_RETURN(const Address address, AddressOf(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return PosixStatus(errno, "make a socket");
  unlink(address.value.sun_path);
  if (fchmod(fd.get(), mode) != 0) return PosixStatus(errno, "set a socket's mode");
  // By its name something else may be found at once.
  const mode_t mask = umask(0);
  const int bound =
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.value), sizeof(address.value));
  const int error = errno;
  umask(mask);
  if (bound != 0) return PosixStatus(error, absl::StrCat("bind ", path));
  return fd;
}

absl::StatusOr<UniqueFd> ConnectUnixSocket(absl::string_view path, int type) {
  ASSIGN_OR_RETURN(const Address address, AddressOf(path));
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd) return PosixStatus(errno, "make a socket");
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.value), sizeof(address.value)) !=
      0) {
    return PosixStatus(errno, absl::StrCat("connect to ", path));
  }
  return fd;
}

absl::StatusOr<size_t> ReceiveWithDescriptor(int socket, void* buffer, size_t size,
                                             UniqueFd* descriptor, int flags) {
  iovec part = {buffer, size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t got;
  do {
    got = recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return PosixStatus(errno, "receive a descriptor");
  const cmsghdr* rights = CMSG_FIRSTHDR(&header);
  if (rights != nullptr && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS &&
      rights->cmsg_len == CMSG_LEN(sizeof(int))) {
    int fd;
    memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
    descriptor->Reset(fd);
  }
  return static_cast<size_t>(got);
}

absl::StatusOr<size_t> SendWithDescriptor(int socket, absl::string_view data, int descriptor,
                                          int flags) {
  iovec part = {const_cast<char*>(data.data()), data.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(rights), &descriptor, sizeof(descriptor));
  ssize_t sent;
  do {
    sent = sendmsg(socket, &header, flags | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return PosixStatus(errno, "send a descriptor");
  return static_cast<size_t>(sent);
}

}  // namespace tiny
