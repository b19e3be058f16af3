// RFC 3339 times with nanoseconds, fast: one is written and read for each line of a log.
#ifndef TINY_LOGS_LOG_TIME_H_
#define TINY_LOGS_LOG_TIME_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tiny::logs {

// "2026-01-02T03:04:05.000000006Z"
inline constexpr size_t kTimestampLength = 30;

// In UTC, always of that length; a year outside of 0 to 9999 is written as the nearest of them.
void AppendTimestamp(absl::Time time, std::string* out);

// That form at once; any other of RFC 3339 by base/units. The infinite past for what is no time.
absl::Time ParseLogTimestamp(absl::string_view text);

}  // namespace tiny::logs

#endif  // TINY_LOGS_LOG_TIME_H_
