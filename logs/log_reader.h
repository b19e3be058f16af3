// Reads a container's log back: all of it or a part, once or as it grows.
//
//   ASSIGN_OR_RETURN(LogReader reader, LogReader::Open(directory, Format::kK8sFile, {.tail = 10}));
//   LogRecord record;
//   while (reader.Next(&record)) Print(record);
//
// Neither --since nor --tail reads the whole log: the first searches the segments by halves (times
// are taken to rise), the second reads backwards in blocks. A reader survives rotation: it holds
// the segment that it is in, and goes on with the next; what is rotated away while it lags is
// skipped. Lines that are no records are left out. Thread-compatible.
#ifndef TINY_LOGS_LOG_READER_H_
#define TINY_LOGS_LOG_READER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "logs/log_format.h"

namespace tiny::logs {

struct ReadOptions {
  int64_t tail = -1;  // the last lines of those selected by the rest; -1: all
  absl::Time since = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
  bool out = true;  // which streams
  bool err = true;
};

class LogReader {
 public:
  // `directory` is the container's; a log that does not exist yet reads as an empty one.
  static absl::StatusOr<LogReader> Open(absl::string_view directory, Format format,
                                        const ReadOptions& options);
  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;
  ~LogReader();

  // The next record, whose text is valid until the next call. False: there is none now; more may
  // come by a later call, when the log has grown.
  bool Next(LogRecord* record);

  // True once a record beyond `until` was seen: there will be no more.
  bool past_until() const;

  // What made reading stop early, if anything did.
  const absl::Status& status() const;

 private:
  struct Impl;
  explicit LogReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiny::logs

#endif  // TINY_LOGS_LOG_READER_H_
