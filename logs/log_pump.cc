#include "logs/log_pump.h"

#include <errno.h>
#include <unistd.h>

#include "absl/time/clock.h"

namespace tiny::logs {
namespace {

constexpr size_t kBufferSize = size_t{64} << 10;

}  // namespace

LogPump::Result LogPump::Pump(int fd, Stream stream,
                              absl::FunctionRef<void(absl::string_view)> tee) {
  if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(kBufferSize);
  for (size_t total = 0; total < kBudget;) {
    const ssize_t count = read(fd, buffer_.get(), kBufferSize);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return Result::kDrained;
    if (count <= 0) return Result::kEnd;
    const absl::string_view bytes(buffer_.get(), static_cast<size_t>(count));
    if (writer_ != nullptr) writer_->Append(stream, bytes, absl::Now());
    tee(bytes);
    total += bytes.size();
    // A pipe that gave less than was asked for is empty now.
    if (bytes.size() < kBufferSize) return Result::kDrained;
  }
  return Result::kMore;
}

}  // namespace tiny::logs
