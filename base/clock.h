// The time of day, by one clock_gettime(2).
//
// absl::Now() measures a cycle counter against the kernel's clock first. Where that can't be read
// without a system call, as in a virtual machine without a time stamp counter, it makes hundreds.
#ifndef TINY_BASE_CLOCK_H_
#define TINY_BASE_CLOCK_H_

#include <time.h>

#include "absl/time/time.h"

namespace tiny {

inline absl::Time WallNow() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return absl::TimeFromTimespec(now);
}

}  // namespace tiny

#endif  // TINY_BASE_CLOCK_H_
