#include "runtime/supervisor/poller.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include <algorithm>

#include "base/posix_status.h"

namespace tiny::runtime {

absl::Duration BootNow() {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

absl::Status Poller::Open() {
  fd_.Reset(epoll_create1(EPOLL_CLOEXEC));
  return fd_ ? absl::OkStatus() : PosixStatus(errno, "epoll_create1");
}

absl::Status Poller::Add(int fd, uint32_t events, uint32_t tag) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = tag;
  if (epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return PosixStatus(errno, "add a descriptor to epoll");
  }
  return absl::OkStatus();
}

void Poller::Modify(int fd, uint32_t events, uint32_t tag) {
  epoll_event event = {};
  event.events = events;
  event.data.u32 = tag;
  epoll_ctl(fd_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::Remove(int fd) { epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

absl::Span<const epoll_event> Poller::Wait(absl::Duration deadline) {
  int timeout = -1;
  if (deadline != absl::InfiniteDuration()) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - BootNow() + absl::Microseconds(999));
    timeout = static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX));
  }
  const int count = epoll_wait(fd_.get(), events_, kMaxEvents, timeout);
  return absl::MakeConstSpan(events_, static_cast<size_t>(std::max(count, 0)));
}

}  // namespace tiny::runtime
