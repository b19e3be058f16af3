#include "base/timeline.h"

#include <sys/mman.h>

#include <algorithm>

namespace tiny {

bool Timeline::Start() {
  if (buffer_ != nullptr) return true;
  void* memory = mmap(nullptr, sizeof(Buffer), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return false;
  buffer_ = static_cast<Buffer*>(memory);
  Stamp("start");
  return true;
}

std::vector<TimelineEntry> Timeline::Read() {
  std::vector<TimelineEntry> entries;
  if (buffer_ == nullptr) return entries;
  const uint32_t count = std::min(buffer_->count.load(), kMaxEntries);
  for (uint32_t i = 0; i < count; ++i) {
    // 0: taken by a process that has not written it yet, or never will.
    if (buffer_->entries[i].nanoseconds != 0) entries.push_back(buffer_->entries[i]);
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.nanoseconds < b.nanoseconds; });
  return entries;
}

}  // namespace tiny
