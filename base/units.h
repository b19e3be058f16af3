// Sizes, durations and signals as people write them. Pure functions, thread-safe.
#ifndef TINY_BASE_UNITS_H_
#define TINY_BASE_UNITS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tiny {

// "128m", "1.5g", "512", "64kb", "1GiB": a number and b, k, m, g, t or p of 1024 (docker run -m).
// kInvalidArgument for anything else, a negative number, or one that overflows.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);

// "10s", "1m30s", "1h", "250ms" (Go's duration). kInvalidArgument for anything else, a bare number
// included.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

// "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3": 1 to 64.
absl::StatusOr<int> ParseSignal(absl::string_view text);
std::string SignalName(int signal);  // "SIGTERM"

// "12.3MiB" with binary units, "12.3MB" with decimal ones (docker stats, docker ps -s).
std::string FormatBinaryBytes(uint64_t bytes);
std::string FormatDecimalBytes(uint64_t bytes);

// "3 seconds", "About a minute", "2 hours", as docker ps says it.
std::string FormatRoughDuration(absl::Duration duration);

}  // namespace tiny

#endif  // TINY_BASE_UNITS_H_
