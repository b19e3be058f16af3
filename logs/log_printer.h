// The command `logs`: one or several logs, printed once or followed until their containers end.
//
//   std::vector<LogSource> sources = {{.directory = d, .format = f, .ended = [&] { ... }}};
//   RETURN_IF_ERROR(PrintLogs(sources, {.follow = true, .timestamps = true}, 1, 2));
#ifndef TINY_LOGS_LOG_PRINTER_H_
#define TINY_LOGS_LOG_PRINTER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "logs/log_format.h"
#include "logs/log_reader.h"

namespace tiny::logs {

struct LogSource {
  std::string directory;
  Format format = Format::kK8sFile;
  std::string prefix;  // put before each line, for telling several logs apart; may be empty
  // With follow: true when the container has ended and its supervisor has written all there is.
  // Called seldom: when the log was quiet for a while.
  std::function<bool()> ended;
};

struct PrintOptions {
  ReadOptions read;
  bool follow = false;
  bool timestamps = false;  // RFC 3339 with nanoseconds before each line
};

// Writes records of stdout to `out` and of stderr to `err`, byte by byte as the program wrote them;
// several logs are merged by time. With follow it waits by inotify(7), or looks every 100 ms where
// that is not to be had, across rotations, until every source has ended. kCancelled when a reader
// has closed `out` or `err` (EPIPE). Thread-safe.
absl::Status PrintLogs(std::vector<LogSource> sources, const PrintOptions& options, int out,
                       int err);

}  // namespace tiny::logs

#endif  // TINY_LOGS_LOG_PRINTER_H_
