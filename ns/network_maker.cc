#include "ns/network_maker.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "base/posix_status.h"
#include "ns/clone_child.h"

namespace tiny::ns {
namespace {

// Where the scheduler starts a thread beside its maker, it would not run before that one waits.
void LeaveThisCpu(pid_t thread) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  CPU_CLR(static_cast<size_t>(sched_getcpu()), &allowed);
  if (CPU_COUNT(&allowed) > 0) sched_setaffinity(thread, sizeof(allowed), &allowed);
}

}  // namespace

absl::Status NetworkMaker::Start() {
  clone_args args = {};
  args.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
               CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  args.parent_tid = args.child_tid = reinterpret_cast<uint64_t>(&thread_);
  args.stack = reinterpret_cast<uint64_t>(stack_);
  args.stack_size = kStackBytes;
  const long thread = CloneInto(&args, &NetworkMaker::Run, this);
  if (thread < 0) return PosixStatus(static_cast<int>(-thread), "clone3 a thread");
  LeaveThisCpu(static_cast<pid_t>(thread));
  return absl::OkStatus();
}

void NetworkMaker::Join() {
  static_assert(sizeof(thread_) == sizeof(int));
  while (const int thread = thread_.load(std::memory_order_acquire)) {
    syscall(SYS_futex, &thread_, FUTEX_WAIT, thread, nullptr, nullptr, 0);
  }
  if (fd_ >= 0) made_.fd.Reset(std::exchange(fd_, -1));
  if (socket_ >= 0) made_.socket.Reset(std::exchange(socket_, -1));
}

absl::StatusOr<NetworkMaker::Made> NetworkMaker::Take() {
  Join();
  if (!result_.ok()) return PosixStatus(result_.error_number, result_.detail);
  if (!made_.fd) return absl::FailedPreconditionError("no network namespace was begun");
  return std::move(made_);
}

}  // namespace tiny::ns
