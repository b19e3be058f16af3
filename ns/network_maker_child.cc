// What runs on the NetworkMaker's thread: raw system calls only, as libc does not know of it.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"
#include "ns/loopback_child.h"
#include "ns/network_maker.h"

namespace tiny::ns {

ChildResult NetworkMaker::Make() noexcept {
  const long made = RawSyscall(SYS_unshare, CLONE_NEWNET);
  if (made < 0) return ChildError(made, "unshare a network namespace");
  const long opened =
      RawSyscall(SYS_openat, AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (opened < 0) return ChildError(opened, "open /proc/thread-self/ns/net");
  fd_ = static_cast<int>(opened);
  return RaiseLoopback(&socket_);
}

void NetworkMaker::Run(void* maker) noexcept {
  auto& self = *static_cast<NetworkMaker*>(maker);
  self.result_ = self.Make();
  for (;;) RawSyscall(SYS_exit, 0);
}

}  // namespace tiny::ns
