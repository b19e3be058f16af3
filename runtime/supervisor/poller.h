// The supervisor's event loop: epoll(7) and the boot-time clock. Allocates nothing.
#ifndef TINY_RUNTIME_SUPERVISOR_POLLER_H_
#define TINY_RUNTIME_SUPERVISOR_POLLER_H_

#include <sys/epoll.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/unique_fd.h"

namespace tiny::runtime {

// The time since boot, suspension included (CLOCK_BOOTTIME): what time-outs are measured by, as
// the wall clock may jump.
absl::Duration BootNow();

// Level-triggered; each descriptor has a tag by which its events come back. Thread-compatible.
class Poller {
 public:
  absl::Status Open();

  absl::Status Add(int fd, uint32_t events, uint32_t tag);
  void Modify(int fd, uint32_t events, uint32_t tag);
  void Remove(int fd);

  // Waits until something happens or `deadline` (of BootNow) is over; infinite: for ever. The
  // events are valid until the next call.
  absl::Span<const epoll_event> Wait(absl::Duration deadline);

 private:
  static constexpr int kMaxEvents = 16;
  UniqueFd fd_;
  epoll_event events_[kMaxEvents];
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_SUPERVISOR_POLLER_H_
