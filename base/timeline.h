// What a start has done, step by step and with its time: run --explain.
//
//   Timeline::Start();                       // in the client, before it forks
//   ...
//   Timeline::Stamp("mounts made");          // after a step, in whichever process does it
//   Timeline::Count(Tally::kForks, 1);       // likewise
//   for (const TimelineEntry& entry : Timeline::Read()) ...
//
// The entries are in memory that all processes share which are made after Start. Without Start a
// stamp costs a load and a branch. Stamp and Count are thread-safe and async-signal-safe, and make
// no libc call, so that a cloned child may use them too; steps beyond kMaxEntries are dropped.
#ifndef TINY_BASE_TIMELINE_H_
#define TINY_BASE_TIMELINE_H_

#include <sys/syscall.h>
#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/raw_syscall.h"

namespace tiny {

struct TimelineEntry {
  uint64_t nanoseconds = 0;  // CLOCK_MONOTONIC, when the step was done
  int32_t process = 0;       // as its own pid namespace numbers it
  char step[52] = {};        // NUL-terminated, cut to fit
};
static_assert(sizeof(TimelineEntry) == 64);

// What is counted beside the steps: run --budget.
enum class Tally { kForks, kExecs, kNetlinkMessages };

class Timeline {
 public:
  static constexpr uint32_t kMaxEntries = 120;

  // Begins with an entry "start". False where there is no memory for it.
  static bool Start();

  static void Stamp(const char* step) noexcept {
    if (buffer_ == nullptr) return;
    const uint32_t index = buffer_->count.fetch_add(1, std::memory_order_relaxed);
    if (index >= kMaxEntries) return;
    TimelineEntry& entry = buffer_->entries[index];
    timespec now = {};
    RawSyscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    entry.process = static_cast<int32_t>(RawSyscall(SYS_getpid));
    size_t length = 0;
    while (length + 1 < sizeof(entry.step) && step[length] != '\0') {
      entry.step[length] = step[length];
      ++length;
    }
    entry.step[length] = '\0';
    entry.nanoseconds =
        static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  }

  static void Count(Tally what, uint32_t times) noexcept {
    if (buffer_ != nullptr) buffer_->tallies[static_cast<int>(what)].fetch_add(times);
  }
  // 0 without Start.
  static uint32_t Total(Tally what) {
    return buffer_ == nullptr ? 0 : buffer_->tallies[static_cast<int>(what)].load();
  }

  // The entries so far, by time; none without Start.
  static std::vector<TimelineEntry> Read();

 private:
  struct Buffer {
    std::atomic<uint32_t> tallies[3];
    std::atomic<uint32_t> count;
    TimelineEntry entries[kMaxEntries];
  };
  static inline constinit Buffer* buffer_ = nullptr;
};

}  // namespace tiny

#endif  // TINY_BASE_TIMELINE_H_
