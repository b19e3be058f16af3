// --log-driver and --log-opt: how a container's output is kept, and how much of it.
#ifndef TINY_LOGS_LOG_OPTIONS_H_
#define TINY_LOGS_LOG_OPTIONS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "logs/log_format.h"

namespace tiny::logs {

// The log is `kLogFile` in the container's directory; older segments are kLogFile.1, .2 and so on,
// a higher number being newer. A rotation is one rename(2) and one unlink(2) for any max_files.
inline constexpr char kLogFile[] = "container.log";

struct LogOptions {
  bool enabled = true;  // false: driver "none"
  Format format = Format::kK8sFile;
  int64_t max_size = int64_t{10} << 20;  // bytes of a segment; -1: never rotated
  int max_files = 3;                     // segments, the current one included
};

// From the driver's name and the options max-size ("10m", "-1") and max-file ("3").
// kInvalidArgument names the option and says what it takes.
absl::StatusOr<LogOptions> ParseLogOptions(absl::string_view driver,
                                           const std::map<std::string, std::string>& options);

}  // namespace tiny::logs

#endif  // TINY_LOGS_LOG_OPTIONS_H_
