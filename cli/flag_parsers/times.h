// --since and --until. A pure function, thread-safe.
#ifndef TINY_CLI_FLAG_PARSERS_TIMES_H_
#define TINY_CLI_FLAG_PARSERS_TIMES_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tiny::cli {

// "2026-01-02T15:04:05.000000006Z", "2026-01-02T15:04:05", "2026-01-02T15:04", "2026-01-02" (the
// last three in local time), "1767366245", "1767366245.000000006" (Unix time), or "10m", "1h30m"
// (so long before `now`). kInvalidArgument for anything else.
absl::StatusOr<absl::Time> ParseMoment(absl::string_view text, absl::Time now);

}  // namespace tiny::cli

#endif  // TINY_CLI_FLAG_PARSERS_TIMES_H_
