// The formats in which a container's output is kept: one record a line.
//
//   k8s-file:   2026-01-02T03:04:05.000000006Z stdout F the text
//   json-file:  {"log":"the text\n","stream":"stdout","time":"2026-01-02T03:04:05.000000006Z"}
//
// k8s-file is what Kubernetes' CRI and podman write: F ends a line, P is a piece of one. json-file
// is what Docker writes; a text that is not UTF-8 has replacement characters in "log" and its exact
// bytes, base64, in "log_base64". Pure functions; thread-safe.
#ifndef TINY_LOGS_LOG_FORMAT_H_
#define TINY_LOGS_LOG_FORMAT_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tiny::logs {

enum class Stream { kStdout, kStderr };
enum class Format { kK8sFile, kJsonFile };

// A line longer than this is kept as several records.
inline constexpr size_t kMaxRecordText = size_t{16} << 10;

struct LogRecord {
  absl::Time time;
  Stream stream = Stream::kStdout;
  bool ends_line = true;   // false: the rest of the line, if any, is in a later record
  absl::string_view text;  // without the newline
};

// "k8s-file", "json-file". kInvalidArgument for others, "none" among them.
absl::StatusOr<Format> ParseFormat(absl::string_view driver);

// Appends the record's line, its newline included. The text holds no newline. `timestamp` is
// record.time as text (base/timestamp.h), for those who write many records of one time.
void AppendRecord(Format format, const LogRecord& record, absl::string_view timestamp,
                  std::string* out);

// Parses one line, without its newline. The text points into `line`, or into `scratch` where it
// had to be decoded. kInvalidArgument for anything that is no record.
absl::StatusOr<LogRecord> ParseRecord(Format format, absl::string_view line, std::string* scratch);

// Only the time of a record's line; the infinite past if it is no record. Cheap: for searching.
absl::Time ParseRecordTime(Format format, absl::string_view line);

}  // namespace tiny::logs

#endif  // TINY_LOGS_LOG_FORMAT_H_
