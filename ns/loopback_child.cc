#include "ns/loopback_child.h"

#include <linux/if.h>
#include <linux/sockios.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"

namespace tiny::ns {

ChildResult RaiseLoopback(int* socket) noexcept {
  const long fd = RawSyscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  *socket = static_cast<int>(fd);
  if (fd < 0) return ChildError(fd, "open a socket for lo");
  ifreq request = {};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const long set = RawSyscall(SYS_ioctl, fd, SIOCSIFFLAGS, &request);
  return set < 0 ? ChildError(set, "set lo up") : ChildResult();
}

}  // namespace tiny::ns
